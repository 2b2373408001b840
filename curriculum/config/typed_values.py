"""Values of settings as they are typed: each is held against the type of its setting, and refused in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from curriculum.errors import UsageError, listed, rule_in_words
from curriculum.plan import Stage

SCIENTIFIC = re.compile(r"[+-]?\d{1,18}(\.\d{0,18})?e\+?\d{1,2}", re.ASCII | re.IGNORECASE)
ON_OFF = ("true", "false")

NOUNS = {int: "whole number", float: "number", str: "text"}
MOST_EXAMPLES = 3
"""Of a list."""

COUNTS = {2: "two", 3: "three"}


def whole_number(text: str) -> int | None:
    """The whole number that a text is, in scientific notation too; None for any other text.

    >>> [whole_number(text) for text in ("30", "2e6", "2.5e3", "2.5", "x")]
    [30, 2000000, 2500, None, None]
    """
    try:
        return int(text)
    except ValueError:
        pass
    text = text.strip()
    if SCIENTIFIC.fullmatch(text) is None:
        return None
    found = Decimal(text)
    return int(found) if found == int(found) else None


def typed_words(
    words: Sequence[str], parts: Mapping[str, Any], types: Mapping[str, Any]
) -> list[str]:
    """The same words with whole numbers in digits, and switches with neither `true` nor `false` after them.

    Args:
        words: settings and their values, such as `--growth.end 2e6`; all of them are known.
        parts: of the experiment, by name.
        types: of those parts that have no settings of their own.

    Raises:
        UsageError: where a value is none of its setting's type, or there are too few or too many.
    """
    found: list[str] = []
    for flag, values in _grouped(words):
        found += _Setting.named(flag, parts, types).read(flag, values)
    return found


def _grouped(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each option with what follows it."""
    flag, values = "", list[str]()
    for word in words:
        if re.match(r"--[A-Za-z]", word):
            if flag:
                yield flag, values
            flag, values = word, []
        else:
            values.append(word)
    if flag:
        yield flag, values


