"""Which numbers of a run are metrics, worked out from journals made by hand."""

from dataclasses import replace

import pytest
from journals_by_hand import (
    cost_of,
    describe,
    evaluated,
    history,
    rolled_back,
    visit_started,
)

from curriculum import Stage
from curriculum.record import Event, FinalEvaluated, History, Record
from curriculum.record.events import Clock
from curriculum.tracking.metrics import final_metrics, reach_metrics, rollback_metrics


def test_places_tell_stages_apart_where_the_vocabulary_grows() -> None:
    path = (Stage(2, 4), Stage(3, 4), Stage(3, 9))
    found = History(describe(path=path, settings={"tuning.mode": "off"}))
    places = []
    for stage in path:
        found.mastered_in_order = stage
        metrics = {metric.key: metric.value for metric in reach_metrics(found)}
        places.append(metrics["by_step/reach_place"])
    assert places == [1, 2, 3]


TRAINED_TO_4: list[tuple[float, Event]] = [
    (1.0, visit_started(0, Stage(4))),
    (1.0, replace(evaluated(0, Stage(4), cost_of(5)), examples_by_stage={Stage(4): 5})),
]


@pytest.mark.parametrize(
    ("passed", "reach", "expected"),
    [
        ({}, 4, {}),  # it was not evaluated
        (
            {2: True, 3: True, 4: True, 8: True, 16: False},
            4,
            {"held_stages": 3, "length": 4, "extrapolated_length": 8},
        ),
        (
            {2: True, 3: False, 4: True, 8: False},
            4,
            {"held_stages": 2, "length": 2, "extrapolated_length": 0},
        ),
        ({2: False, 3: True}, 4, {"held_stages": 1, "length": 0}),  # nothing beyond
        (
            {2: False, 3: False},
            None,
            {"held_stages": 0, "length": 0, "extrapolated_length": 0},
        ),
    ],
)
def test_what_a_final_model_still_masters_is_numbers(
    passed: dict[int, bool], reach: int | None, expected: dict[str, int]
) -> None:
    events = [*TRAINED_TO_4, *((1.0, final_evaluation(*each)) for each in passed.items())]
    run = history(describe(path=(Stage(2), Stage(3), Stage(4))), events)
    run.mastered_in_order = Stage(reach) if reach else None
    found = {metric.key: metric.value for metric in final_metrics(run)}
    assert found.pop("test/retained_length", None) == expected.pop("length", None)
    for name in ("held_stages", "extrapolated_length"):
        assert found.pop(f"test/{name}", None) == expected.pop(name, None)
    assert not expected


def final_evaluation(length: int, cleared: bool) -> FinalEvaluated:
    return FinalEvaluated(
        stage=Stage(length),
        beyond=length > 4,
        score=0.5,
        examples=9,
        answer="passes" if cleared else "fails",
        reason="",
    )


def test_a_rollback_is_a_mark_at_the_steps_of_the_run() -> None:
    event = rolled_back(0, 2, 5, 0.5)
    found = rollback_metrics(
        history(describe(), TRAINED_TO_4), event, Record(event, Clock(time=2.0, seconds=1.0))
    )
    assert {metric.key: metric.value for metric in found} == {
        "rollback/number": 2,
        "rollback/learning_rate": pytest.approx(0.01 / 9),
    }
    assert {(metric.step, metric.timestamp) for metric in found} == {(5, 2000)}
