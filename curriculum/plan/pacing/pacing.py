"""What all pacings are."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from curriculum.errors import check_fields
from curriculum.plan.stage import Stage


class Pacing(ABC):
    """Tells how far along the path training may draw its batches from.

    The lowest unmastered stage is evaluated, whatever the pacing, so that reach means the
    same for all. But only a pacing that `waits_for_mastery` trains stage by stage, each
    within its budget; the others use up the run's. One that `uses_clock` needs a budget of
    the whole run in steps, tokens or compute.
    """

    __slots__ = ()
    waits_for_mastery: ClassVar[bool] = False
    uses_clock: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_fields(self, "pacing")

    @abstractmethod
    def frontier(self, lowest_unmastered: int, last: int, fraction_used: float) -> int:
        """The index of the hardest stage that may be drawn.

        Args:
            lowest_unmastered: the index of the lowest stage that is not mastered yet.
            last: the index of the last stage of the path.
            fraction_used: the part of the run's budget that is used up, in [0, 1].
        """

    def frontier_on(
        self, path: Sequence[Stage], lowest_unmastered: int, fraction_used: float
    ) -> int:
        """The same on a path; by default it matters only how many stages that has."""
        return self.frontier(lowest_unmastered, len(path) - 1, fraction_used)
