"""Training without a curriculum: on the target from the start, for the run's budget."""

from pathlib import Path
from typing import Any

import pytest
import torch
from recorded_events import of_kind, recorded

import curriculum
from curriculum import (
    SGD,
    Adam,
    Budget,
    Direct,
    Experiment,
    Explicit,
    Mastery,
    RunResult,
    Stage,
    StopRequest,
    Training,
    Verdict,
)
from curriculum.learn import Learner, weights_sha256
from curriculum.record import Evaluated, History, Record, Store, VisitEnded
from curriculum.report import explain_run


def run(experiment: Experiment, store: Path, **more: Any) -> RunResult:
    return curriculum.run(experiment, store=store, mirror=False, **more)


@pytest.fixture
def direct(tiny: Experiment) -> Experiment:
    """Length 30 from the start, for 40 steps with an evaluation every 10."""
    return tiny.replace(
        growth=Explicit(lengths=(30,)),
        optimizer=Adam(learning_rate=1e-4),
        pacing=Direct(),
        budget=Budget(steps=40),
        criterion=Mastery(threshold=1.0, min_steps=40),
        training=Training(eval_every=10),
    )


def test_what_is_trained_without_a_curriculum_is_kept(direct: Experiment, store: Path) -> None:
    result = run(direct, store)
    assert result.steps == 40
    fresh = Learner.start(direct.shape, direct.recipe, seed=0, device=torch.device("cpu"))
    assert result.weights_sha256 != weights_sha256(fresh.model)
    (end,) = of_kind(VisitEnded, recorded(store))
    assert end.verdict is Verdict.EXHAUSTED
    assert end.kept
    text = "\n".join(explain_run(History.of(Store(store).find(result.run_id))))
    assert "the run's budget of 40 steps is used up" in text
    assert "went back" not in text


def test_an_interrupted_direct_run_keeps_what_was_evaluated_last(
    direct: Experiment, store: Path
) -> None:
    def listener(record: Record) -> None:
        if isinstance(record.event, Evaluated) and record.event.cost.steps == 20:
            stop.request()

    stop = StopRequest()
    cut = run(direct, store, listener=listener, stop=stop)
    short = direct.replace(
        budget=Budget(steps=20), criterion=Mastery(threshold=1.0, min_steps=20), name="short"
    )
    assert cut.status == "interrupted"
    kept = weights_sha256(curriculum.load(cut.run_id, store=store))
    assert kept == run(short, store).weights_sha256
    whole = run(direct, store / "whole")
    resumed = curriculum.resume(cut.run_id, store=store, mirror=False)
    assert resumed.steps == whole.steps == 40
    assert resumed.weights_sha256 == whole.weights_sha256


def test_a_diverged_direct_run_keeps_the_last_weights_that_were_finite(
    direct: Experiment, store: Path
) -> None:
    wild = direct.replace(
        optimizer=SGD(learning_rate=1e38, momentum=0.0), training=Training(clip_norm=None)
    )
    result = run(wild, store)
    assert result.status == "stopped"
    (end,) = of_kind(VisitEnded, recorded(store))
    assert not end.kept
    model = curriculum.load(result.run_id, store=store)
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())


def test_reach_is_measured_from_the_beginning_of_the_path_without_a_curriculum(
    direct: Experiment, store: Path
) -> None:
    longer = direct.replace(
        growth=Explicit(lengths=(2, 3, 5)),
        optimizer=Adam(learning_rate=3e-2),
        budget=Budget(steps=400),
        criterion=Mastery(threshold=1.0),
    )
    result = run(longer, store)
    assert result.reach == Stage(5)
    assert [stage.length for stage in result.stages] == [2, 3, 5]
