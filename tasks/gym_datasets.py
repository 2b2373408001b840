"""The data sets of reasoning-gym: their levels, and their examples by a seed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from typing import Any

from curriculum.errors import UsageError, did_you_mean

PACKAGE = "reasoning-gym"
CHUNK = 256
"""Examples that are drawn from one seed."""

UNREPEATABLE = "its examples differ from process to process, as they follow Python's order of sets"
REFUSED = {
    "bf": "it writes to the terminal",
    "codeio": "it runs programs that may write to disk",
    "composite": "it mixes others; take one of them",
    "isomorphic_strings": UNREPEATABLE,
    "polynomial_multiplication": UNREPEATABLE,
    "ransom_note": UNREPEATABLE,
    "word_ladder": UNREPEATABLE,
}
"""Data sets that can't be a task, and why."""

Entry = dict[str, Any]
"""What a data set gives: a question, an answer, and metadata to score others by."""


def check_dataset(name: str) -> None:
    """Check that there is a data set of that name, which can be a task.

    Raises:
        UsageError: where there is none, or reasoning-gym isn't installed.
    """
    if name in REFUSED:
        raise UsageError(f"the data set {name!r} of {PACKAGE} can't be a task: {REFUSED[name]}")
    known = _library().DATASETS
    if name not in known:
        names = did_you_mean(name, known.keys() - REFUSED)
        raise UsageError(f"{PACKAGE} {version(PACKAGE)} has no data set {name!r}; {names}")


def levels(name: str, attribute: str) -> int:
    """How many levels a data set has, by one attribute of its curriculum or by all together.

    Raises:
        UsageError: where its curriculum has no such attribute.
    """
    known = _library().CURRICULA
    attributes = known[name]().attributes if name in known else {}
    if attribute and attribute not in attributes:
        names = did_you_mean(attribute, attributes)
        raise UsageError(f"the curriculum of {name!r} has no attribute {attribute!r}; {names}")
    chosen = [attributes[attribute]] if attribute else attributes.values()
    return max((len(each.levels) for each in chosen), default=1)


def entries(
    name: str, attribute: str, settings: Sequence[str], level: int, seed: int
) -> Iterator[Entry]:
    """The `CHUNK` examples of a seed, one by one: the same in every process.

    Some are drawn with Python's or numpy's global generators: take them inside a
    `forked_libraries(seed)` block.

    Args:
        name: of the data set.
        attribute: that the level is of; all, where it is empty.
        settings: of the data set, each as NAME=VALUE.
        level: from 1.
        seed: from 0 to 2^32 - CHUNK: numpy takes no larger ones.
    """
    kind, settings_kind = _library().DATASETS[name]
    sized = {"seed": seed, "size": CHUNK}
    try:
        if name in _library().CURRICULA:
            curriculum = _library().CURRICULA[name]()
            if attribute:
                curriculum.set_attr_level(attribute, level - 1)
            else:
                curriculum.set_global_level(level - 1)
            chosen = curriculum.generate_configuration(sized)
        else:
            chosen = settings_kind(**sized)
        for key, value in _parsed(name, settings, chosen):
            setattr(chosen, key, value)
        dataset = kind(chosen)
    except (AssertionError, TypeError, KeyError) as error:
        raise UsageError(
            f"the data set {name!r} of {PACKAGE} refuses its settings at level {level}: "
            f"{str(error).partition(chr(10))[0] or type(error).__name__}"
        ) from error
    for index in range(CHUNK):
        with suppress(RuntimeError):  # a few data sets give up on some of their examples
            entry: Entry = dataset[index]
            yield entry


def score(name: str, answer: str, entry: Entry) -> float:
    """What the data set gives for an answer, in [0, 1]."""
    given = _scorer(name).score_answer(answer, entry)
    return min(1.0, max(0.0, float(given)))


@cache
def _scorer(name: str) -> Any:
    kind, settings_kind = _library().DATASETS[name]
    return kind(settings_kind(seed=0, size=CHUNK))


def _parsed(name: str, settings: Sequence[str], chosen: Any) -> Iterator[tuple[str, Any]]:
    """Names and values of settings; a value is JSON, or else a word as it is."""
    known = {field.name for field in dataclasses.fields(chosen)} - {"seed", "size"}
    for each in settings:
        key, equals, text = each.partition("=")
        if not equals or key not in known:
            raise UsageError(
                f"a setting of the data set {name!r} is written NAME=VALUE, got {each!r}; "
                f"{did_you_mean(key, known)}"
            )
        try:
            yield key, json.loads(text)
        except ValueError:
            yield key, text


def _library() -> Any:
    try:
        from reasoning_gym import factory
    except ImportError as error:
        raise UsageError(
            f"this task needs {PACKAGE}, which isn't installed: pip install 'curriculum[{PACKAGE}]'"
        ) from error
    return factory
