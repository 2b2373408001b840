"""Overrides from the command line: `--growth.factor 2`, typed by the experiment's dataclasses."""

import contextlib
import dataclasses
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_type_hints

import tyro

from curriculum import learn, models, plan
from curriculum.config.experiment import Experiment
from curriculum.config.flat_settings import flatten
from curriculum.config.typed_values import typed_words
from curriculum.errors import UsageError, did_you_mean


def _by_name(*kinds: type[Any]) -> dict[str, type[Any]]:
    """Classes by their names, as the command line spells them.

    >>> [*_by_name(plan.LookBack, learn.AdamW, models.Seq2Seq)]
    ['look_back', 'adamw', 'seq2seq']
    """
    words = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
    return {words.sub("_", kind.__name__).lower(): kind for kind in kinds}


KINDS = {
    "criterion": _by_name(plan.LossBelow, plan.Mastery, plan.MetricBeyond, plan.Plateau),
    "growth": _by_name(plan.Arithmetic, plan.Explicit, plan.Galloping, plan.Geometric),
    "model": _by_name(
        models.Bert,
        models.Convolution,
        models.Decoder,
        models.HuggingFace,
        models.LanguageModel,
        models.LinearRecurrent,
        models.MinGRU,
        models.Recurrent,
        models.Seq2Seq,
        models.StackRNN,
    ),
    "optimizer": _by_name(learn.Adam, learn.AdamW, learn.Guess, learn.RAdam, learn.SGD),
    "pacing": _by_name(
        plan.Direct, plan.Gated, plan.LengthWarmup, plan.Linear, plan.Portfolio, plan.Root
    ),
    "sampling": _by_name(
        plan.Bandit,
        plan.Combined,
        plan.Current,
        plan.Hardest,
        plan.LookBack,
        plan.LookBackAndAhead,
        plan.MasteringRate,
        plan.Mixed,
        plan.Teacher,
        plan.Uniform,
    ),
}
"""Parts of an experiment that come in kinds, chosen by name: `--growth galloping`."""

OF_ONE_CRITERION = (
    "threshold",
    "target_threshold",
    "per_stage",
    "metric",
    "mode",
    "low",
    "high",
)

SHORT = {
    "--growth.start": "--growth.start.length",
    "--growth.end": "--growth.end.length",
}
"""A stage given by one number is its length."""


UNION = r"Error parsing (--\S+): no type matching (.+) could be instantiated from \[(.*)\]\."
"""How tyro refuses a value of a setting that may be of several types."""


def override(experiment: Experiment, arguments: Sequence[str]) -> Experiment:
    """The experiment with settings changed as the arguments say.

    Raises:
        UsageError: for an unknown setting, a wrong type, or a value out of range.
    """
    parts, rest = choose_parts(experiment, arguments)
    if rest:
        _check_known(experiment.name, parts, _in_full(rest))
        rest = _in_full(typed_words(rest, parts, get_type_hints(Experiment)))
        named = _named_parts(parts, rest)
        parsed = _parse_quietly(named, rest)
        parts |= {name: getattr(parsed, name) for name in named}
    return experiment.replace(**parts)  # all at once: only together need they fit


def _in_full(arguments: Sequence[str]) -> list[str]:
    return [SHORT.get(argument, argument) for argument in arguments]


