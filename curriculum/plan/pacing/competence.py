"""From a competence to a frontier (Platanios et al. 2019, arXiv 1903.09848, section 3)."""

import math
from abc import abstractmethod
from typing import ClassVar

from curriculum.plan.pacing.pacing import Pacing

ROUNDING = 1e-9


class CompetencePacing(Pacing):
    """The frontier follows a competence that grows with the part of the budget used."""

    __slots__ = ()
    uses_clock: ClassVar[bool] = True

    @abstractmethod
    def competence(self, fraction_used: float) -> float:
        """The share of the path that may be drawn from, in [0, 1]."""

    def frontier(self, lowest_unmastered: int, last: int, fraction_used: float) -> int:
        return frontier_at(self.competence(fraction_used), last)


def frontier_at(competence: float, last: int) -> int:
    """The hardest stage whose share of the path, its own included, is within `competence`.

    The first stage is always allowed.

    >>> [frontier_at(competence, 3) for competence in (0.01, 0.49, 0.5, 1.0)]
    [0, 0, 1, 3]
    """
    return max(0, min(last, math.floor(competence * (last + 1) + ROUNDING) - 1))
