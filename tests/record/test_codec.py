"""Dataclasses as JSON and back: all that can be written is read, and nothing else is."""

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curriculum import Choices, Range, Score, Spread, Stage
from curriculum.plan import AxisNames, Cost, Loss
from curriculum.record import Evaluated, Json, RunDescription, TrialReport, decode, encode
from curriculum.record.checkpoint import CheckpointJson
from curriculum.record.codec import Malformed
from curriculum.record.events import KINDS, Clock, event_json, record_from_json
from curriculum.record.run_folder import StopNote

INFINITY, NAN = float("inf"), float("nan")
CLOCK = {"time": 1.5, "seconds": 0.5}
FILES: tuple[type[Any], ...] = (RunDescription, CheckpointJson, StopNote, Clock)
"""What else is written so, besides events."""


def hints_of(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def classes_in(hint: Any) -> set[type[Any]]:
    """The dataclasses that a value of that annotation may hold."""
    if hint is Stage:
        return set()
    if isinstance(hint, type) and is_dataclass(hint):
        return {hint}.union(*map(classes_in, hints_of(hint).values()))
    if get_origin(hint) in (Annotated, Literal):
        return set()
    return set().union(*map(classes_in, get_args(hint)))


CLASSES = sorted(
    set().union(*map(classes_in, (*KINDS.values(), *FILES))), key=lambda kind: kind.__name__
)


# Values of any annotation.

NUMBERS = st.floats(-1e299, 1e299)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
SIMPLE: Mapping[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(10**20), 10**20),
    float: NUMBERS,
    str: st.text(),
    type(None): st.none(),
    Json: JSON,
    Loss: NUMBERS | st.just(INFINITY) | st.just(-INFINITY),
    Stage: st.builds(Stage, st.integers(1, 10**12), st.integers(1, 10**6)),
    Score: st.builds(
        Score,
        value=st.floats(0, 1),
        examples=st.integers(1, 10**9),
        source=st.sampled_from(get_args(hints_of(Score)["source"])),
        memorised=st.booleans(),
    ),
    AxisNames: st.builds(
        AxisNames, length=st.sampled_from(["length", "digits"]), level=st.just("two words")
    ),
    Range: st.builds(
        Range,
        setting=st.text(),
        low=st.integers(1, 5) | st.floats(1e-9, 1),
        high=st.integers(6, 9) | st.floats(6, 1e9),
        log=st.booleans(),
    ),
    Choices: st.builds(
        Choices,
        setting=st.text(),
        values=st.lists(
            st.none() | st.booleans() | st.integers(-99, 99) | NUMBERS | st.text(), min_size=1
        ).map(tuple),
    ),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - a dispatch on types
    """Values of that annotation."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    if is_union(hint):
        return st.one_of(*map(values_of, get_args(hint)))
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return st.sampled_from(arguments)
    if get_origin(hint) is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if get_origin(hint) is tuple:
        return st.tuples(*map(values_of, arguments))
    if get_origin(hint) is not None:
        return st.dictionaries(*map(values_of, arguments), max_size=2)
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    return st.builds(hint, **{name: values_of(each) for name, each in hints_of(hint).items()})


EXAMPLES: Mapping[Any, Any] = {
    bool: True,
    int: 7,
    float: 0.25,
    str: "text",
    Json: {"any": [1, None]},
    Loss: 0.75,
    Stage: Stage(3, 4),
    Score: Score(
        value=0.5,
        examples=8,
        source="document",
        memorised=True,
        distinct=5,
        spread=Spread(units=4, deviation=0.5, skewness=-1.0),
    ),
    AxisNames: AxisNames(length="digits", level="operands"),
    Range: Range(setting="x", low=1, high=2, log=True),
    Choices: Choices(setting="x", values=(1, None, "two")),
}


def example_of(hint: Any) -> Any:  # noqa: PLR0911 - a dispatch on types
    """One value of that annotation, no part of which is at its default."""
    if hint in EXAMPLES:
        return EXAMPLES[hint]
    arguments = get_args(hint)
    if is_union(hint):
        return example_of(arguments[0])
    if get_origin(hint) is Literal:
        return arguments[0]
    if get_origin(hint) is tuple:
        return tuple(example_of(each) for each in arguments if each is not Ellipsis)
    if get_origin(hint) is not None:
        return {example_of(arguments[0]): example_of(arguments[1])}
    if issubclass(hint, Enum):
        return next(iter(hint))
    return hint(**{name: example_of(each) for name, each in hints_of(hint).items()})


# What is written is read.


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=25)
@given(data=st.data())
def test_every_event_is_read_from_json_as_it_was_written(name: str, data: st.DataObject) -> None:
    event = data.draw(values_of(KINDS[name]))
    text = json.dumps({**event_json(event), "clock": CLOCK}, allow_nan=False)
    record = record_from_json(json.loads(text))
    assert record.event == event
    assert type(record.event) is KINDS[name]
    assert (record.clock.time, record.clock.seconds) == (1.5, 0.5)
    assert json.dumps({**event_json(record.event), "clock": CLOCK}) == text


@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=25)
@given(data=st.data())
def test_every_file_is_read_from_json_as_it_was_written(
    kind: type[Any], data: st.DataObject
) -> None:
    value = data.draw(values_of(kind))
    assert decode(kind, json.loads(json.dumps(encode(value), allow_nan=False))) == value


@pytest.mark.parametrize("kind", CLASSES)
def test_values_at_their_default_are_left_out_and_the_others_written(kind: type[Any]) -> None:
    full = encode(example_of(kind))
    assert list(full) == [field.name for field in fields(kind)]
    assert decode(kind, json.loads(json.dumps(full))) == example_of(kind)
    needed = {name: value for name, value in full.items() if not has_default(kind, name)}
    assert encode(decode(kind, needed)) == needed


@pytest.mark.parametrize("loss", [NAN, INFINITY, -INFINITY, 1e-320, -0.0, 1 / 3])
def test_a_loss_may_be_no_finite_number(loss: float) -> None:
    for kind, name in ((Evaluated, "train_loss"), (TrialReport, "loss")):
        content = json.loads(json.dumps(encode(example_of(kind)) | {name: encode(loss)}))
        found = getattr(decode(kind, content), name)
        assert isinstance(found, float)
        assert math.copysign(1, found) == math.copysign(1, loss) or math.isnan(loss)
        assert found == loss or (math.isnan(found) and math.isnan(loss))
        assert encode(decode(kind, content))[name] == encode(loss)


def test_json_has_names_for_numbers_that_are_not_finite() -> None:
    assert [encode(number) for number in (NAN, INFINITY, -INFINITY)] == ["nan", "inf", "-inf"]
    assert encode({"deep": [{"er": NAN}]}) == {"deep": [{"er": "nan"}]}


# Nothing else is read.

OTHERS: tuple[Any, ...] = (
    None, True, 3, 0.5, "x", "", ["x"], [], {"x": "y"}, 10**400, -(10**400), 1e300, INFINITY, NAN,
    "nan", "inf", "0x2", "2x", "-1x2",
)  # fmt: skip


CHECKED_BY_VALUE = {
    (Range, "low"),
    (Range, "high"),
    (Score, "value"),
    (Choices, "values"),
    (AxisNames, "length"),
    (AxisNames, "level"),
}
"""Of what fits their annotation, these fields take a part alone."""


def fits(hint: Any, value: Any) -> bool:  # noqa: PLR0911 - a dispatch on types
    """Whether one of `OTHERS` is of that annotation."""
    if is_union(hint):
        return any(fits(each, value) for each in get_args(hint))
    if hint == Json:
        return True
    if hint == Loss and value in ("nan", "inf", "-inf"):
        return True
    if hint in (float, Loss):
        return type(value) in (int, float) and abs(value) < 1e300
    if hint is int:
        return type(value) is int and abs(value) < 1e300
    if hint in (bool, str, type(None)):
        return type(value) is hint
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        variable = arguments[-1] is Ellipsis
        return isinstance(value, list) and variable and all(fits(arguments[0], v) for v in value)
    if get_origin(hint) is not None and get_origin(hint) is not Literal:
        return isinstance(value, dict) and all(
            fits(arguments[0], key) and fits(arguments[1], part) for key, part in value.items()
        )
    return False  # a stage, one of a few names, or a dataclass


def has_default(kind: type[Any], name: str) -> bool:
    field = next(field for field in fields(kind) if field.name == name)
    return field.default is not MISSING or field.default_factory is not MISSING


@pytest.mark.parametrize("kind", CLASSES)
def test_every_field_is_checked_by_its_annotation(kind: type[Any]) -> None:
    content = encode(example_of(kind))
    for name, hint in hints_of(kind).items():
        for other in OTHERS:
            changed = content | {name: other}
            if not fits(hint, other):
                with pytest.raises(Malformed):
                    decode(kind, changed)
            elif (kind, name) not in CHECKED_BY_VALUE:
                decode(kind, changed)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_missing_field_is_refused_unless_it_has_a_default(kind: type[Any]) -> None:
    content = encode(example_of(kind))
    for name in content:
        rest = {other: value for other, value in content.items() if other != name}
        if has_default(kind, name):
            assert getattr(decode(kind, rest), name) != content[name]
        else:
            with pytest.raises(Malformed):
                decode(kind, rest)


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("name", ["unknown", "", "__class__", "stream"])
def test_an_unknown_field_is_refused(kind: type[Any], name: str) -> None:
    with pytest.raises(Malformed):
        decode(kind, encode(example_of(kind)) | {name: None})


@pytest.mark.parametrize("other", [None, 3, "x", [], ["x"], [[]], True, NAN])
@pytest.mark.parametrize("kind", CLASSES)
def test_an_object_is_needed(kind: type[Any], other: object) -> None:
    with pytest.raises(Malformed):
        decode(kind, other)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Score, {"value": 1.5, "spread": None}),
        (Score, {"value": -0.1, "spread": None}),
        (Score, {"examples": 0}),
        (Range, {"low": 3}),
        (Range, {"low": 0}),
        (Choices, {"values": []}),
        (Choices, {"values": [["nested"]]}),
        (Cost, {"steps": 1.0}),
    ],
)
def test_a_value_that_its_class_refuses_is_malformed(
    kind: type[Any], change: dict[str, Any]
) -> None:
    with pytest.raises(Malformed):
        decode(kind, encode(example_of(kind)) | change)


@pytest.mark.parametrize("key", ["x", "", "1.5", "9" * 5000, " 3", "03", "+3", "1_0", "٣"])
def test_a_key_that_is_no_number_is_malformed(key: str) -> None:
    @dataclass(frozen=True)
    class Numbered:
        by_number: Mapping[int, str]

    assert decode(Numbered, {"by_number": {"3": "x"}}) == Numbered({3: "x"})
    with pytest.raises(Malformed):
        decode(Numbered, {"by_number": {key: "x"}})


def test_paths_are_text() -> None:
    @dataclass(frozen=True)
    class Named:
        path: Path

    assert decode(Named, encode(Named(Path("/a/b")))) == Named(Path("/a/b"))
    with pytest.raises(Malformed):
        decode(Named, {"path": 3})


@pytest.mark.parametrize("kind", ["visit", "look", "", "VisitStarted", None, 3, ["run_ended"], {}])
def test_an_unknown_kind_of_event_is_refused(kind: object) -> None:
    content = {**event_json(example_of(KINDS["run_ended"])), "clock": CLOCK}
    assert record_from_json(content)
    with pytest.raises(Malformed):
        record_from_json(content | {"kind": kind})


@pytest.mark.parametrize("name", KINDS)
def test_a_record_without_its_kind_or_clock_is_refused(name: str) -> None:
    content = {**event_json(example_of(KINDS[name])), "clock": CLOCK}
    assert record_from_json(content).event == example_of(KINDS[name])
    for missing in ("kind", "clock"):
        with pytest.raises(Malformed):
            record_from_json({key: part for key, part in content.items() if key != missing})
    for clock in (None, {}, {"time": 1.0}, {"time": "now", "seconds": 1}, CLOCK | {"day": 3}):
        with pytest.raises(Malformed):
            record_from_json(content | {"clock": clock})


@pytest.mark.parametrize("name", KINDS)
def test_the_fields_of_one_kind_are_not_those_of_another(name: str) -> None:
    content = {**event_json(example_of(KINDS[name])), "clock": CLOCK}
    for other in KINDS.keys() - {name}:
        with pytest.raises(Malformed):
            record_from_json(content | {"kind": other})