def choose_parts(
    experiment: Experiment, arguments: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """The parts of an experiment, once strategy and kinds are chosen; and the other arguments.

    Raises:
        UsageError: for an unknown strategy or kind.
    """
    experiment, left = _choose_strategy(experiment, _split_equals(arguments))
    return _choose_kinds(experiment, left)


def names_setting(option: str) -> bool:
    """Whether an option is written as those are that set something of an experiment."""
    name = option.removeprefix("--").replace("-", "_")
    return "." in option or name in (*KINDS, "strategy", "arms", "model_size")


def _choose_strategy(experiment: Experiment, arguments: list[str]) -> tuple[Experiment, list[str]]:
    """Take `--strategy NAME` and `--arms A,B` out of the arguments, and give the experiment under them."""
    name, arguments = _taken_out("--strategy", arguments)
    arms, arguments = _taken_out("--arms", arguments)
    if name is not None:
        experiment = experiment.with_strategy(name)
    if arms is not None:
        if not isinstance(experiment.pacing, plan.Portfolio):
            raise UsageError(
                f"--arms names the strategies that --strategy auto races, and this is "
                f"{experiment.strategy}; add --strategy auto"
            )
        names = tuple(each.strip() for each in arms.split(",") if each.strip())
        experiment = experiment.replace(pacing=replace(experiment.pacing, arms=names))
    return experiment, arguments


def _taken_out(option: str, arguments: list[str]) -> tuple[str | None, list[str]]:
    """The value of an option, empty for none that is given; and the other arguments."""
    if option not in arguments:
        return None, arguments
    place = arguments.index(option)
    value = "".join(arguments[place + 1 : place + 2])
    return value, arguments[:place] + arguments[place + 2 :]


def _choose_kinds(experiment: Experiment, arguments: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Take `--growth NAME` and the like out of the arguments, and give the parts so chosen."""
    parts, rest = experiment.parts(), list[str]()
    tokens = iter(arguments)
    for token in tokens:
        part = token.removeprefix("--")
        if not token.startswith("--") or part not in KINDS:
            rest.append(token)
            continue
        name = next(tokens, "")
        kind = KINDS[part].get(name)
        if kind is None:
            raise UsageError(f"there is no {part} {name!r}; {did_you_mean(name, KINDS[part])}")
        parts[part] = _converted(parts[part], part, kind)
    return parts, rest


def _converted(old: Any, part: str, kind: type[Any]) -> Any:
    """That part as another kind, with all settings that both kinds have.

    A model of another kind starts from its own defaults: sizes mean little from one to the
    other, and no more does a learning rate to what guesses weights. Nor is a threshold, or a
    metric, of one criterion any of another.
    """
    own = part == "model" or learn.Guess in (kind, type(old))
    if own and not isinstance(old, kind):
        return kind()
    values = {field.name: getattr(old, field.name) for field in dataclasses.fields(old)}
    if part == "criterion" and not isinstance(old, kind):
        for name in OF_ONE_CRITERION:
            values.pop(name, None)
        values["examples"] = max(old.examples, plan.LEAST_UNITS)
    if part == "growth":
        path = old.path()
        columns = {
            name: tuple(getattr(stage, axis) for stage in path)
            for axis, name in zip(plan.AXES, ("lengths", "vocab_sizes", "levels"), strict=True)
        }
        values = {
            "start": path[0],
            "end": path[-1],
            **{name: each[:1] if len(set(each)) == 1 else each for name, each in columns.items()},
        } | values
    return kind(**{f.name: values[f.name] for f in dataclasses.fields(kind) if f.name in values})


def _split_equals(arguments: Sequence[str]) -> list[str]:
    """`--a.b=c` as the two arguments that it stands for."""
    found: list[str] = []
    for argument in arguments:
        found += argument.split("=", 1) if argument.startswith("--") else [argument]
    return found


def _check_known(experiment: str, parts: Mapping[str, Any], arguments: list[str]) -> None:
    if not arguments[0].startswith("--"):
        raise UsageError(
            f"{arguments[0]!r} is no setting; settings are written --part.name VALUE, "
            f"e.g. --optimizer.learning-rate 1e-3"
        )
    known = set()
    for name, value in flatten(parts).items():
        part, dot, setting = name.replace("_", "-").rpartition(".")
        if dot or not dataclasses.is_dataclass(parts[name]):
            known.add(f"--{part}{dot}{setting}")
        if isinstance(value, bool):
            known.add(f"--{part}.no-{setting}")
    for token in arguments:
        spelled = token.replace("_", "-")
        if spelled == "--tuning.also":
            raise UsageError("tuning.also, other settings to search, is given in Python alone")
        if re.match(r"--[A-Za-z]", token) and spelled not in known:
            near = did_you_mean(spelled, known) if "." in token else "see run EXPERIMENT --help"
            near = near if len(near) < 200 else "see run EXPERIMENT --help"
            raise UsageError(f"{experiment} has no setting {token}; {near}")


def _named_parts(parts: Mapping[str, Any], arguments: list[str]) -> dict[str, Any]:
    """Those parts that the arguments set something of: to parse for all takes tyro many times as long."""
    words = {token.removeprefix("--").partition(".")[0].replace("-", "_") for token in arguments}
    return {name: value for name, value in parts.items() if name in words} or {**parts}


def _settings_class(parts: Mapping[str, Any]) -> type[Any]:
    """A dataclass whose fields are typed as these parts of an experiment are."""
    types = get_type_hints(Experiment)
    fields = [
        (
            name,
            type(value) if dataclasses.is_dataclass(value) else types[name],
            dataclasses.field(default=value),
        )
        for name, value in parts.items()
    ]
    return dataclasses.make_dataclass("Settings", fields, frozen=True, kw_only=True)


def _parse_quietly(parts: Mapping[str, Any], arguments: list[str]) -> Any:
    """Parse with tyro, whose framed error message becomes one sentence."""
    printed = io.StringIO()  # without an encoding, so that frames are drawn in plain ASCII
    try:
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
            return tyro.cli(_settings_class(parts), args=arguments)
    except SystemExit:
        raise UsageError(_sentence(printed.getvalue())) from None


def _sentence(framed: str) -> str:
    """What is between the first two rules of a frame: below its title, above its hints."""
    parts = re.split(r"(?m)^\s*-+\s*$", framed)
    text = " ".join(parts[min(1, len(parts) - 1)].split())
    text = re.sub(r" Got errors:.*", "", text)  # one for each type of a union
    text = re.sub(r"^Error parsing \w+: ", "", text)
    union = re.fullmatch(UNION, text)
    if union is None:
        return text
    option, types, given = union.groups()
    known = " or ".join(re.sub("[{}]", "", types).split("|"))
    return f"{option} must be {known}, got {given or 'nothing'}"
