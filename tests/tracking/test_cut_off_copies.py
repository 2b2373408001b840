"""What a copy that was cut off has left in MLflow is completed by the next, and nothing is there twice."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mlflow_copies import NewDatabase, copy_of, destinations_in, in_mlflow, rows_of, sync

import curriculum
from curriculum import Experiment, UsageError
from curriculum.record import RunFolder, Store
from curriculum.tracking import is_synced
from curriculum.tracking.addresses import NOTE_TAG
from curriculum.tracking.notes import WRITTEN_TAG

pytestmark = pytest.mark.slow

Copied = tuple[Store, RunFolder]


@pytest.fixture(scope="module")
def copied(
    tiny: Experiment, tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> Copied:
    """A run of a small path, copied into MLflow."""
    root = tmp_path_factory.mktemp("store")
    new_database(root)
    curriculum.run(tiny, 3, store=root, mirror=False)
    store = Store(root)
    folder = store.find("last")
    sync(store, folder, plots=True)
    return store, folder


@contextmanager
def failing(method: str) -> Iterator[None]:
    """A context in which a method of MLflow's client fails."""
    from mlflow.tracking import MlflowClient

    def fail(*_: object, **__: object) -> None:
        raise OSError("gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowClient, method, fail)
        yield


def unchanging(database: Path) -> dict[str, set[str]]:
    """All that MLflow holds of runs, apart from the time of a change."""
    tables = ("runs", "params", "tags", "metrics", "latest_metrics", "logged_models")
    found = rows_of(database)
    return {table: found[table] for table in tables}


def test_copying_again_adds_nothing(copied: Copied) -> None:
    store, folder = copied
    database = store.root / "mlflow.db"
    before = unchanging(database)
    assert is_synced(store, folder, destinations_in(store))
    sync(store, folder, plots=True)
    assert unchanging(database) == before


def test_a_copy_cut_short_is_completed(
    copied: Copied,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    new_database: NewDatabase,
) -> None:
    store, folder = copied
    other = new_database(tmp_path / "other")
    monkeypatch.chdir(tmp_path)  # where such a database keeps its artifacts
    for method in ("log_batch", "log_artifacts", "log_model_artifacts", "set_terminated"):
        with failing(method), pytest.raises(UsageError, match="gone"):
            sync(store, folder, f"sqlite:///{other}")
    sync(store, folder, f"sqlite:///{other}")
    found, original = rows_of(other), rows_of(store.root / "mlflow.db")
    for table in ("runs", "params", "metrics", "logged_models"):
        assert len(found[table]) == len(original[table]), table


def test_a_checkpoint_that_a_kill_cut_off_in_mlflow_is_copied_whole(copied: Copied) -> None:
    store, folder = copied
    run = copy_of(store, folder)[0].info.run_id
    (path,) = store.root.glob(f"artifacts/*/{run}/artifacts/checkpoints/000002/model.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    sync(store, folder)
    assert path.read_bytes() == whole


def test_what_a_kill_left_of_plots_in_mlflow_is_deleted(copied: Copied) -> None:
    store, folder = copied
    run = copy_of(store, folder)[0].info.run_id
    (plots,) = store.root.glob(f"artifacts/*/{run}/artifacts/plots")
    mine = plots.parents[2] / "mine" / "artifacts" / ".artifact.uploading.x"
    mine.parent.mkdir(parents=True)
    for path in (plots / ".artifact.uploading.abc", plots.parent / ".artifact.uploading.d", mine):
        path.write_text("")
    sync(store, folder)
    assert [*store.root.rglob(".artifact.uploading.*")] == [mine]
    shutil.rmtree(mine.parents[1])


def test_a_model_that_a_kill_left_without_its_run_is_linked_once(
    copied: Copied,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    new_database: NewDatabase,
) -> None:
    store, folder = copied
    other = f"sqlite:///{new_database(tmp_path / 'other')}"
    monkeypatch.chdir(tmp_path)
    for method in ("log_outputs", "finalize_logged_model"):
        with failing(method), pytest.raises(UsageError, match="gone"):
            sync(store, folder, other)
    sync(store, folder, other)
    found, original = rows_of(tmp_path / "other" / "mlflow.db"), rows_of(store.root / "mlflow.db")
    for table in ("inputs", "logged_models", "tags"):
        assert len(found[table]) == len(original[table]), table


def test_a_note_is_written_together_with_what_tells_it_from_a_users(
    copied: Copied,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    new_database: NewDatabase,
) -> None:
    """A kill between the two would leave a note that no later copy dares to replace."""
    from mlflow.tracking import MlflowClient

    written: list[set[str]] = []
    log_batch, set_tag = MlflowClient.log_batch, MlflowClient.set_tag

    def batch(client: Any, run: str, *arguments: Any, tags: Any = (), **more: Any) -> None:
        written.append({tag.key for tag in tags})
        log_batch(client, run, *arguments, tags=tags, **more)

    def single(client: Any, run: str, key: str, value: Any) -> None:
        written.append({key})
        set_tag(client, run, key, value)

    monkeypatch.setattr(MlflowClient, "log_batch", batch)
    monkeypatch.setattr(MlflowClient, "set_tag", single)
    store, folder = copied
    uri = f"sqlite:///{new_database(tmp_path / 'other')}"
    monkeypatch.chdir(tmp_path)
    sync(store, folder, uri)
    notes = [keys for keys in written if NOTE_TAG in keys]
    assert notes
    assert all(WRITTEN_TAG in keys for keys in notes)
    assert WRITTEN_TAG in in_mlflow(store, folder, uri)["parent"][4]
