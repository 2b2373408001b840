"""The frontier moves on mastery."""

from dataclasses import dataclass
from typing import ClassVar

from curriculum.plan.pacing.pacing import Pacing


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated(Pacing):
    """The frontier is the lowest unmastered stage: it moves on mastery alone."""

    waits_for_mastery: ClassVar[bool] = True

    def frontier(self, lowest_unmastered: int, last: int, fraction_used: float) -> int:
        return lowest_unmastered
