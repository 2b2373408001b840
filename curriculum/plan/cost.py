"""What training costs: optimizer steps, tokens, compute, seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import add, sub
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Optimizer steps, tokens trained on, compute, and seconds.

    Compute is a function of the work, evaluations included; see `curriculum.learn.work`.

    Attributes:
        evaluation: the part of the compute that evaluations took.
    """

    steps: int = 0
    tokens: int = 0
    compute: float = 0.0
    seconds: float = 0.0
    evaluation: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return self._combined(add, other)

    def __sub__(self, other: Cost) -> Cost:
        return self._combined(sub, other)

    def without_clock(self) -> Cost:
        """All but the seconds: what must be the same whenever a run is repeated."""
        return replace(self, seconds=0.0)

    def _combined(self, combine: Callable[[Any, Any], Any], other: Cost) -> Cost:
        names = self.__slots__
        return Cost(**{name: combine(getattr(self, name), getattr(other, name)) for name in names})
