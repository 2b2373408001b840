"""A run's mirror beside it, and what becomes of a copy whose destination is away."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    KilledHere,
    kill_at,
)
from mlflow_copies import client_of, copy_of, destinations_in, sync
from servers import free_port

import curriculum
from curriculum import Adam, Experiment, Explicit, Tuning, UsageError
from curriculum.cli.sync import destinations
from curriculum.processes import HOST, python_command
from curriculum.record import Store
from curriculum.tracking import is_synced, start_mirror, sync_run

pytestmark = pytest.mark.slow


@pytest.fixture
def mirrors(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The mirrors that runs start; what is left of them in the end is killed."""
    found: list[subprocess.Popen[bytes]] = []

    def start(*arguments: Any) -> subprocess.Popen[bytes]:
        found.append(start_mirror(*arguments))
        return found[-1]

    monkeypatch.setattr("curriculum.tracking.start_mirror", start)
    yield found
    for process in found:
        process.kill()
        process.wait()


def test_mlflow_away_is_a_sentence_and_costs_nothing(
    tiny: Experiment, mlflow_store: Path, mirrors: list[subprocess.Popen[bytes]]
) -> None:
    port = free_port()
    uri = f"http://user:secret@{HOST}:{port}"
    result = curriculum.run(tiny, store=mlflow_store, tracking_uri=uri)
    mirrors[0].kill()
    mirrors[0].wait()
    assert result.status == "reached"
    undisturbed = curriculum.run(tiny, store=mlflow_store / "other", mirror=False)
    assert result.weights_sha256 == undisturbed.weights_sha256
    store = Store(mlflow_store)
    folder = store.find("last")
    with pytest.raises(UsageError, match="can't be brought up to date") as caught:
        sync(store, folder, uri)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not is_synced(store, folder, destinations_in(store, uri))
    sync(store, folder)
    assert is_synced(store, folder, destinations_in(store))


def test_the_mirror_of_a_killed_run_marks_it_so(
    tiny: Experiment, mlflow_store: Path, mirrors: list[subprocess.Popen[bytes]]
) -> None:
    with pytest.raises(KilledHere):
        curriculum.run(tiny, store=mlflow_store, listener=kill_at(3))
    assert mirrors[0].wait() == 0
    store = Store(mlflow_store)
    folder = store.find("last")
    assert is_synced(store, folder, destinations_in(store))
    parent, children = copy_of(store, folder)
    assert parent.info.status == "KILLED"
    assert [run.data.tags["verdict"] for run in children] == ["learning"]
    assert [run.info.status for run in children] == ["KILLED"]


@pytest.mark.exhaustive
def test_a_run_whose_process_is_killed_is_marked_so(store: Path) -> None:
    command = ["run", "lstm_firstbit", "--store", str(store), "--criterion.min-steps", "90000"]
    process = subprocess.Popen(
        python_command("-m", "curriculum", *command, "--budget.steps-per-stage", "100000"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    one = Store(store)
    assert until(lambda: bool(one.runs()) and one.runs()[0].journal_bytes > 2000)
    folder = one.find("last")
    process.kill()
    process.wait()
    assert until(lambda: is_synced(one, folder, destinations_in(one)))
    parent, children = copy_of(one, folder)
    assert parent.info.status == "KILLED"
    assert [run.data.tags["verdict"] for run in children] == ["learning"]
    assert [run.info.status for run in children] == ["KILLED"]


def until(condition: Callable[[], bool], seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def test_a_storage_that_is_away_keeps_nothing_from_mlflow(
    tiny: Experiment, mlflow_store: Path
) -> None:
    experiment = tiny.replace(
        growth=Explicit(lengths=(2,)),
        optimizer=Adam(learning_rate=1e-5),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), trials=8),
    )
    curriculum.run(experiment, store=mlflow_store, mirror=False)
    store = Store(mlflow_store)
    folder = store.find("last")
    away = destinations(store, None, "sqlite:////proc/nowhere/at/all.db")
    with pytest.raises(UsageError, match=r"Optuna's storage sqlite.*can't be brought up to date"):
        sync_run(store, folder, away)
    assert not is_synced(store, folder, away)
    client = client_of(store)
    experiments = [found.experiment_id for found in client.search_experiments()]
    statuses = [run.info.status for run in client.search_runs(experiments)]
    assert statuses
    assert set(statuses) == {"FINISHED"}


@pytest.mark.exhaustive  # as one does in `test_packaging`, with less to check
def test_a_runs_mirror_copies_it_by_itself_into_a_database_that_it_makes(
    tiny: Experiment, store: Path
) -> None:
    result = curriculum.run(tiny, store=store, wait=True)
    one = Store(store)
    assert is_synced(one, one.find(result.run_id), destinations_in(one))


@pytest.mark.parametrize("target", ["/dev/zero", "outside"])
def test_nothing_but_a_runs_own_files_is_copied(
    tiny: Experiment, mlflow_store: Path, tmp_path: Path, target: str
) -> None:
    curriculum.run(tiny, store=mlflow_store, mirror=False)
    store = Store(mlflow_store)
    folder = store.find("last")
    (tmp_path / "outside").write_text("a secret")
    weights = folder.checkpoint_folders()[-1] / "model.safetensors"
    weights.unlink()
    weights.symlink_to(tmp_path / target)  # an absolute target stays one
    with pytest.raises(UsageError, match=r"model\.safetensors is a symbolic link") as caught:
        sync(store, folder)
    assert "\n" not in str(caught.value)
    copied = [path for path in (mlflow_store / "artifacts").rglob("*") if path.is_file()]
    assert not [path for path in copied if b"a secret" in path.read_bytes()]
