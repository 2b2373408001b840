"""What may vary of a curriculum, as it is given: `growth.factor=1.2..4`, `sampling=current,combined`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from curriculum.config.experiment import Experiment
from curriculum.config.flat_settings import flatten
from curriculum.config.overrides import SHORT, choose_parts
from curriculum.config.search_space import Settings
from curriculum.config.tuning import Choices, Range
from curriculum.errors import UsageError, did_you_mean

OF_CURRICULUM = ("growth", "criterion", "pacing", "sampling", "strategy", "model_size")
"""What may be searched: which stages there are, when one is passed, and what is trained on until then."""

CHOSEN_BY_NAME = ("strategy", "growth", "criterion", "pacing", "sampling")
"""What comes in kinds, each with settings of its own."""

NO_CURRICULUM = {
    ("strategy", "guess"): "it trains nothing",
    ("growth", "galloping"): "it skips stages, and a comparison of costs skips none",
}
"""The kinds that a search of curricula doesn't take, and why."""

LOG_FROM = 10.0
"""A range that spans such a factor is searched on a logarithmic scale."""

MOST_CHECKED = 100
"""Combinations of kinds that are gone through before a search."""

Given = str | Range | Choices | Sequence[Any]
"""A range or choices: as typed, as the class, or in Python as a tuple of two numbers or a list."""


def parse_over(texts: Sequence[str]) -> dict[str, str]:
    """Settings and their ranges or choices, as typed: `growth.factor=1.2..4`.

    >>> parse_over(["growth.factor=1.2..4", "sampling=current,combined"])
    {'growth.factor': '1.2..4', 'sampling': 'current,combined'}

    Raises:
        UsageError: where one is none, or a setting is named twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.removeprefix("--").partition("=")
        if not (name.strip() and equals and value.strip()):
            raise UsageError(
                f"--over takes a setting and a range or choices, such as growth.factor=1.2..4 or "
                f"sampling=current,combined, got {text!r}"
            )
        if name in found:
            raise UsageError(f"--over names {name} twice")
        found[name.strip()] = value.strip()
    return found


def curriculum_parameters(
    base: Experiment, over: Mapping[str, Given]
) -> dict[str, Range | Choices]:
    """By dotted name what may vary, kinds first.

    Raises:
        UsageError: for a setting that doesn't exist or is no curriculum's, and for a range or choices
            that are none.
    """
    if not over:
        raise UsageError("there is nothing to search: give --over growth.factor=1.2..4, say")
    given = {_canonical(name): value for name, value in over.items()}
    if len(given) < len(over):
        raise UsageError(f"--over names a setting twice: {', '.join(over)}")
    if "strategy" in given and (both := {"pacing", "sampling"} & {*given}):
        raise UsageError(
            f"a strategy is a pacing and a sampling: search strategy, or {sorted(both)[0]}, not both"
        )
    found: dict[str, Range | Choices] = {}
    for name in sorted(given, key=lambda name: name not in CHOSEN_BY_NAME):
        found[name] = _parameter(name, given[name], base, found)
    return found


def _canonical(name: str) -> str:
    """A setting's dotted name, however it was spelled."""
    spelled = name.strip().removeprefix("--").replace("_", "-")
    return SHORT.get(f"--{spelled}", f"--{spelled}").removeprefix("--").replace("-", "_")


def _parameter(
    name: str, given: Given, base: Experiment, kinds: Mapping[str, Range | Choices]
) -> Range | Choices:
    """The range or the choices of a setting."""
    part = name.partition(".")[0]
    if part not in OF_CURRICULUM:
        raise UsageError(
            f"{name} is no part of a curriculum, which is what is searched: {', '.join(OF_CURRICULUM)} "
            f"and their settings; 'run --tuning.mode each' searches learning rates and sizes"
        )
    choices = _as_choices(name, given)
    if name in CHOSEN_BY_NAME:
        if choices is None:
            raise UsageError(f"{name} takes names such as {name}=current,combined, got {given!r}")
        for value in choices.values:
            if why := NO_CURRICULUM.get((name, str(value))):
                raise UsageError(f"{name} {value} can't be searched: {why}")
        return choices
    kind = _type_of(name, base, kinds)
    return _as_range(name, given, kind) if choices is None else choices


