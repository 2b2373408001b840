"""What all pacings are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

__all__ = ["Pacing"]


class Pacing(ABC):
    """Tells how far up the path training may draw its batches from.

    Looks are at the lowest unmastered stage, whatever the pacing, so that reach means the
    same for all. But only a pacing that `listens` to them trains stage by stage, each
    within its budget; the others spend the run's. One that is `timed` reads a clock: it
    takes a budget that can be counted, in steps, tokens or compute.
    """

    __slots__ = ()
    listens: ClassVar[bool] = False
    timed: ClassVar[bool] = False

    @abstractmethod
    def frontier(self, standing: int, last: int, elapsed: float) -> int:
        """The index of the frontier on a path whose last index is `last`.

        Args:
            standing: the index of the lowest stage that is not mastered yet.
            last: the index of the last stage.
            elapsed: the part of the run's budget that is spent, in [0, 1].
        """
