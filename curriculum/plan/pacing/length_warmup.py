"""The length grows along a line, by the clock (Li et al. 2022, arXiv 2108.06084)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from curriculum.plan.pacing.competence import CompetencePacing
from curriculum.plan.stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class LengthWarmup(CompetencePacing):
    """Length l(t) = l0 + (l1 - l0) min(1, t / T), from the first stage's to the last one's.

    The frontier is the hardest stage before any that is longer than that: lengths between those of
    the path are rounded down to one of them. Only the length is warmed up: of stages of one length
    the frontier is the last.

    Attributes:
        horizon: the part of the run's budget after which the length is the last stage's (T in
            the paper).

    >>> path = [Stage(length) for length in (32, 64, 128, 256, 512)]
    >>> [LengthWarmup().frontier_on(path, 0, used) for used in (0.0, 0.05, 0.1, 0.25, 0.5)]
    [0, 1, 2, 3, 4]
    """

    horizon: Annotated[float, "(0, 1]"] = 0.5

    def competence(self, fraction_used: float) -> float:
        return min(1.0, fraction_used / self.horizon)

    def frontier_on(
        self, path: Sequence[Stage], lowest_unmastered: int, fraction_used: float
    ) -> int:
        first, last = path[0].length, path[-1].length
        length = first + (last - first) * self.competence(fraction_used)
        longer = (place for place, stage in enumerate(path) if stage.length > length)
        return next(longer, len(path)) - 1
