"""Looks at the target ahead of the walk: direct training may master it and nothing below it."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

import curriculum
from curriculum import (
    Budget,
    Certificate,
    Experiment,
    Geometric,
    LookBackAndAhead,
    Mastery,
    Stage,
    Stop,
    Stuck,
)
from curriculum.learn.shape import Answer
from curriculum.learn.task import Batch
from curriculum.record.history import History
from curriculum.record.journal import Record, content_of, read_journal
from curriculum.record.store import Store
from curriculum.report.attempt import Attempt
from tasks import FirstBit


@dataclass(frozen=True, kw_only=True, slots=True)
class Odd:
    """First bit, but below length 5 the answers are the other way round, or drawn at random."""

    below: Literal["turned", "random"] = "turned"
    answer: Answer = "bit"

    def check(self, stage: Stage) -> None:
        FirstBit().check(stage)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        batch = FirstBit(zeros="hard").sample(rng, stage, batch_size)
        if stage.length >= 5:
            return batch
        turned = 1 - batch.targets
        return replace(batch, targets=turned if self.below == "turned" else rng.permutation(turned))


@pytest.fixture
def turned(tiny: Experiment) -> Experiment:
    return tiny.but(
        task=Odd(),
        criterion=Mastery(threshold=0.9, examples=128),
        budget=Budget(steps=100),
        certificate=Certificate(examples=100),
    )


def run(experiment: Experiment, store: Path, **more: Any) -> curriculum.Result:
    return curriculum.run(experiment, store=store, mirror=False, **more)


def told(store: Path) -> list[Record]:
    return [record for record, _ in read_journal(Store(store).find("last").journal)]


def ahead(store: Path) -> list[Record]:
    return [record for record in told(store) if record["kind"] == "ahead"]


def test_a_target_that_is_mastered_without_what_lies_below_is_reached(
    turned: Experiment, store: Path
) -> None:
    result = run(turned.under("direct"), store)
    assert result.reach == Stage(5)
    assert result.status == "reached"
    assert "mastered, ahead of others, and the run's 100 steps are used up" in result.ending
    assert result.held == (Stage(5),)
    (verdict,) = [record for record in told(store) if record["kind"] == "verdict"]
    assert (verdict["stage"], verdict["reach"]) == ("2x2", None)  # the walk did not get there
    *failed, last = ahead(store)
    assert last["mastered"]
    assert not any(record["mastered"] for record in failed)
    attempt = Attempt.of(History.of(Store(store).find("last")))
    (look,) = [
        before
        for before, after in itertools.pairwise(told(store))
        if after["kind"] == "ahead" and after["mastered"]
    ]
    assert list(attempt.mastered) == [2]
    assert attempt.mastered[2].exact() == look["spent"]
    assert attempt.mastered[2].steps < 100


def test_it_costs_the_run_nothing(turned: Experiment, store: Path) -> None:
    looked = run(turned.under("direct"), store / "on")
    blind = run(turned.but(certificate=Certificate(mode="off")).under("direct"), store / "off")
    assert (looked.compute, looked.weights_sha256) == (blind.compute, blind.weights_sha256)
    assert ahead(store / "off") == []
    assert (blind.reach, blind.status) == (None, "stopped")


def test_several_looks_in_a_row_are_asked_for_as_at_the_gate(
    turned: Experiment, store: Path
) -> None:
    criterion = replace(turned.criterion, looks_in_a_row=3)
    run(turned.but(criterion=criterion).under("direct"), store)
    *before, last = ahead(store)
    assert last["mastered"]
    assert [record["cleared"] for record in (*before, last)[-3:]] == [True] * 3
    assert not any(record["mastered"] for record in before)
    assert [record["look"] - last["look"] for record in (*before, last)[-3:]] == [-2, -1, 0]


def test_what_is_not_trained_on_is_not_looked_at(tiny: Experiment, store: Path) -> None:
    run(tiny, store)
    assert ahead(store) == []


@pytest.mark.parametrize("after", [3, 8, 14])
def test_a_run_that_is_stopped_looks_ahead_as_it_would_have(
    after: int, turned: Experiment, store: Path
) -> None:
    experiment = turned.under("uniform")
    whole = run(experiment, store / "whole")
    stop, seen = Stop(), 0

    def impatient(record: Record) -> None:
        nonlocal seen
        seen += 1
        if seen == after:
            stop.request()

    cut = run(experiment, store / "cut", stop=stop, listener=impatient)
    assert cut.status == "interrupted"
    again = run(experiment, store / "cut", resume=True)
    assert again.weights_sha256 == whole.weights_sha256
    assert again.reach == whole.reach
    assert list(map(content_of, told(store / "cut"))) == list(
        map(content_of, told(store / "whole"))
    )


def test_a_path_that_was_lengthened_has_another_target(
    turned: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.record.circumstances.git_commit", lambda _: None)
    stop = Stop()

    def impatient(record: Record) -> None:
        if record["kind"] == "ahead" and record["mastered"]:
            stop.request()

    experiment = turned.under("direct")
    cut = run(experiment, store, stop=stop, listener=impatient, source=Path(__file__))
    assert (cut.status, cut.reach) == ("interrupted", Stage(5))
    further = experiment.but(growth=Geometric(start=Stage(2), until=Stage(12)))
    result = run(further, store, resume=True, force=True, source=Path(__file__))
    assert (result.status, result.reach) == ("reached", Stage(12))
    assert {record["stage"] for record in ahead(store) if record["mastered"]} == {"5x2", "12x2"}


def test_a_gated_run_that_ends_short_of_it_keeps_the_model_that_mastered_the_target(
    turned: Experiment, store: Path
) -> None:
    stuck = Stuck(retunes=0, half_steps=0, demotions=0)
    result = run(
        turned.but(task=Odd(below="random"), sampling=LookBackAndAhead(others=0.9), stuck=stuck),
        store,
    )
    assert (result.status, result.reach) == ("reached", Stage(5))
    assert [visit.length for visit in result.stages] == [2]
    assert result.held == (Stage(5),)


def test_no_test_is_taken_before_the_least_steps(turned: Experiment, store: Path) -> None:
    criterion = replace(turned.criterion, least_steps=60)
    run(turned.but(criterion=criterion).under("direct"), store)
    records = told(store)
    steps = [
        before["spent"]["steps"]
        for before, after in itertools.pairwise(records)
        if after["kind"] == "ahead"
    ]
    assert steps == [60]
