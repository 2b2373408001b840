"""Overrides from the command line: `--growth.factor 2`, typed by the experiment's dataclasses."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import tyro

from curriculum.errors import UsageError, did_you_mean
from curriculum.experiment import Experiment, flattened
from curriculum.learn.optimizers import SGD, Adam, AdamW, Guess, RAdam
from curriculum.models import Bert, LanguageModel, Recurrent, Seq2Seq
from curriculum.plan import (
    STRATEGIES,
    Arithmetic,
    Bandit,
    Combined,
    Current,
    Direct,
    Explicit,
    Galloping,
    Gated,
    Geometric,
    Hardest,
    Linear,
    LookBack,
    LookBackAndAhead,
    MasteringRate,
    Mixed,
    Root,
    Teacher,
    Uniform,
)

__all__ = ["override", "print_settings"]

KINDS: dict[str, dict[str, type[Any]]] = {
    "growth": {
        "arithmetic": Arithmetic,
        "explicit": Explicit,
        "galloping": Galloping,
        "geometric": Geometric,
    },
    "model": {
        "bert": Bert,
        "language_model": LanguageModel,
        "recurrent": Recurrent,
        "seq2seq": Seq2Seq,
    },
    "optimizer": {"adam": Adam, "adamw": AdamW, "guess": Guess, "radam": RAdam, "sgd": SGD},
    "pacing": {"direct": Direct, "gated": Gated, "linear": Linear, "root": Root},
    "sampling": {
        "bandit": Bandit,
        "combined": Combined,
        "current": Current,
        "hardest": Hardest,
        "look_back": LookBack,
        "look_back_and_ahead": LookBackAndAhead,
        "mastering_rate": MasteringRate,
        "mixed": Mixed,
        "teacher": Teacher,
        "uniform": Uniform,
    },
}
"""Parts of an experiment that come in kinds, chosen by name: `--growth galloping`."""

SHORT = {
    "--growth.start": "--growth.start.length",
    "--growth.until": "--growth.until.length",
}
"""A stage given by one number is its length."""


def override(experiment: Experiment, arguments: Sequence[str]) -> Experiment:
    """The experiment with settings changed as the arguments say.

    Raises:
        UsageError: for an unknown setting, a wrong type, or a value out of range.
    """
    experiment, left = _choose_strategy(experiment, _split_equals(arguments))
    parts, rest = _choose_kinds(experiment, left)
    if rest:
        rest = [SHORT.get(token, token) for token in rest]
        _check_known(experiment.name, parts, rest)
        parsed = _quietly(parts, rest)
        parts = {name: getattr(parsed, name) for name in parts}
    return experiment.but(**parts)  # all at once: only together need they fit


def print_settings(experiment: Experiment, arguments: Sequence[str]) -> None:
    """Print every setting of an experiment, its type and its default."""
    given = _split_equals([a for a in arguments if a not in ("-h", "--help")])
    experiment, left = _choose_strategy(experiment, given)
    parts, _ = _choose_kinds(experiment, left)
    with contextlib.suppress(SystemExit):
        tyro.cli(
            _settings_class(parts),
            args=["--help"],
            prog=f"python -m curriculum run {experiment.name}",
            description=f"Settings of {experiment.name}, each an override. "
            + " ".join(
                f"--{part} chooses its kind: {', '.join(kinds)}." for part, kinds in KINDS.items()
            )
            + f" --strategy chooses pacing and sampling: {', '.join(STRATEGIES)}.",
        )


def _choose_strategy(experiment: Experiment, arguments: list[str]) -> tuple[Experiment, list[str]]:
    """Take `--strategy NAME` out of the arguments, and give the experiment under it."""
    if "--strategy" not in arguments:
        return experiment, arguments
    place = arguments.index("--strategy")
    name = "".join(arguments[place + 1 : place + 2])
    return experiment.under(name), arguments[:place] + arguments[place + 2 :]


def _choose_kinds(experiment: Experiment, arguments: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Take `--growth NAME` and the like out of the arguments, and give the parts so chosen."""
    parts = {
        field.name: getattr(experiment, field.name)
        for field in dataclasses.fields(experiment)
        if field.name != "name"
    }
    rest: list[str] = []
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

    A model of another kind begins with its own: sizes mean little from one to the other,
    and no more does a learning rate to what guesses weights.
    """
    own = part == "model" or Guess in (kind, type(old))
    if own and not isinstance(old, kind):
        return kind()
    values = {field.name: getattr(old, field.name) for field in dataclasses.fields(old)}
    if part == "growth":
        path = old.path()
        sizes = tuple(stage.vocab_size for stage in path)
        values = {
            "start": path[0],
            "until": path[-1],
            "lengths": tuple(stage.length for stage in path),
            "vocab_sizes": sizes[:1] if len(set(sizes)) == 1 else sizes,
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
    for name, value in flattened(parts).items():
        part, dot, setting = name.replace("_", "-").rpartition(".")
        if dot:
            known.add(f"--{part}.{setting}")
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


def _settings_class(parts: Mapping[str, Any]) -> type[Any]:
    """A dataclass whose fields are typed as these parts of an experiment are."""
    fields = [
        (name, type(value), dataclasses.field(default=value)) for name, value in parts.items()
    ]
    return dataclasses.make_dataclass("Settings", fields, frozen=True, kw_only=True)


def _quietly(parts: Mapping[str, Any], arguments: list[str]) -> Any:
    """Parse with tyro, whose framed error message becomes one sentence."""
    said = io.StringIO()  # without an encoding, so that frames are drawn in plain ASCII
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            return tyro.cli(_settings_class(parts), args=arguments)
    except SystemExit:
        raise UsageError(_sentence(said.getvalue())) from None


def _sentence(framed: str) -> str:
    """What stands between the first two rules of a frame: below its title, above its hints."""
    parts: list[list[str]] = [[]]
    for line in framed.splitlines():
        text = line.strip()
        if text and set(text) == {"-"}:
            parts.append([])
        elif text:
            parts[-1].append(text)
    text = " ".join(parts[1] if len(parts) > 1 else parts[0])
    text = re.sub(r" Got errors:.*", "", text)  # one for each type of a union
    return re.sub(r"^Error parsing \w+: ", "", text)
