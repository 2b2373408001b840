"""The frontier moves evenly, by the clock (Platanios et al. 2019, arXiv 1903.09848)."""

from dataclasses import dataclass
from typing import Annotated

from curriculum.plan.pacing.competence import CompetencePacing


@dataclass(frozen=True, kw_only=True, slots=True)
class Linear(CompetencePacing):
    """Competence c(t) = min(1, t (1 - c0) / T + c0), whatever the model has learnt.

    Attributes:
        initial: the competence c0 at the start.
        horizon: the part of the run's budget after which the competence is 1 (T in the paper).
    """

    initial: Annotated[float, "[0, 1]"] = 0.01
    horizon: Annotated[float, "(0, 1]"] = 0.5

    def competence(self, fraction_used: float) -> float:
        return min(1.0, fraction_used / self.horizon * (1 - self.initial) + self.initial)
