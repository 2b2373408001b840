"""What a run does when training goes wrong: rollbacks, fresh starts, and the model that it ends with."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from interrupted_runs import (
    events,
    interrupted_run,
    run,
)
from recorded_events import of_kind, recorded
from stopped_experiments import (
    tuned_unstable,
    unstable,
)

import curriculum
from curriculum import Adam, Backtracking, Budget, Experiment, Explicit, Mastery, Rollback, Training
from curriculum.learn import Learner, Trainer, TrainingInterval, weights_sha256
from curriculum.models import Recurrent
from curriculum.plan import Scheduler, VisitReason
from curriculum.record import (
    Evaluated,
    History,
    RolledBack,
    Store,
    TrialEvaluated,
    VisitEnded,
    VisitStarted,
)
from curriculum.report import explain_run
from curriculum.tasks import FirstBit

Damage = Callable[[int], bool]


def learning(**changes: Any) -> Experiment:
    """A GRU that is trained for 60 steps on first bit at length 70, which it hardly needs."""
    made = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=(5, 70)),
        criterion=Mastery(threshold=1.0, min_steps=60),
        optimizer=Adam(learning_rate=3e-2),
        training=Training(eval_every=5),
        budget=Budget(steps_per_stage=300),
        backtracking=Backtracking(half_steps=0, demotions=0, fresh_starts=0),
        name="learning",
    )
    return made.replace(**changes)


@pytest.fixture
def damage(monkeypatch: pytest.MonkeyPatch) -> Callable[[Damage], list[tuple[int, str]]]:
    """Has training destroy the model when it is told to; gives steps and weights before each call."""

    def install(is_due: Damage) -> list[tuple[int, str]]:
        before: list[tuple[int, str]] = []
        take_steps = Trainer.take_steps

        def damaging(
            self: Trainer, learner: Learner, scheduler: Scheduler, **more: Any
        ) -> TrainingInterval:
            digest = weights_sha256(learner.model)
            found = take_steps(self, learner, scheduler, **more)
            if scheduler.visit == 1:
                before.append((more["start"], digest))
            if scheduler.visit == 1 and is_due(more["start"]):
                with torch.no_grad():
                    for parameter in learner.model.parameters():
                        parameter.zero_()
            return found

        monkeypatch.setattr(Trainer, "take_steps", damaging)
        return before

    return install


def test_a_model_that_training_destroys_goes_back_to_what_it_was_at_its_best(
    store: Path, damage: Callable[[Damage], list[tuple[int, str]]]
) -> None:
    calls = damage(lambda start: start == 30)
    assert run(learning(), store).status == "reached"
    (event,) = of_kind(RolledBack, recorded(store))
    assert (event.number, event.step, event.best_step, event.best_score) == (1, 35, 30, 1.0)
    assert event.learning_rate == pytest.approx(1e-2)
    weights = dict(calls)
    assert weights[35] == weights[30]
    history = History.of(Store(store).find("last"))
    (sentence,) = [each for each in explain_run(history) if each.startswith("Visit 1")]
    assert "and 1 rollback (from 0." in sentence
    assert "to 1 of step 30; learning rate 0.01 since)" in sentence


def test_without_rollbacks_it_goes_on_with_what_is_left(
    store: Path, damage: Callable[[Damage], list[tuple[int, str]]]
) -> None:
    damage(lambda start: start == 30)
    run(learning(rollback=Rollback(times=0)), store)
    assert not of_kind(RolledBack, recorded(store))


def test_a_visit_goes_back_so_often_and_is_then_undone(
    store: Path, damage: Callable[[Damage], list[tuple[int, str]]]
) -> None:
    damage(lambda start: start >= 30)
    result = run(learning(rollback=Rollback(times=3)), store)
    assert [event.number for event in of_kind(RolledBack, recorded(store))] == [1, 2, 3]
    assert "the model has become worse again, after 3 rollbacks" in result.ending
    assert not of_kind(VisitEnded, recorded(store))[-1].kept


def test_every_rollback_is_evaluated_three_times_and_once_more_from_its_best_state(
    store: Path, damage: Callable[[Damage], list[tuple[int, str]]]
) -> None:
    damage(lambda start: start == 30)
    run(learning(), store)
    events = recorded(store)
    place = next(n for n, event in enumerate(events) if isinstance(event, RolledBack))
    before = next(e.cost.steps for e in of_kind(Evaluated, events) if e.visit == 1)
    around = [*events[place - 3 : place], events[place + 1]]
    assert all(isinstance(event, Evaluated) for event in around)
    assert {event.cost.steps for event in of_kind(Evaluated, around)} == {35 + before}


def test_a_fresh_start_has_other_weights_and_the_run_ends_with_the_model_that_got_farthest(
    store: Path,
) -> None:
    result = run(unstable(learning()), store)
    events = recorded(store)
    starts = of_kind(VisitStarted, events)
    fresh = [event for event in starts if event.reason is VisitReason.FRESH_START]
    assert len(fresh) == 1
    ends = of_kind(VisitEnded, events)
    before = next(event for event in ends if event.visit == fresh[0].visit - 1)
    assert ends[0].verdict == "mastered"
    assert before.weights_sha256 == ends[0].weights_sha256
    assert result.reach == ends[0].stage
    assert ends[-1].restored == 0
    assert ends[-1].weights_sha256 == ends[0].weights_sha256 == result.weights_sha256
    assert weights_sha256(curriculum.load("last", store=store)) == result.weights_sha256


def test_a_run_whose_farthest_checkpoint_is_damaged_ends_as_it_would_have(
    store: Path, tmp_path: Path
) -> None:
    experiment = unstable(learning())
    whole = run(experiment, tmp_path / "whole")
    fresh = next(
        event
        for event in of_kind(VisitStarted, recorded(tmp_path / "whole"))
        if event.reason is VisitReason.FRESH_START
    )
    folder = interrupted_run(experiment, store, fresh.visit)
    (folder.checkpoints / "000001" / "model.safetensors").unlink()
    result = curriculum.resume("last", store=store, mirror=False)
    assert (result.status, result.weights_sha256) == (whole.status, whole.weights_sha256)
    assert events(folder) == recorded(tmp_path / "whole")


def test_a_fresh_start_may_have_another_learning_rate(store: Path) -> None:
    experiment = unstable(learning())
    more = replace(experiment.backtracking, fresh_starts=3, demotions=0)
    run(experiment.replace(backtracking=more, growth=Explicit(lengths=(4,))), store)
    started = of_kind(VisitStarted, recorded(store))
    assert [event.learning_rate for event in started] == pytest.approx([0.05, 0.05, 0.005, 0.5])


def test_trials_go_back_too(store: Path) -> None:
    run(tuned_unstable(learning()), store)
    reports = [event.report for event in of_kind(TrialEvaluated, recorded(store))]
    assert max(report.rollbacks for report in reports) > 0


def test_an_experiment_without_trouble_runs_as_it_would_with_all_of_it_off(
    tiny: Experiment, tmp_path: Path
) -> None:
    off = tiny.replace(
        rollback=Rollback(times=0), backtracking=Backtracking(patience=0, fresh_starts=0)
    )
    results = [run(each, tmp_path / str(n)) for n, each in enumerate((tiny, off))]
    assert results[0].weights_sha256 == results[1].weights_sha256
    assert results[0].steps == results[1].steps
