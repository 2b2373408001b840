"""What may be tuned, when, and at what cost."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from curriculum.errors import UsageError, check_fields, did_you_mean

Mode = Literal["each", "exhausted", "off"]
SAMPLERS = ("tpe", "gp", "random")


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Any number from `low` to `high`; whole ones where both bounds are whole.

    `setting` is a dotted name, as the command line spells it, of an optimizer's or
    training setting: `optimizer.momentum`, `training.clip_norm`.
    """

    setting: str
    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        check_bounds(f"the search range of {self.setting}", self.low, self.high, positive=self.log)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """One of a few values: `Choices(setting="training.batch_size", values=(16, 32, 64))`."""

    setting: str
    values: tuple[bool | int | float | str | None, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise UsageError(f"the search choices of {self.setting} are empty; give at least one")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """How learning rate, hidden size and other settings are searched on a stage.

    Attributes:
        mode: `each` searches on every stage that needs training, `exhausted` only where the
            carried settings exhausted their budget, `off` nowhere.
        trials: the most trials of one search; proposed four at a time.
        share: the most of a run's compute that discarded trials may take. A round of four
            discards up to three quarters of its cost, the first search still more.
        sampler: Optuna's sampler, which proposes the trials: `tpe`, `gp` or `random`.
        learning_rate: the lowest and the highest, searched on a logarithmic scale; None
            leaves it alone.
        hidden_size: the smallest and the largest. None searches from the model's own size
            to four times that, at least 64. The size never shrinks, and may stay as it is.
        also: other settings to search; in Python alone.
        cold_start: let a model that can't be widened start from scratch at a larger size;
            otherwise its size is not searched.

    Raises:
        UsageError: for bounds that are empty or reversed, or a value out of range.
    """

    mode: Mode = "off"
    trials: int = 16
    share: float = 0.95
    sampler: str = "tpe"
    learning_rate: tuple[float, float] | None = (1e-4, 1e-1)
    hidden_size: tuple[int, int] | None = None
    also: tuple[Range | Choices, ...] = ()
    cold_start: bool = False

    def __post_init__(self) -> None:
        check_fields(self, "tuning", mode=get_args(Mode), share="(0, 1]")
        if self.trials < 1:
            raise UsageError(
                f"tuning.trials must be at least 1, got {self.trials}; --tuning.mode off tunes nothing"
            )
        if self.sampler not in SAMPLERS:
            raise UsageError(
                f"there is no sampler {self.sampler!r}; {did_you_mean(self.sampler, SAMPLERS)}"
            )
        if self.learning_rate is not None:
            check_bounds("tuning.learning_rate", *self.learning_rate, positive=True)
        if self.hidden_size is not None:
            check_bounds("tuning.hidden_size", *self.hidden_size, positive=True)
        names = [parameter.setting.rpartition(".")[2] for parameter in self.also]
        names += ["learning_rate", "hidden_size"]
        for name in names:
            if names.count(name) > 1:
                raise UsageError(f"tuning.also names {name} twice, or what has a field of its own")

    @property
    def is_on(self) -> bool:
        return self.mode != "off"


def check_bounds(what: str, low: float, high: float, *, positive: bool) -> None:
    """Check that bounds are finite, in order and, if wanted, above 0."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UsageError(f"{what} needs finite bounds, got {low:g} to {high:g}")
    if low > high:
        raise UsageError(f"{what} runs from {low:g} down to {high:g}; give the lower bound first")
    if positive and low <= 0:
        raise UsageError(f"{what} must be above 0, got {low:g} to {high:g}")