def _as_choices(name: str, given: Given) -> Choices | None:
    """The choices that were given; None for a range."""
    if isinstance(given, Range) or (isinstance(given, str) and ".." in given):
        return None
    if isinstance(given, tuple) and len(given) == 2 and all(_is_number(each) for each in given):
        return None
    if isinstance(given, Choices):
        values: Sequence[Any] = given.values
    else:
        values = [part.strip() for part in given.split(",")] if isinstance(given, str) else given
    texts = tuple(dict.fromkeys(map(str, values)))
    if "" in texts and len(texts) > 1:
        raise UsageError(f"{name} has an empty choice among its own, got {given!r}; leave it out")
    if len(texts) < 2:
        raise UsageError(
            f"{name} needs a range such as 1.2..4, or at least two choices, got {given!r}; what is to "
            f"stay the same is given as --{name.replace('_', '-')} VALUE"
        )
    return Choices(setting=name, values=texts)


def _as_range(name: str, given: Given, kind: type[Any] | None) -> Range:
    """The range that was given, of whole numbers where the setting takes no others."""
    if kind is None:
        raise UsageError(f"{name} is no number, so it takes choices such as {name}=A,B")
    if isinstance(given, Range):
        low, high = given.low, given.high
    elif isinstance(given, str):
        low, high = (_number(name, given, text) for text in given.split("..", 1))
    else:
        assert isinstance(given, tuple)  # of two numbers: others are choices
        low, high = map(float, given)
    if kind is int and not (float(low).is_integer() and float(high).is_integer()):
        raise UsageError(f"{name} is a whole number, got {low:g} to {high:g}")
    if low == high:
        raise UsageError(
            f"the search range of {name} holds {low:g} alone; give it as "
            f"--{name.replace('_', '-')} {low:g} instead"
        )
    log = low > 0 and high / low >= LOG_FROM
    return Range(setting=name, low=kind(low), high=kind(high), log=log)


def _number(name: str, given: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"the search range of {name} is of numbers, got {given!r}") from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _type_of(
    name: str, base: Experiment, kinds: Mapping[str, Range | Choices]
) -> type[int] | type[float] | None:
    """Whether a setting is a whole number, or any; None where it is none.

    Raises:
        UsageError: where no kind that may be chosen has it.
    """
    known: set[str] = set()
    for chosen in islice(kind_combinations(kinds), MOST_CHECKED):
        parts = parts_under(base, chosen)
        flat = flatten(parts)
        if name in flat:
            return _hinted(parts, name)
        known |= {each for each in flat if each.partition(".")[0] in OF_CURRICULUM}
    near = did_you_mean(name, known)
    near = near if len(near) < 200 else f"see run {base.name} --help"
    raise UsageError(f"{base.name} has no setting {name}; {near}")


def _hinted(parts: Mapping[str, Any], name: str) -> type[int] | type[float] | None:
    part, *inner = name.split(".")
    value, hint = parts[part], None
    for attribute in inner:
        hint = get_type_hints(type(value))[attribute]
        value = getattr(value, attribute)
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return float if float in kinds else int if int in kinds else None


def kind_combinations(parameters: Mapping[str, Range | Choices]) -> Iterator[Settings]:
    """All ways to choose the kinds that are searched; one, empty, where none is."""
    searched = {name: parameters[name] for name in CHOSEN_BY_NAME if name in parameters}
    values = [each.values for each in searched.values() if isinstance(each, Choices)]
    for chosen in product(*values):
        yield dict(zip(searched, chosen, strict=True))


def parts_under(base: Experiment, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment's parts, once these kinds are chosen."""
    parts, _ = choose_parts(base, [word for name in kinds for word in words_of(name, kinds)])
    return parts


def words_of(name: str, values: Mapping[str, Any]) -> list[str]:
    """A setting as it is typed."""
    if name not in values:
        return []
    part, dot, setting = name.replace("_", "-").rpartition(".")
    value = str(values[name])
    if re.fullmatch("true|false", value, re.IGNORECASE):
        return [f"--{part}{dot}{'' if value.lower() == 'true' else 'no-'}{setting}"]
    return [f"--{part}{dot}{setting}", value]
