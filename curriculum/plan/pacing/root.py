"""The frontier moves fast at first, by the clock (Platanios et al. 2019, arXiv 1903.09848)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curriculum.errors import UsageError
from curriculum.plan.pacing.competence import check_clock, frontier_at
from curriculum.plan.pacing.pacing import Pacing

__all__ = ["Root"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Root(Pacing):
    """Competence c(t) = min(1, (t (1 - c0^p) / T + c0^p)^(1/p)).

    As more stages are open, each new one is given more time.

    Attributes:
        power: the p of the paper; 2 is its square root competence.
        initial: the competence c0 at the start.
        horizon: the part of the run's budget after which it is 1: the T of the paper.
    """

    timed: ClassVar[bool] = True
    power: float = 2.0
    initial: float = 0.01
    horizon: float = 0.5

    def __post_init__(self) -> None:
        check_clock(self.initial, self.horizon)
        if not 1 <= self.power <= 100:
            raise UsageError(f"pacing.power must be in [1, 100], got {self.power}")

    def competence(self, elapsed: float) -> float:
        """The share of the path that may be drawn from, in [0, 1]."""
        start: float = self.initial**self.power
        found: float = (elapsed / self.horizon * (1 - start) + start) ** (1 / self.power)
        return min(1.0, found)

    def frontier(self, standing: int, last: int, elapsed: float) -> int:
        return frontier_at(self.competence(elapsed), last)
