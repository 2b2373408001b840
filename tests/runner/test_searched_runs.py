"""Runs in which settings are searched: what trials cost, and what is carried on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    interrupted_at,
)
from recorded_events import kinds, of_kind, recorded

import curriculum
from curriculum import (
    Adam,
    AdamW,
    Backtracking,
    Budget,
    Choices,
    Experiment,
    Explicit,
    Mastery,
    Range,
    RunResult,
    Stage,
    Training,
    Tuning,
    UsageError,
)
from curriculum.learn import weights_sha256
from curriculum.models import LanguageModel, Recurrent
from curriculum.models.language_model import Net
from curriculum.record import (
    History,
    Record,
    Store,
    TrialCompleted,
    TrialEvaluated,
    VisitEnded,
    VisitStarted,
    read_journal,
)
from curriculum.tasks import FirstBit, HumanNumbers
from curriculum.tune import STORAGE_VARIABLE, OptunaDestination, importances


def run(experiment: Experiment, store: Path, seed: int = 0, **more: Any) -> RunResult:
    return curriculum.run(experiment, seed, store=store, mirror=False, **more)


def tuned(tiny: Experiment, **settings: Any) -> Experiment:
    """One whose carried learning rate is hopeless."""
    tuning = Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8)
    return tiny.replace(
        optimizer=Adam(learning_rate=1e-5),
        budget=Budget(steps_per_stage=100),
        tuning=replace(tuning, **settings),
    )


def test_tuning_reaches_what_the_carried_settings_do_not(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny), store)
    assert result.reach == Stage(5)
    assert result.stages[0].learning_rate > 1e-3
    # Fresh networks would be tried with other learning rates too.
    untuned = tuned(tiny).replace(
        tuning=Tuning(mode="off"), backtracking=Backtracking(fresh_starts=0)
    )
    assert run(untuned, store / "off").reach is None


def test_trials_are_part_of_the_reported_cost(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny), store)
    assert 0 < result.discarded_share < 1
    stages = result.stages
    assert sum(stage.steps + stage.discarded_steps for stage in stages) == result.steps
    assert sum(stage.tokens + stage.discarded_tokens for stage in stages) == result.tokens
    last_reports = {
        (event.visit, event.report.trial): event.report
        for event in of_kind(TrialEvaluated, recorded(store))
    }
    tried = sum(report.cost.steps for report in last_reports.values())
    assert result.steps >= tried > sum(stage.steps for stage in stages) / 2


def test_the_selected_settings_are_carried_on(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny), store)
    visits = of_kind(VisitStarted, recorded(store))
    carried = [(visit.learning_rate, visit.hidden_size) for visit in visits]
    selected = [(stage.learning_rate, stage.hidden_size) for stage in result.stages]
    assert carried[0] == (1e-5, 8)
    assert carried[1:] == selected[:-1]


def test_a_tuned_model_can_be_loaded(tiny: Experiment, store: Path) -> None:
    wide = run(tuned(tiny, hidden_size=(16, 16)), store, seed=5)
    assert wide.stages[-1].hidden_size == 16
    model = curriculum.load("last", store=store)
    assert weights_sha256(model) == wide.weights_sha256


def test_an_exhausted_stage_is_retuned_from_the_same_parent(tiny: Experiment, store: Path) -> None:
    result = run(tuned(tiny, mode="exhausted"), store)
    first, second = of_kind(VisitStarted, recorded(store))[:2]
    assert (first.retuning, second.retuning) == (False, True)
    assert first.stage == second.stage
    assert [stage.verdict for stage in result.stages[:2]] == ["exhausted", "mastered"]
    assert [stage.trials for stage in result.stages[:2]] == [0, result.stages[1].trials]
    assert result.reach == Stage(5)


def test_tuning_that_needs_one_trial_is_training(tiny: Experiment, store: Path) -> None:
    plain = run(tiny, store / "plain")
    one = run(tiny.replace(tuning=Tuning(mode="each", trials=1)), store / "one")
    assert one.weights_sha256 == plain.weights_sha256
    assert (one.steps, one.discarded_share) == (plain.steps, 0)


@pytest.mark.parametrize(
    ("jobs", "jobs_after"),
    [
        (1, 1),
        # Processes start slowly, and `test_resume` stops and resumes a search with several.
        pytest.param(2, 1, marks=pytest.mark.exhaustive),
        pytest.param(2, 2, marks=pytest.mark.exhaustive),
    ],
)
def test_an_interrupt_within_a_search_leaves_the_parent_as_it_was(
    tiny: Experiment, store: Path, jobs: int, jobs_after: int
) -> None:
    def moment(record: Record) -> bool:
        event = record.event
        return isinstance(event, TrialEvaluated) and (event.visit, event.report.trial) == (1, 2)

    hard = tuned(tiny).replace(
        growth=Explicit(lengths=(2, 3)), criterion=Mastery(threshold=1.0, min_steps=40)
    )
    result = interrupted_at(hard, store, moment, jobs=jobs)
    assert result.status == "interrupted"
    assert result.discarded_share > 0
    assert kinds(recorded(store))[-1] is TrialEvaluated
    assert result.steps > 0
    kept = weights_sha256(curriculum.load("last", store=store))
    assert kept == of_kind(VisitEnded, recorded(store))[0].weights_sha256
    whole = run(hard, store / "whole")
    resumed = curriculum.resume("last", store=store, mirror=False, jobs=jobs_after)
    assert resumed.weights_sha256 == whole.weights_sha256
    assert resumed.steps == whole.steps


SearchedRuns = dict[int, tuple[Path, RunResult]]


@pytest.fixture(scope="module")
def searched_runs(tmp_path_factory: pytest.TempPathFactory) -> SearchedRuns:
    """The same run of a search of several settings, by the number of processes."""
    also = (
        Range(setting="optimizer.weight_decay", low=1e-4, high=1e-1, log=True),
        Choices(setting="training.batch_size", values=(16, 64)),
        Choices(setting="training.clip_norm", values=(None, 0.5)),
    )
    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=(2, 3, 5)),
        criterion=Mastery(threshold=1.0),
        optimizer=AdamW(learning_rate=1e-5),
        budget=Budget(steps_per_stage=100),
        tuning=Tuning(
            mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8, also=also
        ),
        name="searched",
    )
    stores = {jobs: tmp_path_factory.mktemp("searched") for jobs in (1, 2)}
    return {jobs: (store, run(experiment, store, jobs=jobs)) for jobs, store in stores.items()}


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_other_settings_can_be_tuned(searched_runs: SearchedRuns, jobs: int) -> None:
    store, result = searched_runs[jobs]
    tried = [event.trial.settings for event in of_kind(TrialCompleted, recorded(store))]
    assert {settings["training.batch_size"] for settings in tried} > {32}
    assert len({settings["optimizer.weight_decay"] for settings in tried}) > 1
    assert len({settings["training.clip_norm"] for settings in tried}) > 1
    model = curriculum.load("last", store=store)
    assert weights_sha256(model) == result.weights_sha256
    folder = Store(store).find("last")
    OptunaDestination(str(store / "studies.journal")).open(folder).copy()
    assert any(importances(visit) for visit in History.of(folder).visits)


@pytest.mark.slow
def test_jobs_change_nothing(searched_runs: SearchedRuns) -> None:
    (store, one), (other_store, other) = searched_runs[1], searched_runs[2]
    assert len({stage.hidden_size for stage in one.stages} | {8}) > 1
    assert one.weights_sha256 == other.weights_sha256
    assert one.steps == other.steps
    assert recorded(store) == recorded(other_store)


def test_the_clock_advances_within_a_search(tiny: Experiment, store: Path) -> None:
    run(tuned(tiny), store)
    found = [record for record, _ in read_journal(Store(store).find("last").journal)]
    seconds = [record.clock.seconds for record in found]
    assert seconds == sorted(seconds)
    of_trials = [r.clock.seconds for r in found if isinstance(r.event, TrialEvaluated)]
    assert len(set(of_trials)) > 5


def test_a_storage_that_cannot_be_reached_is_reported_before_anything_is_run(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STORAGE_VARIABLE, "sqlite:////nowhere/at/all.db")
    with pytest.raises(UsageError, match="can't be reached"):
        run(tuned(tiny), store)
    assert not store.exists()
    assert run(tiny, store).status == "reached"  # without trials there is nothing to store


@pytest.mark.exhaustive
@pytest.mark.parametrize("net", ["lstm", "gru"])
def test_a_carried_state_is_kept_by_trials_in_other_processes(net: Net, store: Path) -> None:
    experiment = Experiment(
        task=HumanNumbers(),
        model=LanguageModel(net=net, hidden_size=4, carries_state=True),
        growth=Explicit(lengths=(20,), vocab_sizes=(38,)),
        criterion=Mastery(threshold=0.2, metric="symbol_accuracy"),
        optimizer=Adam(learning_rate=3e-3),
        training=Training(batch_size=16, eval_every=8),
        budget=Budget(steps_per_stage=24),
        tuning=Tuning(mode="each", trials=4, learning_rate=(1e-3, 1e-1), hidden_size=(4, 8)),
        name="words",
    )
    one, two = (run(experiment, store, jobs=jobs) for jobs in (1, 2))
    assert one.weights_sha256 == two.weights_sha256
    assert one.compute == two.compute
