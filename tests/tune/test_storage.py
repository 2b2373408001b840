"""The studies' copy in a real Optuna storage, and its dashboard."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from servers import free_port, running

import curriculum
from curriculum import (
    Adam,
    Backtracking,
    Budget,
    Experiment,
    Explicit,
    Mastery,
    Tuning,
    UsageError,
)
from curriculum.models import Recurrent
from curriculum.record import (
    CompletedTrial,
    History,
    RunFolder,
    Store,
    TrialCompleted,
    read_journal,
)
from curriculum.tasks import FirstBit
from curriculum.tune import OptunaDestination, check_storage, dashboard_server, importances
from curriculum.tune.storage import close_storage, open_storage
from curriculum.tune.studies_copy import study_name

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that searched two stages, the second of them twice."""
    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=(2, 20)),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=1e-5),
        budget=Budget(steps_per_stage=12),
        backtracking=Backtracking(half_steps=0, demotions=0, fresh_starts=0),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=6),
        name="tiny",
    )
    store = tmp_path_factory.mktemp("searched")
    curriculum.run(experiment, store=store, mirror=False)
    found = Store(store).find("last")
    assert [visit.retuning for visit in History.of(found).visits] == [False, False, True]
    return found


@contextmanager
def studies(url: str) -> Iterator[list[optuna.Study]]:
    storage = open_storage(url)
    names = [study.study_name for study in storage.get_all_studies()]
    yield [optuna.load_study(study_name=name, storage=storage) for name in sorted(names)]
    close_storage(storage)


def trials_by_study(folder: RunFolder) -> dict[int, list[CompletedTrial]]:
    """What the journal holds of each study."""
    found: dict[int, list[CompletedTrial]] = {}
    for record, _ in read_journal(folder.journal):
        if isinstance(record.event, TrialCompleted):
            found.setdefault(record.event.study, []).append(record.event.trial)
    return found


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_each_search_has_a_study_with_its_trials_and_copying_again_adds_none(
    folder: RunFolder, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "studies.journal"
    url = str(path) if kind == "journal" else f"sqlite:///{tmp_path / 'studies.db'}"
    for _ in range(2):
        copy = OptunaDestination(url).open(folder)
        copy.copy()
        copy.copy()
        copy.close("stopped")
    history = History.of(folder)
    recorded = trials_by_study(folder)
    stages = {visit.number: visit.stage for visit in history.visits}
    names = [study_name(history.description, study, stages[study]) for study in recorded]
    with studies(url) as found:
        assert [study.study_name for study in found] == names
        assert len(names) == 2
        for study, trials in zip(found, recorded.values(), strict=True):
            assert [trial.number for trial in study.trials] == [trial.number for trial in trials]
            for ours, theirs in zip(trials, study.trials, strict=True):
                rate = ours.settings["optimizer.learning_rate"]
                assert theirs.params["learning_rate"] == rate
                assert theirs.user_attrs["outcome"] == ours.outcome
                cut_short = ours.outcome in ("overtaken", "stopped", "diverged")
                assert theirs.state is getattr(TrialState, "PRUNED" if cut_short else "COMPLETE")
                assert theirs.last_step == ours.steps
                assert theirs.intermediate_values[ours.steps] == ours.score
                assert theirs.duration is not None
                assert theirs.duration.total_seconds() > 0
            assert study.metric_names == ["exact_match (above 1: mastered, at less cost)"]
            outcomes = {"mastered", "exhausted"}  # of those that ran to their end
            assert study.best_trial.user_attrs["outcome"] in outcomes


def test_a_run_without_trials_leaves_no_storage(tiny: Experiment, store: Path) -> None:
    curriculum.run(tiny, store=store, mirror=False)
    path = store / "studies.journal"
    OptunaDestination(str(path)).open(Store(store).find("last")).copy()
    assert not path.exists()


def test_importances_sum_to_one_and_take_a_few_trials(folder: RunFolder) -> None:
    visits = [visit for visit in History.of(folder).visits if visit.trials]
    found = importances(visits[-1])
    assert sum(found.values()) == pytest.approx(1)
    few = visits[-1]
    few.trials = few.trials[:2]
    assert importances(few) == {}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nowhere/at/all.journal", "can't be written: there is no folder nowhere/at"),
        ("sqlite:////nowhere/at/all.db", "can't be reached"),
        ("postgresql://me:secret@127.0.0.1:9/x", "can't be reached"),
        ("nonsense://x", "can't be reached"),
    ],
)
def test_a_storage_that_cannot_be_reached_is_refused_in_a_sentence(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        check_storage(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"pip install 'curriculum\[postgresql\]'") as caught:
        check_storage("postgresql://me:secret@127.0.0.1:9/x")
    assert "secret" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(UsageError, match="redis"):
        check_storage("redis://127.0.0.1:9/0")


def test_a_storage_that_can_be_reached_passes(tmp_path: Path) -> None:
    check_storage(str(tmp_path / "studies.journal"))
    check_storage(f"sqlite:///{tmp_path / 'studies.db'}")


@pytest.mark.slow
def test_the_dashboard_lists_the_studies(folder: RunFolder, tmp_path: Path) -> None:
    url = str(tmp_path / "studies.journal")
    OptunaDestination(url).open(folder).copy()
    with (
        running(dashboard_server(url, free_port()), "/api/studies") as address,
        urllib.request.urlopen(f"{address}/api/studies") as response,
    ):
        listed = json.load(response)
    names = {study["study_name"] for study in listed["study_summaries"]}
    with studies(url) as found:
        assert names == {study.study_name for study in found}
