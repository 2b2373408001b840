"""Training without a curriculum: on the target from the start, for the run's budget."""

from pathlib import Path
from typing import Any

import pytest
import torch

import curriculum
from curriculum import (
    SGD,
    Adam,
    Budget,
    Direct,
    Experiment,
    Explicit,
    Mastery,
    Result,
    Stage,
    Stop,
    Training,
)
from curriculum.learn.learner import Learner, weights_sha256
from curriculum.record.history import History
from curriculum.record.journal import Record, read_journal
from curriculum.record.store import Store
from curriculum.report.explain import explain


def run(experiment: Experiment, store: Path, **more: Any) -> Result:
    return curriculum.run(experiment, store=store, mirror=False, **more)


def records(store: Path) -> list[Record]:
    return [record for record, _ in read_journal(Store(store).find("last").journal)]


@pytest.fixture
def direct(tiny: Experiment) -> Experiment:
    """Length 30 from the start, for 40 steps with a look every 10."""
    return tiny.but(
        growth=Explicit(lengths=(30,)),
        optimizer=Adam(learning_rate=1e-4),
        pacing=Direct(),
        budget=Budget(steps=40),
        criterion=Mastery(threshold=1.0, least_steps=40),
        training=Training(look_every=10),
    )


def test_what_is_trained_without_a_curriculum_stays(direct: Experiment, store: Path) -> None:
    result = run(direct, store)
    assert result.steps == 40
    fresh = Learner.start(direct.shape, direct.recipe, seed=0, device=torch.device("cpu"))
    assert result.weights_sha256 != weights_sha256(fresh.model)
    (verdict,) = (record for record in records(store) if record["kind"] == "verdict")
    assert verdict["verdict"] == "exhausted"
    assert verdict["kept"]
    said = "\n".join(explain(History.of(Store(store).find(result.run_id))))
    assert "the run's 40 steps are used up" in said
    assert "went back" not in said


def test_an_interrupt_of_direct_training_keeps_what_the_last_look_saw(
    direct: Experiment, store: Path
) -> None:
    def impatient(record: Record) -> None:
        if record["kind"] == "look" and record["spent"]["steps"] == 20:
            stop.request()

    stop = Stop()
    cut = run(direct, store, listener=impatient, stop=stop)
    short = direct.but(
        budget=Budget(steps=20), criterion=Mastery(threshold=1.0, least_steps=20), name="short"
    )
    assert cut.status == "interrupted"
    kept = weights_sha256(curriculum.load(cut.run_id, store=store))
    assert kept == run(short, store).weights_sha256
    whole = run(direct, store / "whole")
    gone_on = curriculum.resume(cut.run_id, store=store, mirror=False)
    assert gone_on.steps == whole.steps == 40
    assert gone_on.weights_sha256 == whole.weights_sha256


def test_a_diverged_direct_run_keeps_the_last_weights_that_were_finite(
    direct: Experiment, store: Path
) -> None:
    wild = direct.but(
        optimizer=SGD(learning_rate=1e38, momentum=0.0), training=Training(clip_norm=None)
    )
    result = run(wild, store)
    assert result.status == "stopped"
    (verdict,) = (record for record in records(store) if record["kind"] == "verdict")
    assert not verdict["kept"]
    model = curriculum.load(result.run_id, store=store)
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())


def test_reach_is_looked_for_from_the_beginning_of_the_path_without_a_curriculum(
    direct: Experiment, store: Path
) -> None:
    patient = direct.but(
        growth=Explicit(lengths=(2, 3, 5)),
        optimizer=Adam(learning_rate=3e-2),
        budget=Budget(steps=400),
        criterion=Mastery(threshold=1.0),
    )
    result = run(patient, store)
    assert result.reach == Stage(5)
    assert [stage.length for stage in result.stages] == [2, 3, 5]
