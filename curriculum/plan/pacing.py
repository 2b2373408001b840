"""When the frontier of difficulty moves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

__all__ = ["Gated", "Pacing"]


class Pacing(ABC):
    """Tells how far up the path training may draw its batches from."""

    __slots__ = ()

    @abstractmethod
    def frontier(self, standing: int, last: int) -> int:
        """The index of the frontier on a path whose last index is `last`.

        `standing` is the index of the lowest stage that is not mastered yet.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated(Pacing):
    """The frontier is the lowest unmastered stage: it moves on mastery alone."""

    def frontier(self, standing: int, last: int) -> int:
        return standing
