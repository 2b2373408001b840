"""Adds up what a run costs."""

import time
from collections.abc import Callable

from curriculum.plan import Budget, Cost


class CostMeter:
    """Counts steps, tokens and compute from the `cost` so far; seconds by a `clock`.

    What trials cost is counted by a meter of their own. It is added here once it is
    known which of them was selected: its own to `cost`, the others' to `discarded_cost`.

    Attributes:
        discarded_cost: of trials that were not selected. Its seconds are among those of `cost`.
    """

    def __init__(
        self,
        cost: Cost | None = None,
        discarded_cost: Cost | None = None,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        cost = cost or Cost()
        started = time.perf_counter() - cost.seconds
        self.discarded_cost = discarded_cost or Cost()
        self._steps, self._tokens, self._compute = cost.steps, cost.tokens, cost.compute
        self._evaluation = cost.evaluation
        self._clock = clock or (lambda: time.perf_counter() - started)

    def add_step(self, tokens: int, compute: float) -> None:
        """Charge one optimizer step."""
        self._steps += 1
        self._tokens += tokens
        self._compute += compute

    def add_evaluation(self, compute: float) -> None:
        """Charge an evaluation."""
        self._compute += compute
        self._evaluation += compute

    def add_pass(self, compute: float) -> None:
        """Charge a pass that a sampling takes besides a step, to learn from it."""
        self._compute += compute

    def add_trials(self, selected: Cost, discarded: Cost) -> None:
        """Charge the trials of a search; the seconds of the one selected have passed here too."""
        self._steps += selected.steps
        self._tokens += selected.tokens
        self._compute += selected.compute
        self._evaluation += selected.evaluation
        self.discarded_cost = self.discarded_cost + discarded

    def has_used_up(self, budget: Budget) -> bool:
        """Whether the run's budget of tokens or of compute is used up."""
        tokens = self._tokens + self.discarded_cost.tokens
        compute = self._compute + self.discarded_cost.compute
        return (budget.tokens is not None and tokens >= budget.tokens) or (
            budget.compute is not None and compute >= budget.compute
        )

    @property
    def cost(self) -> Cost:
        """The cost up to now, without discarded trials."""
        return Cost(
            steps=self._steps,
            tokens=self._tokens,
            compute=self._compute,
            seconds=self._clock(),
            evaluation=self._evaluation,
        )
