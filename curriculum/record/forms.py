"""What a record of a journal must hold, so that all that is read from it is there.

A check of its bytes says that a line is as it was written, but anybody can compute one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from curriculum.errors import UsageError
from curriculum.plan import Spending, Stage

__all__ = ["OF_A_VISIT", "is_well_formed"]

LARGEST = 1e300
NO_NUMBERS = ("nan", "inf", "-inf")
"""What the journal writes for numbers that JSON lacks."""

KNOWN = frozenset(Spending.__slots__)

Form = Callable[[Any], bool]


def is_well_formed(record: Any) -> bool:
    """Whether this is a record, of a form that its kind has. Of unknown kinds little is asked."""
    return _is_record(record) and FORMS.get(record["kind"], _anything)(record)


def _holding(**fields: Form) -> Form:
    """The form of an object with such fields; it may have more."""
    forms = tuple(fields.items())

    def fits(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        for name, form in forms:  # noqa: SIM110 - twice as fast so, and asked of every record
            if name not in value or not form(value[name]):
                return False
        return True

    return fits


def _or_none(form: Form) -> Form:
    return lambda value: value is None or form(value)


def _anything(_: Any) -> bool:
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_flag(value: Any) -> bool:
    return value in (True, False)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < LARGEST


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and abs(value) < LARGEST


def _is_loss(value: Any) -> bool:
    return value is None or value in NO_NUMBERS or _is_number(value)


def _is_stage(value: Any) -> bool:
    return isinstance(value, str) and _is_key(value)


@lru_cache(maxsize=4096)
def _is_key(text: str) -> bool:
    try:
        return Stage.from_key(text) is not None
    except (UsageError, ValueError):
        return False


def _is_spending(value: Any) -> bool:
    return _is_exact(value) and value.keys() <= KNOWN and _is_number(value.get("seconds", 0))


def _are_trials(value: Any) -> bool:
    return isinstance(value, dict) and all(
        number.isdecimal() and isinstance(settings, dict) for number, settings in value.items()
    )


def _are_changes(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(pair, list) and len(pair) == 2 for pair in value.values()
    )


def _are_counts(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and all(map(_is_stage, value))
        and all(map(_is_whole, value.values()))
    )


def _are_scores(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and all(map(_is_stage, value))
        and all(map(_is_number, value.values()))
    )


def _says_why_it_was_cut(trial: Mapping[str, Any]) -> bool:
    return trial["outcome"] != "cut" or _is_text(trial["attributes"].get("reason"))


_is_exact = _holding(steps=_is_whole, tokens=_is_whole, compute=_is_number)
_is_record = _holding(kind=_is_text, clock=_holding(time=_is_number, seconds=_is_number))
_is_ended_trial = _holding(
    visit=_is_whole,
    study=_is_whole,
    number=_is_whole,
    settings=_is_object,
    score=_or_none(_is_number),
    compute=_is_number,
    outcome=_is_text,
    attributes=_is_object,
)
_is_decision = _holding(
    reason=_is_text,
    metric=_is_text,
    threshold=_is_number,
    score=_or_none(_is_number),
    bound=_or_none(_is_number),
)

_is_look = _holding(
    visit=_is_whole,
    stage=_is_stage,
    loss=_is_loss,
    decision=_is_decision,
    spent=_is_spending,
    lost=_is_spending,
)

FORMS: dict[str, Form] = {
    "visit": _holding(
        visit=_is_whole,
        stage=_is_stage,
        entry=_is_text,
        retuning=_is_flag,
        learning_rate=_is_number,
        hidden_size=_is_whole,
    ),
    "look": lambda look: _is_look(look) and _are_counts(look.get("drawn", {})),
    "round": _holding(visit=_is_whole, study=_is_whole, axes=_is_object, trials=_are_trials),
    "advance": _holding(
        visit=_is_whole,
        study=_is_whole,
        trial=_is_whole,
        spent=_is_spending,
        loss=_is_loss,
        score=_or_none(_is_number),
        mastered=_is_flag,
        over=_or_none(_is_text),
        diverged=_is_flag,
        reason=_is_text,
    ),
    "trial": lambda trial: _is_ended_trial(trial) and _says_why_it_was_cut(trial),
    "choice": _holding(
        visit=_is_whole,
        trial=_or_none(_is_whole),
        learning_rate=_is_number,
        hidden_size=_is_whole,
        won=_is_spending,
    ),
    "verdict": _holding(
        visit=_is_whole,
        stage=_is_stage,
        verdict=_is_text,
        overrun=_or_none(_is_text),
        reach=_or_none(_is_stage),
        next=_or_none(_is_stage),
    ),
    "change": _holding(changes=_are_changes, dropped=_is_whole),
    "retest": _holding(
        stage=_is_stage,
        beyond=_is_flag,
        score=_is_number,
        examples=_is_whole,
        cleared=_is_flag,
        reason=_is_text,
    ),
    "ahead": _holding(
        visit=_is_whole,
        stage=_is_stage,
        look=_is_whole,
        score=_is_number,
        cleared=_is_flag,
        mastered=_is_flag,
        reason=_is_text,
    ),
    "retention": _holding(visit=_is_whole, stage=_is_stage, scores=_are_scores),
    "end": _holding(
        status=lambda status: status in ("reached", "stopped"),
        ending=_is_text,
        reach=_or_none(_is_stage),
        weights_sha256=_is_text,
    ),
}
OF_A_VISIT = FORMS.keys() - {"visit", "change", "retest", "end"}
"""The kinds of records that tell of the visit that began before them."""
