"""What training costs, and how much of it is allowed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

from curriculum.errors import UsageError

__all__ = ["STEP_OVERHEAD", "Budget", "Spending", "compute"]

STEP_OVERHEAD = 50_000
"""Stands for the fixed cost of a step in tiny models, as if they had so many more parameters."""

UNLIMITED = 2**62

LOOK_SHARE = 1 / 3
"""A look runs the forward pass alone: a third of a training step's work."""


def compute(tokens: int, parameters: int, *, training: bool) -> float:
    """The one currency of budgets and comparisons: tokens x (parameters + 50,000).

    A look's tokens count a third of those trained on.
    """
    work = float(tokens) * (parameters + STEP_OVERHEAD)
    return work if training else work * LOOK_SHARE


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """What has been spent: optimizer steps, tokens trained on, compute, seconds."""

    steps: int = 0
    tokens: int = 0
    compute: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Spending) -> Spending:
        return Spending(
            steps=self.steps + other.steps,
            tokens=self.tokens + other.tokens,
            compute=self.compute + other.compute,
            seconds=self.seconds + other.seconds,
        )

    def __sub__(self, other: Spending) -> Spending:
        return Spending(
            steps=self.steps - other.steps,
            tokens=self.tokens - other.tokens,
            compute=self.compute - other.compute,
            seconds=self.seconds - other.seconds,
        )

    def exact(self) -> dict[str, Any]:
        """All but the clock reading: what must be the same whenever a run is repeated."""
        return {"steps": self.steps, "tokens": self.tokens, "compute": self.compute}

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_state_dict(cls, state: dict[str, Any]) -> Self:
        return cls(**state)


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What a visit to a stage, and the whole run, may spend. `None` sets no limit.

    The steps of a visit are always limited, so that a run always ends. Each trial of a
    visit may spend what the visit may. The run's limits hold for all trials together, and
    are checked at every look: a race may overrun its steps by less than `look_every`.

    Seconds are counted from the run's start, without the time to load libraries.
    """

    steps_per_stage: int = 2000
    compute_per_stage: float | None = None
    seconds_per_stage: float | None = None
    steps: int | None = None
    tokens: int | None = None
    compute: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.steps_per_stage is None:
            raise UsageError("budget.steps_per_stage must be a number: a visit has to end")
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"budget.{name} must be a number above 0, got {value}")

    def overrun(self, visit: Spending, run: Spending) -> str | None:
        """Which limit is used up, in words; None while there is budget left."""
        return self.visit_overrun(visit) or self.run_overrun(run)

    def run_overrun(self, run: Spending) -> str | None:
        """Which limit of the whole run is used up, in words."""
        if self.steps is not None and run.steps >= self.steps:
            return f"the run's {self.steps:,} steps are used up"
        if self.tokens is not None and run.tokens >= self.tokens:
            return f"the run's {self.tokens:,} tokens are used up"
        if self.compute is not None and run.compute >= self.compute:
            return f"the run's {self.compute:.3g} of compute are used up"
        if self.seconds is not None and run.seconds >= self.seconds:
            return f"the run's {self.seconds:g} seconds are used up"
        return None

    def visit_overrun(self, visit: Spending) -> str | None:
        """Which limit of a visit is used up, in words."""
        if visit.steps >= self.steps_per_stage:
            return f"the stage's {self.steps_per_stage:,} steps are used up"
        if self.compute_per_stage is not None and visit.compute >= self.compute_per_stage:
            return f"the stage's {self.compute_per_stage:.3g} of compute are used up"
        if self.seconds_per_stage is not None and visit.seconds >= self.seconds_per_stage:
            return f"the stage's {self.seconds_per_stage:g} seconds are used up"
        return None

    def steps_left(self, visit: Spending, run: Spending) -> int:
        """How many more steps the limits in steps allow."""
        return min(self.steps_per_stage - visit.steps, self.run_steps_left(run))

    def run_steps_left(self, run: Spending) -> int:
        """How many more steps the run's limit in steps allows."""
        return UNLIMITED if self.steps is None else self.steps - run.steps

    @property
    def limits_the_run(self) -> bool:
        """Whether the whole run has a limit."""
        return self.is_counted or self.seconds is not None

    @property
    def is_counted(self) -> bool:
        """Whether the whole run has a limit that is the same whenever it is repeated."""
        return any(limit is not None for limit in (self.steps, self.tokens, self.compute))

    def elapsed(self, run: Spending) -> float:
        """The part of the run's counted limits that is used up, in [0, 1]."""
        pairs = (
            (run.steps, self.steps),
            (run.tokens, self.tokens),
            (run.compute, self.compute),
        )
        return min(1.0, max((used / limit for used, limit in pairs if limit), default=0.0))
