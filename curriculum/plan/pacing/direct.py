"""The frontier never moves."""

from __future__ import annotations

from dataclasses import dataclass

from curriculum.plan.pacing.pacing import Pacing

__all__ = ["Direct"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Direct(Pacing):
    """The frontier is the last stage from the start: with current sampling, no curriculum."""

    def frontier(self, standing: int, last: int, elapsed: float) -> int:
        return last
