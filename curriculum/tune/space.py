"""The search space of a visit: what may be tried, seen from what the parent has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from curriculum.errors import UsageError
from curriculum.learn.model import Model, Widens, resized, sizes_taken_near
from curriculum.learn.recipe import HIDDEN_SIZE, LEARNING_RATE, Recipe
from curriculum.tune.settings import Choices, Range, Tuning

__all__ = ["Settings", "Space", "space_of", "widest_of"]

Settings = dict[str, Any]
"""Values by dotted name, e.g. `{"optimizer.learning_rate": 1e-3, "model.hidden_size": 20}`."""

RATE_FACTOR = 3.0
WIDTH_FACTOR = math.sqrt(2)
WIDEST_FACTOR = 4
LEAST_WIDEST = 64


@dataclass(frozen=True, slots=True)
class Space:
    """Axes by dotted name, and the settings to try before any sampler is asked.

    Attributes:
        axes: what may be varied, and between which values.
        warm_start: the carried settings; their learning rate times 1/3 and 3, held within
            its bounds; and the next width; each as far as it is searched.
    """

    axes: Mapping[str, Range | Choices]
    warm_start: tuple[Settings, ...]

    @classmethod
    def of_record(cls, axes: Mapping[str, Mapping[str, Any]]) -> Self:
        """The space of a search, from the axes that its record names."""
        found: dict[str, Range | Choices] = {}
        for name, axis in axes.items():
            if "values" in axis:
                found[name] = Choices(setting=name, values=tuple(axis["values"]))
            else:
                found[name] = Range(**axis)
        return cls(found, ())

    def holds(self, settings: Settings) -> bool:
        """Whether these settings lie within the axes; carried ones need not."""
        return all(_within(axis, settings[name]) for name, axis in self.axes.items())


def space_of(tuning: Tuning, recipe: Recipe, widest: int) -> Space:
    """The space of a search that starts from a learner of that recipe.

    Args:
        tuning: what may be varied.
        recipe: the parent's.
        widest: the run's largest hidden size; see `widest_of`.

    Raises:
        UsageError: where a bound or a value is one that the recipe's parts refuse.
    """
    axes: dict[str, Range | Choices] = {}
    if tuning.learning_rate is not None:
        low, high = tuning.learning_rate
        axes[LEARNING_RATE] = Range(setting=LEARNING_RATE, low=low, high=high, log=True)
    widths = _widths(tuning, recipe.model, widest)
    if len(widths) > 1:
        axes[HIDDEN_SIZE] = Choices(setting=HIDDEN_SIZE, values=tuple(widths))
    for axis in tuning.also:
        axes[axis.setting] = _checked(axis, recipe)
    if not axes:
        raise UsageError(
            "tuning has nothing to search: learning_rate is None and hidden_size is fixed; "
            "give one of them bounds, or take --tuning.mode off"
        )
    return Space(axes, _warm_start(axes, recipe, widths))


def _warm_start(
    axes: Mapping[str, Range | Choices], recipe: Recipe, widths: list[int]
) -> tuple[Settings, ...]:
    carried = {name: recipe.value(name) for name in axes}
    found = [carried]
    rates = axes.get(LEARNING_RATE)
    if isinstance(rates, Range):
        low, high = rates.low, rates.high
        for factor in (1 / RATE_FACTOR, RATE_FACTOR):
            rate = min(max(recipe.learning_rate * factor, low), high)
            found.append(carried | {LEARNING_RATE: rate})
    if HIDDEN_SIZE in axes:
        found.append(carried | {HIDDEN_SIZE: widths[1]})
    return tuple(settings for at, settings in enumerate(found) if settings not in found[:at])


def widest_of(tuning: Tuning, model: Model) -> int:
    """The largest hidden size of a run that starts with this model.

    Raises:
        UsageError: where a bound lies below the model's size, is one that it doesn't
            take, or asks for growth of a model that can't be widened.
    """
    own = model.hidden_size
    grows = isinstance(model, Widens) or tuning.cold_start
    if tuning.hidden_size is None and not grows:
        return own
    if tuning.hidden_size is not None:
        for size in tuning.hidden_size:
            _check_size(model, size)
        top = tuning.hidden_size[1]
    else:
        top = max(WIDEST_FACTOR * own, LEAST_WIDEST)
        top = top if _takes(model, top) else max([own, *sizes_taken_near(model, top)])
    if not grows and top != own:
        raise UsageError(
            f"tuning.hidden_size asks {type(model).__name__} to grow, and it can't be widened, as "
            f"it has no `placements`; leave that out, or let larger models start from scratch "
            f"with --tuning.cold-start"
        )
    return top


def _widths(tuning: Tuning, model: Model, widest: int) -> list[int]:
    """The sizes to choose from, the model's own first, a factor of about 1.4 apart."""
    own = model.hidden_size
    lowest = own if tuning.hidden_size is None else max(own, tuning.hidden_size[0])
    found = [own]
    for rung in range(math.ceil(math.log(widest / lowest, WIDTH_FACTOR) - 1e-9) + 1):
        size = min(round(lowest * WIDTH_FACTOR**rung), widest)
        near = [size] if _takes(model, size) else sizes_taken_near(model, size)
        found += [other for other in near if found[-1] < other <= widest][:1]
    return found


