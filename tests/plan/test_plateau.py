from collections.abc import Iterable
from typing import Any

import pytest

from curriculum import (
    Budget,
    Cost,
    Evaluation,
    Geometric,
    Plateau,
    Scheduler,
    Score,
    Spread,
    Stage,
    UsageError,
    Verdict,
)
from curriculum.plan import EvaluationCounts


def a_score(value: float, deviation: float = 0.3) -> Score:
    return Score(value=value, examples=100, spread=Spread(units=100, deviation=deviation))


def ready_after(criterion: Plateau, values: Iterable[float], *, steps: int = 100) -> int | None:
    """The number of the evaluation, from 1, after which the stage is ready; None for never."""
    counts = EvaluationCounts()
    for number, value in enumerate(values, 1):
        if counts.decide(criterion, Evaluation(full_test=a_score(value)), steps=steps).ready:
            return number
    return None


@pytest.mark.parametrize(
    ("settings", "values", "expected"),
    [
        ({"evaluations": 2}, [3.0, 2.0, 1.0, 0.995, 0.995], 5),
        ({"evaluations": 2}, [3.0, 2.0, 2.5, 1.5, 1.495, 1.2], None),  # an improvement in between
        ({"evaluations": 2, "min_improvement": 0.5}, [3.0, 2.0, 1.8, 1.6, 1.0], 4),
        ({"evaluations": 3}, [1.0, 1.1, 1.2, 1.3], 4),  # getting worse is no improvement
        ({"evaluations": 2, "min_improvement": 0.1}, [1.0, 0.95, 0.89, 0.85], None),  # bit by bit
        ({"metric": "exact_match", "evaluations": 2}, [0.1, 0.5, 0.5, 0.5], 4),
        ({"metric": "exact_match", "evaluations": 1}, [0.5, 0.4], 2),
        ({"metric": "distance", "mode": "min", "evaluations": 1}, [5.0, 4.0, 6.0], 3),
        ({"metric": "exact_match", "mode": "min", "evaluations": 1}, [0.5, 0.4, 0.6], 3),
        ({"evaluations": 1, "min_steps": 200}, [1.0, 1.0, 1.0], None),
    ],
)
def test_a_stage_is_ready_when_the_metric_improves_no_longer(
    settings: dict[str, Any], values: list[float], expected: int | None
) -> None:
    assert ready_after(Plateau(**settings), values) == expected


def test_each_visit_begins_with_a_best_of_its_own() -> None:
    criterion, counts = Plateau(evaluations=1), EvaluationCounts()
    counts.decide(criterion, Evaluation(full_test=a_score(1.0)), steps=0)
    counts.start_visit()
    again = counts.decide(criterion, Evaluation(full_test=a_score(2.0)), steps=0)
    assert not again.ready
    assert counts.decide(criterion, Evaluation(full_test=a_score(2.0)), steps=0).ready


def test_a_scheduler_moves_on_from_what_stands_still_and_patience_does_not_end_the_visit() -> None:
    growth = Geometric(start=Stage(2), end=Stage(3))
    scheduler = Scheduler(growth, Plateau(evaluations=3), budget=Budget(steps_per_stage=10_000))
    losses = iter([2.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.5, 0.5, 0.5, 0.5])
    found = []
    for number, loss in enumerate(losses):
        evaluation = Evaluation(full_test=a_score(loss), cost=Cost(steps=400 * number))
        found.append(scheduler.update(evaluation))
    ready = [n for n, verdict in enumerate(found) if verdict is Verdict.READY]
    assert ready == [4, 9]
    assert set(found) == {Verdict.LEARNING, Verdict.READY}
    assert scheduler.ending == "the last stage of the path is ready"


def test_its_state_is_kept_with_the_schedulers() -> None:
    growth = Geometric(start=Stage(2), end=Stage(3))

    def made() -> Scheduler:
        return Scheduler(growth, Plateau(evaluations=3))

    one, other = made(), made()
    for loss in (1.0, 1.0, 1.0):
        one.update(Evaluation(full_test=a_score(loss)))
    other.load_state_dict(one.state_dict())
    last = Evaluation(full_test=a_score(1.0))
    assert other.update(last) is one.update(last) is Verdict.READY


@pytest.mark.parametrize(
    ("now", "before", "answer"),
    [(1.0, 1.0, "passes"), (1.05, 1.0, "passes"), (1.2, 1.0, "fails"), (0.2, 1.0, "passes")],
)
def test_a_final_model_fails_where_it_is_shown_to_have_become_worse(
    now: float, before: float, answer: str
) -> None:
    found, reason = Plateau().answer("", a_score(now), 0.05, reference=a_score(before))
    assert found == answer
    assert "when the stage was ready" in reason


def test_of_a_stage_that_was_never_ready_nothing_is_shown() -> None:
    found, reason = Plateau().answer("", a_score(1.0), 0.05)
    assert found == "not shown"
    assert "no score of the stage, when it was ready" in reason


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"evaluations": 0}, "criterion.evaluations must be at least 1"),
        ({"min_improvement": -0.1}, "criterion.min_improvement must be at least 0"),
        ({"mode": "down"}, "criterion.mode must be min or max"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Plateau(**settings)
