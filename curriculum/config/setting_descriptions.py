"""Describes an experiment's settings: their options, types, defaults, and what they mean."""

import dataclasses
import inspect
import types
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import docstring_parser

from curriculum.config.experiment import Experiment
from curriculum.config.overrides import KINDS, choose_parts
from curriculum.plan import STRATEGIES, Portfolio

TYPES = {bool: "", int: "INT", float: "FLOAT", str: "TEXT", type(None): "None"}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        options: that set it, such as `--growth.factor`.
        value: what follows the option, such as `INT` or `{a,b}`; empty for a switch.
        description: one sentence or several, with the default at the end.
    """

    options: tuple[str, ...]
    value: str
    description: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SettingGroup:
    """The settings of one part of an experiment."""

    name: str
    description: str
    settings: Sequence[Setting]


def describe_settings(experiment: Experiment, overrides: Sequence[str]) -> Iterator[SettingGroup]:
    """The settings of an experiment, part by part, once the kinds of parts are chosen.

    Raises:
        UsageError: for an unknown strategy or kind.
    """
    parts, _ = choose_parts(experiment, overrides)
    hints, meanings = get_type_hints(Experiment), _meanings(Experiment)
    strategy = Setting(
        options=("--strategy",),
        value="NAME",
        description=f"pacing and sampling together: {', '.join(STRATEGIES)} (default: "
        f"{experiment.strategy})",
    )
    arms = Setting(
        options=("--arms",),
        value="A,B",
        description=f"with --strategy auto: the strategies that it races (default: "
        f"{','.join(Portfolio().arms)})",
    )
    plain = [
        _setting(name, hints[name], value, meanings[name])
        for name, value in parts.items()
        if name not in ("task", "model") and not dataclasses.is_dataclass(value)
    ]
    yield SettingGroup(name="experiment", description="", settings=[strategy, arms, *plain])
    for name, value in parts.items():
        if dataclasses.is_dataclass(value):
            yield _group(name, value)


def _group(name: str, value: Any) -> SettingGroup:
    kind, settings = type(value), list(_settings(name, value))
    description = f"{kind.__name__}: {_summary(kind)}"
    if name in KINDS:
        choice = Setting(
            options=(f"--{name}",),
            value="KIND",
            description=f"another kind of {name}: {', '.join(KINDS[name])}",
        )
        settings = [choice, *settings]
    return SettingGroup(name=name, description=description, settings=settings)


def _settings(prefix: str, value: Any) -> Iterator[Setting]:
    kind = type(value)
    hints, meanings = get_type_hints(kind), _meanings(kind)
    for field in dataclasses.fields(kind):
        if not field.init or (prefix, field.name) == ("tuning", "also"):
            continue
        name, default = f"{prefix}.{field.name}", getattr(value, field.name)
        if dataclasses.is_dataclass(default):
            whole = meanings.get(field.name, "").removesuffix(".")
            for setting in _settings(name, default):
                yield dataclasses.replace(setting, description=f"{whole}: {setting.description}")
        else:
            yield _setting(name, hints[field.name], default, meanings.get(field.name, ""))


def _setting(name: str, hint: Any, default: Any, meaning: str) -> Setting:
    option = name.replace("_", "-")
    options = [f"--{option}"]
    if hint is bool:
        before, dot, last = option.rpartition(".")
        options.append(f"--{before}{dot}no-{last}")
    shown = " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
    return Setting(
        options=tuple(options),
        value=_value(hint),
        description=f"{meaning.removesuffix('.')} (default: {shown})".strip(),
    )


def _value(hint: Any) -> str:
    """What is typed for a value of that type.

    >>> [_value(hint) for hint in (int, float | None, Literal["a", "b"], tuple[float, float])]
    ['INT', 'FLOAT|None', '{a,b}', 'FLOAT FLOAT']
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"{{{','.join(map(str, arguments))}}}"
    if origin in (Union, types.UnionType):
        return "|".join(map(_value, arguments))
    if origin is tuple:
        return " ".join("..." if argument is ... else _value(argument) for argument in arguments)
    return TYPES.get(hint, "VALUE")


def _meanings(kind: type[Any]) -> dict[str, str]:
    """What the docstrings of a class, and of those that it extends, say of each attribute, on one line."""
    texts = [inspect.cleandoc(vars(one).get("__doc__") or "") for one in reversed(kind.__mro__)]
    found = [each for text in texts for each in docstring_parser.parse(text).params]
    return {each.arg_name: " ".join((each.description or "").split()) for each in found}


def _summary(kind: type[Any]) -> str:
    """The first paragraph of a class's docstring."""
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
