"""The frontier moves fast at first, by the clock (Platanios et al. 2019, arXiv 1903.09848)."""

from dataclasses import dataclass
from typing import Annotated

from curriculum.plan.pacing.competence import CompetencePacing


@dataclass(frozen=True, kw_only=True, slots=True)
class Root(CompetencePacing):
    """Competence c(t) = min(1, (t (1 - c0^p) / T + c0^p)^(1/p)).

    As more stages are open, each new one is given more time.

    Attributes:
        power: the p of the paper; 2 is its square root competence.
        initial: the competence c0 at the start.
        horizon: the part of the run's budget after which the competence is 1 (T in the paper).
    """

    power: Annotated[float, "[1, 100]"] = 2.0
    initial: Annotated[float, "[0, 1]"] = 0.01
    horizon: Annotated[float, "(0, 1]"] = 0.5

    def competence(self, fraction_used: float) -> float:
        start: float = self.initial**self.power
        found: float = (fraction_used / self.horizon * (1 - start) + start) ** (1 / self.power)
        return min(1.0, found)
