"""Adds up what is spent."""

from __future__ import annotations

import time
from collections.abc import Callable

from curriculum.plan import Budget, Spending
from curriculum.plan.budget import compute

__all__ = ["Meter"]


class Meter:
    """Counts steps, tokens and compute, starting from what was `spent` before; seconds by a `clock`.

    What trials spend is counted by a meter of their own. It is added here once it is
    known which of them won: the winner's to `spent`, the others' to `lost`.

    Attributes:
        lost: what went on trials that did not win. Its seconds are among those spent.
    """

    def __init__(
        self,
        spent: Spending | None = None,
        lost: Spending | None = None,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        spent = spent or Spending()
        started = time.perf_counter() - spent.seconds
        self.lost = lost or Spending()
        self._steps = spent.steps
        self._tokens = spent.tokens
        self._compute = spent.compute
        self._clock = clock or (lambda: time.perf_counter() - started)

    def trained(self, tokens: int, parameters: int) -> None:
        """Charge one optimizer step of a model on so many tokens."""
        self._steps += 1
        self._tokens += tokens
        self._compute += compute(tokens, parameters, training=True)

    def examined(self, tokens: int, parameters: int) -> None:
        """Charge a look of a model at so many tokens."""
        self._compute += compute(tokens, parameters, training=False)

    def won(self, spent: Spending) -> None:
        """Charge what the trial that won has spent; its seconds have passed here too."""
        self._steps += spent.steps
        self._tokens += spent.tokens
        self._compute += spent.compute

    def lose(self, spent: Spending) -> None:
        """Charge what trials have spent that did not win."""
        self.lost = self.lost + spent

    def has_used_up(self, budget: Budget) -> bool:
        """Whether the tokens or the compute that a run may spend are spent."""
        tokens, compute = self._tokens + self.lost.tokens, self._compute + self.lost.compute
        return (budget.tokens is not None and tokens >= budget.tokens) or (
            budget.compute is not None and compute >= budget.compute
        )

    @property
    def spent(self) -> Spending:
        """The spending up to now, apart from what was lost."""
        return Spending(
            steps=self._steps,
            tokens=self._tokens,
            compute=self._compute,
            seconds=self._clock(),
        )
