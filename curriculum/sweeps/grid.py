"""Which runs a sweep has, and the settings that make them comparable."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from curriculum.config import Experiment
from curriculum.errors import UsageError, did_you_mean
from curriculum.plan import Backtracking, Budget, Galloping, Rollback, get_strategy

RATE_FACTORS = (1 / 30, 1 / 10, 1 / 3, 1, 3)
"""The learning rates of each strategy by default, as multiples of the experiment's."""

UNLIMITED = 2**40

EQUAL = {"tokens": "tokens", "cost": "compute"}
"""The units of budgets, as they are called where they are to be equal; compute includes evaluations."""

Until = Literal["target", "limit"]
"""What runs train until: see `Budget`."""


@dataclass(frozen=True, slots=True)
class Amount:
    """The budget of each strategy with each seed, and its unit."""

    value: float
    unit: str


def unit_of(equal: str) -> str:
    """What budgets are in that are equal in `tokens`, or in `cost`.

    Raises:
        UsageError: for anything else.
    """
    if equal not in EQUAL:
        raise UsageError(
            f"budgets are equal in {' or '.join(EQUAL)}, got {equal!r}; {did_you_mean(equal, EQUAL)}"
        )
    return EQUAL[equal]


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run of a sweep. Of one sweep, no two differ in their experiment alone."""

    strategy: str
    seed: int
    learning_rate: float
    experiment: Experiment = field(compare=False)  # a user's task need not be hashable

    @property
    def label(self) -> str:
        """What people call it."""
        setting = "width" if get_strategy(self.strategy).guesses else "learning rate"
        return f"{self.strategy}, seed {self.seed}, {setting} {self.learning_rate:g}"

    def overrides(self, unit: str, until: Until) -> tuple[str, ...]:
        """What would be typed, after those of the experiment, to run it; its budget is in that unit."""
        limit = getattr(self.experiment.budget, unit)
        chosen = (
            "--strategy",
            self.strategy,
            "--optimizer.learning-rate",
            repr(self.learning_rate),
        )
        to = ("--budget.until", until) if until != "target" else ()
        return (*chosen, f"--budget.{unit}", repr(limit), *to)


def plan_runs(
    experiment: Experiment,
    strategies: Sequence[str],
    seeds: Sequence[int],
    amount: Amount,
    rates: Sequence[float],
    *,
    until: Until = "target",
) -> Iterator[PlannedRun]:
    """The runs of a sweep, seed by seed, so that what is there early is comparable.

    Raises:
        UsageError: for an unknown strategy, or one that the task refuses.
    """
    made = {
        (strategy, rate): comparable_experiment(
            experiment, strategy, amount, rate, len(rates), until=until
        )
        for strategy in strategies
        for rate in (guess_widths(len(rates)) if get_strategy(strategy).guesses else rates)
    }
    for seed in seeds:
        for (strategy, rate), each in made.items():
            yield PlannedRun(strategy, seed, rate, each)


def comparable_experiment(
    experiment: Experiment,
    strategy: str | None,
    amount: Amount,
    rate: float,
    count: int,
    *,
    until: Until = "target",
) -> Experiment:
    """The experiment under a strategy, with one of `count` learning rates and its share of the budget.

    Without one, its own pacing and sampling stay as they are.

    Nothing is searched, no stage is given up before the budget is, and no stage is skipped: there
    are no retunes, half steps, demotions or fresh starts, and no galloping. Nor are there
    rollbacks, which only strategies that listen to evaluations could make. As a stage counts as
    mastered where the best of the learning rates has mastered it, each of them may err in a share
    of the cases that one alone may.

    The learning rate is constant, as a visit may end at any time; but where all train `until` the
    limit, a schedule over the run is the same for all, and stays.
    """
    share = amount.value / count
    criterion = experiment.criterion
    error = (1 - criterion.confidence) / count
    whole = amount.unit in ("steps", "tokens")
    if whole and share < 1:
        raise UsageError(
            f"a budget of {amount.value:g} {amount.unit} shared by {count} learning rates leaves "
            f"none; take at least {count}"
        )
    limit: dict[str, Any] = {amount.unit: int(share) if whole else share}
    growth, training = experiment.growth, experiment.training
    if isinstance(growth, Galloping):
        growth = growth.arithmetic()
    if until == "target" or training.schedule_over == "visit":
        training = replace(training, schedule="constant")
    try:
        found = experiment.replace(criterion=criterion.replace(confidence=1 - error))
    except UsageError as unclear:  # the experiment was fine with its own confidence
        raise UsageError(f"{unclear} ({count} learning rates share the error allowed)") from None
    found = found.replace(
        growth=growth,
        training=training,
        tuning=replace(experiment.tuning, mode="off"),
        backtracking=Backtracking(retunes=0, half_steps=0, demotions=0, fresh_starts=0, patience=0),
        rollback=Rollback(times=0),
        budget=Budget(until=until, steps_per_stage=UNLIMITED, **limit),
    )
    pacing = found.pacing if strategy is None else get_strategy(strategy).pacing
    if pacing.uses_clock and not found.budget.is_reproducible:
        raise UsageError(
            f"strategy {strategy or found.strategy} goes by a clock that must be the same whenever a run is repeated; "
            f"compare it at a budget of compute, tokens or steps, not of {amount.unit}"
        )
    if strategy is not None:
        found = found.with_strategy(strategy)
    optimizer: Any = found.optimizer
    return found.replace(optimizer=replace(optimizer, learning_rate=rate))


def guess_widths(count: int) -> tuple[float, ...]:
    """The widths that weights are guessed in, one for each learning rate of the others."""
    return tuple(10.0**power for power in range(count))


def default_rates(experiment: Experiment) -> tuple[float, ...]:
    """The learning rates of each strategy by default: the experiment's, times 1/30 to 3.

    The experiment's was chosen for its own strategy, and direct training may need a lower one.
    """
    rate = experiment.optimizer.learning_rate
    return tuple(float(f"{rate * factor:.3g}") for factor in RATE_FACTORS)


def parse_amount(text: str) -> Amount:
    """The amount that was typed: `3e10` is compute, `2e6tokens`, `60s` and `500steps` are others.

    Raises:
        UsageError: where it is none.
    """
    number, unit = text.strip(), "compute"
    for ending, name in (("tokens", "tokens"), ("steps", "steps"), ("s", "seconds")):
        if number.endswith(ending):
            number, unit = number.removesuffix(ending).strip(), name
            break
    try:
        value = float(number)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e300:
        raise UsageError(
            f"must be a number above 0 (compute), or one with tokens, steps or s, such as "
            f"3e10, 2e6tokens, 500steps or 60s; got {text!r}"
        )
    return Amount(value, unit)