def _check_size(model: Model, size: int) -> None:
    if size < model.hidden_size:
        raise UsageError(
            f"tuning.hidden_size asks for {size}, below the model's {model.hidden_size}: a larger "
            f"model continues a smaller one's function, a smaller one can't; give bounds from "
            f"{model.hidden_size} up, or lower model.hidden_size"
        )
    if not _takes(model, size):
        near = " and ".join(map(str, sizes_taken_near(model, size))) or "none"
        raise UsageError(
            f"tuning.hidden_size asks for {size}, which {type(model).__name__} doesn't take; the "
            f"nearest that it takes: {near}"
        )


def _takes(model: Model, size: int) -> bool:
    try:
        resized(model, size)
    except UsageError:
        return False
    return True


def _checked(axis: Range | Choices, recipe: Recipe) -> Range | Choices:
    """The axis, once its ends or values are known to fit; the carried value is a choice too."""
    carried = _carried(axis.setting, recipe)
    values = axis.values if isinstance(axis, Choices) else (axis.low, axis.high)
    whole = isinstance(carried, int)
    for value in values:
        try:
            if value is not None and not isinstance(value, int if whole else int | float):
                kind = "a whole number" if whole else "a number"
                raise UsageError(f"{axis.setting} is {kind}, got {value!r}")
            recipe.but({axis.setting: value})
        except (UsageError, TypeError) as error:
            raise UsageError(f"tuning.also asks for what can't be: {error}") from error
    if isinstance(axis, Choices):
        known = carried in axis.values
        return axis if known else replace(axis, values=(*axis.values, carried))
    if carried is None:
        raise UsageError(
            f"{axis.setting} is None, which no range holds; give it a number to start from, or "
            f"take Choices"
        )
    return axis if whole else replace(axis, low=float(axis.low), high=float(axis.high))


def _carried(setting: str, recipe: Recipe) -> int | float | None:
    """The value that the recipe has.

    Raises:
        UsageError: where it is no setting that can be searched.
    """
    part, _, name = setting.partition(".")
    known: dict[str, Any] = {}
    if part in ("optimizer", "training"):
        settings = getattr(recipe, part)
        known = {field.name: getattr(settings, field.name) for field in fields(settings)}
    value = known.get(name, ())
    number = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    if not number or name == "look_every":
        raise UsageError(
            f"tuning.also can't search {setting!r}; it takes this optimizer's numbers, and "
            f"training.batch_size or training.clip_norm"
        )
    return value  # type: ignore[no-any-return]


def _within(axis: Range | Choices, value: Any) -> bool:
    if isinstance(axis, Choices):
        return value in axis.values
    return isinstance(value, int | float) and axis.low <= value <= axis.high
