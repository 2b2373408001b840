"""The search space of a visit: what its trials may vary, from the settings of the parent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from curriculum import learn
from curriculum.config.tuning import Choices, Range, Tuning
from curriculum.errors import UsageError

Settings = dict[str, Any]
"""Values by dotted name, e.g. `{"optimizer.learning_rate": 1e-3, "model.hidden_size": 20}`."""

RATE_FACTOR = 3.0
WIDTH_FACTOR = math.sqrt(2)
WIDEST_FACTOR = 4
LEAST_WIDEST = 64


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """Parameters by dotted name, and the settings to try before the sampler proposes any.

    Attributes:
        parameters: what may be varied, and between which values.
        warm_start: the carried settings; their learning rate times 1/3 and 3, held within
            its bounds; and the next width; each as far as it is searched.
    """

    parameters: Mapping[str, Range | Choices]
    warm_start: tuple[Settings, ...] = ()

    def holds(self, settings: Settings) -> bool:
        """Whether these settings are within the bounds; carried ones need not be."""
        return all(_within(p, settings[name]) for name, p in self.parameters.items())


def search_space_of(tuning: Tuning, recipe: learn.Recipe, widest: int) -> SearchSpace:
    """The space of a search that starts from a learner of that recipe.

    Args:
        tuning: what may be varied.
        recipe: the parent's.
        widest: the run's largest hidden size; see `widest_size`.

    Raises:
        UsageError: where a bound or a value is one that the recipe's parts refuse.
    """
    parameters: dict[str, Range | Choices] = {}
    if tuning.learning_rate is not None:
        low, high = tuning.learning_rate
        parameters[learn.LEARNING_RATE] = Range(
            setting=learn.LEARNING_RATE, low=low, high=high, log=True
        )
    widths = _widths(tuning, recipe.model, widest)
    if len(widths) > 1:
        parameters[learn.HIDDEN_SIZE] = Choices(setting=learn.HIDDEN_SIZE, values=tuple(widths))
    for parameter in tuning.also:
        parameters[parameter.setting] = _checked(parameter, recipe)
    if not parameters:
        raise UsageError(
            "tuning has nothing to search: learning_rate is None and hidden_size is fixed; "
            "give one of them bounds, or take --tuning.mode off"
        )
    return SearchSpace(parameters, _warm_start(parameters, recipe, widths))


def _warm_start(
    parameters: Mapping[str, Range | Choices], recipe: learn.Recipe, widths: list[int]
) -> tuple[Settings, ...]:
    carried = {name: recipe.value(name) for name in parameters}
    found = [carried]
    rates = parameters.get(learn.LEARNING_RATE)
    if isinstance(rates, Range):
        low, high = rates.low, rates.high
        for factor in (1 / RATE_FACTOR, RATE_FACTOR):
            rate = min(max(recipe.learning_rate * factor, low), high)
            found.append(carried | {learn.LEARNING_RATE: rate})
    if learn.HIDDEN_SIZE in parameters:
        found.append(carried | {learn.HIDDEN_SIZE: widths[1]})
    return tuple(settings for at, settings in enumerate(found) if settings not in found[:at])


def widest_size(tuning: Tuning, model: learn.Model) -> int:
    """The largest hidden size of a run that starts with this model.

    Raises:
        UsageError: where a bound lies below the model's size, is one that it doesn't
            take, or would have a model grow that can't be widened.
    """
    own = model.hidden_size
    grows = isinstance(model, learn.Widenable) or tuning.cold_start
    if tuning.hidden_size is None and not grows:
        return own
    if tuning.hidden_size is not None:
        for size in tuning.hidden_size:
            _check_size(model, size)
        top = tuning.hidden_size[1]
    else:
        top = max(WIDEST_FACTOR * own, LEAST_WIDEST)
        top = top if _takes(model, top) else max([own, *learn.nearest_sizes(model, top)])
    if not grows and top != own:
        raise UsageError(
            f"tuning.hidden_size must be {own}, got up to {top}: {learn.why_not_widened(model)}; leave "
            f"that out, or let larger models start from scratch with --tuning.cold-start"
        )
    return top


def _widths(tuning: Tuning, model: learn.Model, widest: int) -> list[int]:
    """The sizes to choose from, the model's own first, a factor of about 1.4 apart."""
    own = model.hidden_size
    lowest = own if tuning.hidden_size is None else max(own, tuning.hidden_size[0])
    found = [own]
    for rung in range(math.ceil(math.log(widest / lowest, WIDTH_FACTOR) - 1e-9) + 1):
        size = min(round(lowest * WIDTH_FACTOR**rung), widest)
        near = [size] if _takes(model, size) else learn.nearest_sizes(model, size)
        found += [other for other in near if found[-1] < other <= widest][:1]
    return found


def _check_size(model: learn.Model, size: int) -> None:
    if size < model.hidden_size:
        raise UsageError(
            f"tuning.hidden_size must not be below the model's {model.hidden_size}: a larger model "
            f"continues a smaller one's function, and a smaller one can't; got {size}; give bounds "
            f"from {model.hidden_size} up, or lower model.hidden_size"
        )
    if not _takes(model, size):
        near = " and ".join(map(str, learn.nearest_sizes(model, size))) or "none"
        raise UsageError(
            f"tuning.hidden_size must be a size that {type(model).__name__} takes, got {size}; the "
            f"nearest that it takes: {near}"
        )


def _takes(model: learn.Model, size: int) -> bool:
    try:
        learn.resized(model, size)
    except UsageError:
        return False
    return True


def _checked(parameter: Range | Choices, recipe: learn.Recipe) -> Range | Choices:
    """The parameter, once its ends or values are known to fit; the carried value is a choice too."""
    carried = _carried(parameter.setting, recipe)
    values = parameter.values if isinstance(parameter, Choices) else (parameter.low, parameter.high)
    whole = isinstance(carried, int)
    for value in values:
        try:
            if value is not None and not isinstance(value, int if whole else int | float):
                kind = "a whole number" if whole else "a number"
                raise UsageError(f"{parameter.setting} is {kind}, got {value!r}")
            recipe.replace({parameter.setting: value})
        except (UsageError, TypeError) as error:
            raise UsageError(f"tuning.also holds a value that is refused: {error}") from error
    if isinstance(parameter, Choices):
        known = carried in parameter.values
        return parameter if known else replace(parameter, values=(*parameter.values, carried))
    if carried is None:
        raise UsageError(
            f"{parameter.setting} is None, which no range holds; give it a number to start from, or "
            f"take Choices"
        )
    if whole:
        return parameter
    return replace(parameter, low=float(parameter.low), high=float(parameter.high))


def _carried(setting: str, recipe: learn.Recipe) -> int | float | None:
    """The value that the recipe has.

    Raises:
        UsageError: where it is no setting that can be searched.
    """
    part, _, name = setting.partition(".")
    known = asdict(getattr(recipe, part)) if part in ("optimizer", "training") else {}
    value = known.get(name, ())
    number = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    if not number or name == "eval_every":
        raise UsageError(
            f"tuning.also can't search {setting!r}; it takes this optimizer's numbers, and "
            f"training.batch_size or training.clip_norm"
        )
    return value  # type: ignore[no-any-return]


def _within(parameter: Range | Choices, value: Any) -> bool:
    if isinstance(parameter, Choices):
        return value in parameter.values
    return isinstance(value, int | float) and parameter.low <= value <= parameter.high
