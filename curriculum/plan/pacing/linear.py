"""The frontier moves evenly, by the clock (Platanios et al. 2019, arXiv 1903.09848)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curriculum.plan.pacing.competence import check_clock, frontier_at
from curriculum.plan.pacing.pacing import Pacing

__all__ = ["Linear"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Linear(Pacing):
    """Competence c(t) = min(1, t (1 - c0) / T + c0), whatever the model has learnt.

    Attributes:
        initial: the competence c0 at the start.
        horizon: the part of the run's budget after which it is 1: the T of the paper.
    """

    timed: ClassVar[bool] = True
    initial: float = 0.01
    horizon: float = 0.5

    def __post_init__(self) -> None:
        check_clock(self.initial, self.horizon)

    def competence(self, elapsed: float) -> float:
        """The share of the path that may be drawn from, in [0, 1]."""
        return min(1.0, elapsed / self.horizon * (1 - self.initial) + self.initial)

    def frontier(self, standing: int, last: int, elapsed: float) -> int:
        return frontier_at(self.competence(elapsed), last)
