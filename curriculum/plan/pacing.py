"""When the frontier of difficulty moves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["Direct", "Gated", "Pacing"]


class Pacing(ABC):
    """Tells how far up the path training may draw its batches from.

    Looks are at the lowest unmastered stage, whatever the pacing, so that reach means the
    same for all. But only a pacing that `listens` to them trains stage by stage, each
    within its budget; the others spend the run's.
    """

    __slots__ = ()
    listens: ClassVar[bool] = False

    @abstractmethod
    def frontier(self, standing: int, last: int) -> int:
        """The index of the frontier on a path whose last index is `last`.

        `standing` is the index of the lowest stage that is not mastered yet.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated(Pacing):
    """The frontier is the lowest unmastered stage: it moves on mastery alone."""

    listens: ClassVar[bool] = True

    def frontier(self, standing: int, last: int) -> int:
        return standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Direct(Pacing):
    """The frontier is the last stage from the start: no curriculum."""

    def frontier(self, standing: int, last: int) -> int:
        return last
