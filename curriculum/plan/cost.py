"""What training costs: optimizer steps, tokens, compute, seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import add, sub
from typing import Any

STEP_OVERHEAD = 50_000
"""Stands for the fixed cost of a step in tiny models, as if they had so many more parameters."""

EVALUATION_SHARE = 1 / 3
"""An evaluation runs the forward pass alone: a third of a training step's work."""


def compute(tokens: int, parameters: int, *, training: bool) -> float:
    """What budgets and comparisons count: tokens x (parameters + 50,000).

    Tokens of an evaluation count a third of those trained on.
    """
    work = float(tokens) * (parameters + STEP_OVERHEAD)
    return work if training else work * EVALUATION_SHARE


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Optimizer steps, tokens trained on, compute, and seconds."""

    steps: int = 0
    tokens: int = 0
    compute: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return self._combined(add, other)

    def __sub__(self, other: Cost) -> Cost:
        return self._combined(sub, other)

    def without_clock(self) -> Cost:
        """All but the seconds: what must be the same whenever a run is repeated."""
        return Cost(steps=self.steps, tokens=self.tokens, compute=self.compute)

    def _combined(self, combine: Callable[[Any, Any], Any], other: Cost) -> Cost:
        names = self.__slots__
        return Cost(**{name: combine(getattr(self, name), getattr(other, name)) for name in names})
