"""Adds up what a run spends."""

from __future__ import annotations

import time

from curriculum.plan import Spending
from curriculum.plan.budget import compute

__all__ = ["Meter"]


class Meter:
    """Counts steps, tokens, compute and seconds, starting from what was `spent` before."""

    def __init__(self, parameters: int, spent: Spending | None = None) -> None:
        spent = spent or Spending()
        self.parameters = parameters
        self._steps = spent.steps
        self._tokens = spent.tokens
        self._compute = spent.compute
        self._started = time.perf_counter() - spent.seconds

    def trained(self, tokens: int) -> None:
        """Charge one optimizer step on so many tokens."""
        self._steps += 1
        self._tokens += tokens
        self._compute += compute(tokens, self.parameters, training=True)

    def examined(self, tokens: int) -> None:
        """Charge a look at so many tokens."""
        self._compute += compute(tokens, self.parameters, training=False)

    @property
    def spent(self) -> Spending:
        """The spending up to now."""
        return Spending(
            steps=self._steps,
            tokens=self._tokens,
            compute=self._compute,
            seconds=time.perf_counter() - self._started,
        )
