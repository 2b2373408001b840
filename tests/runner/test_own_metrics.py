"""Runs whose stages are ready by a metric of the task, in its own direction and range."""

from pathlib import Path
from typing import Any

import pytest
from estimation import estimation
from mlflow_copies import NewDatabase, copy_of, points_of, sync
from recorded_events import of_kind, recorded

import curriculum
from curriculum import (
    Budget,
    Criterion,
    LossBelow,
    Mastery,
    MetricBeyond,
    Plateau,
    Stage,
    UsageError,
)
from curriculum.record import Evaluated, FinalEvaluated, History, Record, Store, VisitEnded
from curriculum.report import run_figures

ERROR = MetricBeyond(metric="error", threshold=6.0)
POINTS = MetricBeyond(metric="points", threshold=90.0)
LOSS = LossBelow(threshold=0.02, unit="squared_error")
STILL = Plateau(metric="error", min_improvement=0.5, evaluations=2)


@pytest.mark.parametrize(
    ("criterion", "direction"),
    [(ERROR, "lower"), (POINTS, "higher"), (STILL, "lower")],
    ids=["error", "points", "plateau"],
)
def test_a_run_is_gated_recorded_and_shown_by_the_metric(
    criterion: Criterion, direction: str, store: Path
) -> None:
    experiment = estimation(criterion)
    result = curriculum.run(experiment, store=store, mirror=False)
    assert (result.status, result.reach_verdict) == ("reached", "ready")
    last = [event.evaluations for event in History.of(Store(store).find("last")).visits][-1][-1]
    decision = last.decision
    assert decision.metric == criterion.measured
    if isinstance(criterion, MetricBeyond):
        assert decision.score is not None
        if direction == "lower":
            assert decision.upper_bound is not None
            assert decision.score < decision.upper_bound < 6.0
        else:
            assert decision.lower_bound is not None
            assert decision.score > decision.lower_bound > 90.0
    history = History.of(Store(store).find("last"))
    label = run_figures(history)["score_by_stage"].axes[0].get_ylabel()
    assert label == f"{criterion.measured} ({direction} is better) of the evaluations"
    (final,) = [e for e in of_kind(FinalEvaluated, recorded(store)) if e.stage == Stage(3, 2)]
    assert final.answer in ("passes", "not shown")
    again: Any = {"store": store, "experiment": experiment, "examples": 400}
    found = curriculum.certify("last", lengths=(2, 3), **again)
    assert found.lower_is_better is (direction == "lower")
    assert found.as_json()["lower_is_better"] is found.lower_is_better
    assert (f"of {criterion.measured} lower is better" in repr(found)) is found.lower_is_better
    same = curriculum.certify("last", lengths=(2,), metric=criterion.measured, **again)
    assert [each.metric for each in (found, same)] == [criterion.measured] * 2


def test_a_metric_that_is_no_rate_is_not_compared_with_the_threshold_of_one(store: Path) -> None:
    experiment = estimation(Mastery(threshold=0.9)).replace(budget=Budget(steps_per_stage=5))
    curriculum.run(experiment, store=store, mirror=False)
    with pytest.raises(
        UsageError,
        match=r"a threshold of a rate, 0\.9, and error is no rate but .* leave the metric",
    ):
        curriculum.certify("last", metric="error", store=store, experiment=experiment)


def test_a_stopped_run_goes_on_in_the_same_direction(store: Path) -> None:
    whole = curriculum.run(estimation(STILL), store=store / "whole", mirror=False)
    stop = curriculum.StopRequest()

    def listener(entry: Record) -> None:
        if isinstance(entry.event, VisitEnded):
            stop.request()

    options: Any = {"store": store / "cut", "mirror": False}
    curriculum.run(estimation(STILL), stop=stop, listener=listener, **options)
    resumed = curriculum.resume("last", experiment=estimation(STILL), **options)
    assert resumed.weights_sha256 == whole.weights_sha256
    assert recorded(store / "cut") == recorded(store / "whole")
    assert any(event.decision.ready for event in of_kind(Evaluated, recorded(store / "cut")))


def test_another_metric_has_no_threshold_to_be_certified_by(store: Path) -> None:
    curriculum.run(estimation(ERROR), store=store, mirror=False)
    with pytest.raises(UsageError, match="has no threshold of the points to compare with"):
        curriculum.certify("last", store=store, experiment=estimation(ERROR), metric="points")


@pytest.mark.slow
@pytest.mark.parametrize("criterion", [ERROR, STILL, LOSS], ids=["error", "plateau", "loss"])
def test_mlflow_has_what_is_ready_by_its_metric_and_direction(
    criterion: Criterion, store: Path, new_database: NewDatabase
) -> None:
    curriculum.run(estimation(criterion), store=store, mirror=False)
    new_database(store)
    kept = Store(store)
    folder = kept.find("last")
    sync(kept, folder)
    parent, visits = copy_of(kept, folder)
    assert parent.data.params.get("criterion.mode") == ("min" if criterion is not LOSS else None)
    assert [run.data.tags["verdict"] for run in visits] == ["ready"] * 2
    points = points_of(kept, visits[0], f"validation_{criterion.measured}")
    events = of_kind(Evaluated, recorded(store))
    scores = [each.decision.score for each in events if each.stage == Stage(2, 2)]
    assert [value for value, _, _ in points] == [score for score in scores if score is not None]
    assert points[-1][0] < points[0][0]
    everything = [*parent.data.params.values(), *parent.data.tags.values(), *parent.data.metrics]
    assert not [text for text in everything if "master" in text and "estimation" not in text]
    assert Stage(3, 2).length == parent.data.metrics["by_step/reach_length"]
