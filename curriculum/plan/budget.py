"""How much training is allowed."""

from dataclasses import dataclass
from typing import Literal

from curriculum.errors import UsageError, check_fields, counted
from curriculum.plan.cost import Cost

UNLIMITED = 2**62


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What a visit to a stage, and the whole run, may cost. `None` sets no limit.

    The steps of a visit are always limited, so that a run always ends. Each trial of a
    visit may cost what the visit may. The run's limits hold for all trials together, and
    are checked at every evaluation: a race may exceed its steps by less than `eval_every`.

    Seconds are counted from the run's start, without the time to load libraries.

    Attributes:
        until: what a run trains until: the `target` is passed, or the run's budget is used up before;
            or in any case the `limit` of the whole run. It then goes on at the last stage once that is
            passed, and ends with the model as it was trained last.
        steps_per_stage: optimizer steps of one visit to a stage.
        compute_per_stage: compute of one visit.
        seconds_per_stage: seconds of one visit.
        steps: optimizer steps of the whole run, trials included.
        tokens: tokens trained on in the whole run.
        compute: compute of the whole run, evaluations included.
        seconds: seconds of the whole run.
    """

    until: Literal["target", "limit"] = "target"
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
        limits = (name for name in self.__slots__ if name != "until")
        check_fields(self, "budget", **dict.fromkeys(limits, "(0, inf)"))
        if self.until == "limit" and not self.limits_run:
            raise UsageError(
                "budget.until limit trains until the budget of the whole run is used up, and there is "
                "none; give budget.tokens, budget.compute, budget.steps or budget.seconds"
            )

    def limit_reached(self, visit: Cost, run: Cost) -> str | None:
        """Which limit is used up, in words; None while there is budget left."""
        return self.visit_limit_reached(visit) or self.run_limit_reached(run)

    def run_limit_reached(self, run: Cost) -> str | None:
        """Which limit of the whole run is used up, in words."""
        return _limit_reached(
            (run.steps, self.steps, "the run's budget of {}", "step"),
            (run.tokens, self.tokens, "the run's budget of {}", "token"),
            (run.compute, self.compute, "the run's compute budget of {:.3g}", ""),
            (run.seconds, self.seconds, "the run's budget of {:g} seconds", ""),
        )

    def visit_limit_reached(self, visit: Cost) -> str | None:
        """Which limit of a visit is used up, in words."""
        return _limit_reached(
            (visit.steps, self.steps_per_stage, "the stage's budget of {}", "step"),
            (visit.compute, self.compute_per_stage, "the stage's compute budget of {:.3g}", ""),
            (visit.seconds, self.seconds_per_stage, "the stage's budget of {:g} seconds", ""),
        )

    def steps_left(self, visit: Cost, run: Cost) -> int:
        """How many more steps the limits in steps allow."""
        return min(self.steps_per_stage - visit.steps, self.run_steps_left(run))

    def run_steps_left(self, run: Cost) -> int:
        """How many more steps the run's limit in steps allows."""
        return UNLIMITED if self.steps is None else self.steps - run.steps

    def horizon(self, *, of_visit: bool) -> int:
        """How many steps a learning rate schedule is stretched over: of a visit, or of the run."""
        if of_visit:
            return self.steps_per_stage
        assert self.steps is not None  # an experiment with a schedule has it
        return self.steps

    @property
    def limits_run(self) -> bool:
        """Whether the whole run has a limit."""
        return self.is_reproducible or self.seconds is not None

    @property
    def is_reproducible(self) -> bool:
        """Whether the whole run has a limit that is the same whenever it is repeated."""
        return any(limit is not None for limit in (self.steps, self.tokens, self.compute))

    def fraction_used(self, run: Cost) -> float:
        """The part of the run's reproducible limits that is used up, in [0, 1]."""
        pairs = ((run.steps, self.steps), (run.tokens, self.tokens), (run.compute, self.compute))
        return min(1.0, max((used / limit for used, limit in pairs if limit), default=0.0))


def _limit_reached(*limits: tuple[float, float | None, str, str]) -> str | None:
    """The first limit that is used up, in words; each is given with the cost, its text and what it counts."""
    for cost, limit, text, noun in limits:
        if limit is not None and cost >= limit:
            amount = counted(int(limit), noun) if noun else limit
            return f"{text.format(amount)} is used up"
    return None
