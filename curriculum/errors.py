"""The two errors that users see, a mistake and a run that can't continue, checks of settings, and words for both."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from numbers import Real
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

INTERVAL = re.compile(r"[\[(].+, .+[\])]")

Rule = str | tuple[str | bool, ...]
"""What a setting must obey: an interval such as `(0, 1]` or `[1, inf)`, or its choices."""


class UsageError(ValueError):
    """A setting, name or file that can't be used.

    Its message is one sentence: the rule, the value received, the way out. The
    command line prints it without a traceback and exits with code 2.
    """


class RunFailed(RuntimeError):
    """What keeps a run from going on: a full disk, too little memory, a record that differs.

    Its message is one sentence, with the way out; what is on disk is whole. The command
    line prints it without a traceback and exits with code 1.
    """


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun, in a sentence.

    >>> counted(1, "step"), counted(1200, "step"), counted(2, "class", "classes")
    ('1 step', '1,200 steps', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The tail of an error message that names the nearest of the `known` names, or all of them.

    >>> did_you_mean("lstm_firstbit2", ["lstm_firstbit", "bert"])
    'did you mean lstm_firstbit?'
    """
    import difflib  # only mistakes need it

    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"known: {', '.join(names) or 'none'}"


def check_fields(settings: object, part: str, **rules: Rule) -> None:
    """Check fields of `settings`, each by an interval or its choices; None is let through.

    A field is checked by the rule that it is annotated with, as `Annotated[int, "[1, inf)"]`, or
    by the choices of its `Literal`; a `bool` is one.

    >>> check_fields(range(2, 5), "range", start="[0, 3]", stop="(0, 1)")
    Traceback (most recent call last):
        ...
    curriculum.errors.UsageError: range.stop must be in (0, 1), got 5

    Args:
        settings: what is checked.
        part: what the field's name is shown after.
        rules: further ones, by field.

    Raises:
        UsageError: for the first field that breaks its rule.
    """
    annotated = _annotated_rules(type(settings))  # type: ignore[arg-type]  # every class is hashable
    for name, rule in (annotated | rules).items():
        value = getattr(settings, name)
        if value is not None and not _obeys(value, rule):
            raise UsageError(f"{part}.{name} must be {_in_words(rule)}, got {value!r}")


def rule_in_words(kind: type[Any], name: str) -> str:
    """The interval or the choices that a field of settings is annotated with; empty for none."""
    rule = _annotated_rules(kind).get(name)  # type: ignore[arg-type]  # every class is hashable
    return "" if rule is None else _in_words(rule)


def listed(words: Sequence[str]) -> str:
    """Alternatives in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b or c')
    """
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


@cache
def _annotated_rules(kind: type[Any]) -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is Annotated and INTERVAL.fullmatch(str(hint.__metadata__[0])):
            found[name] = hint.__metadata__[0]
        elif get_origin(hint) is Literal:
            found[name] = get_args(hint)
        elif hint is bool:
            found[name] = (False, True)
    return found


def _obeys(value: object, rule: Rule) -> bool:
    if isinstance(rule, tuple):
        return any(isinstance(value, type(each)) and value == each for each in rule)
    low, high = map(float, rule[1:-1].split(","))
    if not isinstance(value, Real):
        return False
    number = float(value)
    above = low < number if rule[0] == "(" else low <= number
    return above and (number < high if rule[-1] == ")" else number <= high)


def _in_words(rule: Rule) -> str:
    """An interval or choices, in words.

    >>> [_in_words(rule) for rule in (("a", "b", "c"), "[1, inf)", "(0, inf]", "(0, 1]")]
    ['a, b or c', 'at least 1', 'above 0', 'in (0, 1]']
    """
    if isinstance(rule, tuple):
        return listed([*map(str, rule)])
    if rule[:-1].endswith(", inf"):
        return f"{'above' if rule[0] == '(' else 'at least'} {rule[1:-6]}"
    return f"in {rule}"
