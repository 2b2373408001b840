"""The frontier moves on mastery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curriculum.plan.pacing.pacing import Pacing

__all__ = ["Gated"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated(Pacing):
    """The frontier is the lowest unmastered stage: it moves on mastery alone."""

    listens: ClassVar[bool] = True

    def frontier(self, standing: int, last: int, elapsed: float) -> int:
        return standing