class _Setting:
    """A setting of an experiment: its type, its rule, and the value that it has now."""

    def __init__(self, name: str, hint: Any, rule: str, value: Any) -> None:
        self._name, self._rule, self._value = name, rule, value
        origin, arguments = get_origin(hint), get_args(hint)
        self._kinds = arguments if origin in (Union, UnionType) else (hint,)

    @classmethod
    def named(cls, flag: str, parts: Mapping[str, Any], types: Mapping[str, Any]) -> _Setting:
        """The setting that an option sets; of a switch, either option."""
        part, *inner = flag.removeprefix("--").replace("-", "_").split(".")
        name, hint, value, rule = part, types.get(part), parts[part], ""
        for given in inner:
            owner = type(value)
            attribute = given if hasattr(value, given) else given.removeprefix("no_")
            name = f"{name}.{attribute}"
            hint, value = get_type_hints(owner)[attribute], getattr(value, attribute)
            rule = rule_in_words(owner, attribute)
        return cls(name, hint, rule, value)

    def read(self, flag: str, values: list[str]) -> list[str]:
        """The option, and its values as they are parsed.

        Raises:
            UsageError: where they are none of its type.
        """
        if bool in self._kinds:
            return self._read_switch(flag, values)
        if isinstance(self._value, Stage):
            return [flag, *self._read_stage(flag, values)]
        if any(get_origin(kind) is Mapping for kind in self._kinds):
            return self._read_pairs(flag, values)
        if not all(_is_known(kind) for kind in self._kinds):
            return [flag, *values]
        for kind in self._kinds:
            found = _read(kind, values)
            if found is not None:
                return [flag, *found]
        raise UsageError(
            f"{self._name} must be {self._in_words()}{self._example()}, got {_shown(values)}"
            f"{self._way_out(flag, values)}"
        )

    def _read_switch(self, flag: str, values: list[str]) -> list[str]:
        if not values:
            return [flag]
        part, _, last = self._name.replace("_", "-").rpartition(".")
        on, off = f"--{part}.{last}", f"--{part}.no-{last}"
        if len(values) == 1 and values[0].lower() in ON_OFF and flag.replace("_", "-") == on:
            return [on if values[0].lower() == "true" else off]
        raise UsageError(
            f"{self._name} is a switch, {on} or {off}, which takes no value, got {_shown(values)}"
        )

    def _read_stage(self, flag: str, values: list[str]) -> list[str]:
        found = _read(int, values)
        if found is not None:
            return found
        numbers = [whole_number(part) for part in re.split(r"[,x/\s]+", " ".join(values))]
        known = [number for number in numbers if number is not None]
        if not known or len(known) < len(numbers):
            known = [self._value.length, self._value.vocab_size]
        axes = [field.name.replace("_", "-") for field in fields(self._value)]
        spelled = (f"{flag}.{axis} {number}" for axis, number in zip(axes, known, strict=False))
        raise UsageError(
            f"{self._name} is given by its length, a whole number such as {self._value.length}, got "
            f"{_shown(values)}; by more than that it is {' '.join(spelled)}"
        )

    def _read_pairs(self, flag: str, values: list[str]) -> list[str]:
        if len(values) % 2 == 0 and all(map(_is_number, values[1::2])):
            return [flag, *values]
        raise UsageError(
            f"{self._name} must be stages, each with its number after it, such as {flag} 8 0.9 16 0.95, got "
            f"{_shown(values)}"
        )

    def _in_words(self) -> str:
        kinds = [kind for kind in self._kinds if kind is not NoneType]
        words = [word for kind in kinds for word in _words_of(kind)]
        comma = "," * self._rule.startswith("at least")
        rule = f"{comma} {self._rule}" * (bool(self._rule) and kinds[0] in (int, float))
        more = ["None"] * (len(kinds) < len(self._kinds))
        if rule and more:
            return f"{listed(words)}{rule}, or None"
        return listed([*words, *more]) + rule

    def _example(self) -> str:
        """The value that it has, where the type does not tell enough."""
        if self._value is None or any(get_origin(kind) is Literal for kind in self._kinds):
            return ""
        given = self._value if isinstance(self._value, tuple) else (self._value,)
        return f", such as {' '.join(map(str, given[:MOST_EXAMPLES]))}" if given else ""

    def _way_out(self, flag: str, values: list[str]) -> str:
        """What was meant, of several values that are not as they are to be typed."""
        parts = ",".join(values).split(",")
        for kind in self._kinds:
            if get_origin(kind) is tuple and len(parts) > len(values):
                found = _read(kind, [part.strip() for part in parts if part.strip()])
                if found is not None:
                    return f"; type spaces between them: {flag} {' '.join(found)}"
        return ""


def _is_known(kind: Any) -> bool:
    """Whether values of that type are read here; others are left to the parser."""
    origin = get_origin(kind)
    if origin is tuple:
        return all(argument in (*NOUNS, ...) for argument in get_args(kind))
    return kind in NOUNS or kind is NoneType or origin is Literal


def _read(kind: Any, values: Sequence[str]) -> list[str] | None:
    """Values of that type as they are parsed; None where they are none."""
    if get_origin(kind) is not tuple:
        read = [_read_one(kind, value) for value in values]
        fits = len(values) == 1
    else:
        first, *others = get_args(kind)
        read = [_read_one(first, value) for value in values]
        fits = others == [...] or len(values) == 1 + len(others)
    found = [each for each in read if each is not None]
    return found if fits and len(found) == len(values) else None


def _read_one(kind: Any, value: str) -> str | None:
    if get_origin(kind) is Literal:
        return value if value in map(str, get_args(kind)) else None
    if kind is int:
        number = whole_number(value)
        return None if number is None else str(number)
    if kind is float:
        return value if _is_number(value) else None
    return value if kind is str or value == "None" else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _words_of(kind: Any) -> list[str]:
    """A type in words; of choices each.

    >>> [_words_of(kind) for kind in (int, tuple[float, float], tuple[int, ...], Literal["a", "b"])]
    [['a whole number'], ['two numbers'], ['whole numbers'], ['a', 'b']]
    """
    if get_origin(kind) is Literal:
        return [*map(str, get_args(kind))]
    if get_origin(kind) is tuple:
        first, *others = get_args(kind)
        count = "" if others == [...] else f"{COUNTS.get(1 + len(others), 1 + len(others))} "
        return [f"{count}{NOUNS[first]}s"]
    return [f"a {NOUNS[kind]}"]


def _shown(values: Sequence[str]) -> str:
    return repr(" ".join(values)) if values else "nothing"
