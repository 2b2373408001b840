"""What is left of a run that was deleted: nothing, and all of the others."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journals_by_hand import describe
from mlflow_copies import client_of, destinations_in, rows_of, sync
from servers import free_port

import curriculum
from curriculum import Adam, Experiment, Geometric, Mastery, Stage, Tuning, UsageError
from curriculum.cli.main import main
from curriculum.models import Recurrent
from curriculum.processes import HOST
from curriculum.record import Lock, RunCopies, RunFolder, Store, delete_run
from curriculum.tasks import FirstBit
from curriculum.tracking import (
    TRACKING_URI_VARIABLE,
    LocalDatabase,
    is_synced,
    local_tracking_uri,
    sync_run,
)
from curriculum.tracking.addresses import RUN_TAG
from curriculum.tune import STORAGE_VARIABLE, StoredStudies, local_storage
from curriculum.tune.storage import close_storage, open_storage


@pytest.fixture(autouse=True)
def _own_studies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORAGE_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def mirrored(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[Path], Path]
) -> Path:
    """A store with two tuned runs of one experiment, both in MLflow and in Optuna's storage."""
    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Geometric(start=Stage(2), end=Stage(3)),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=1e-5),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), trials=4),
        name="tiny:variant",
    )
    root = tmp_path_factory.mktemp("mirrored")
    new_database(root)
    store = Store(root)
    for seed in (0, 1):
        result = curriculum.run(experiment, seed, store=root, mirror=False)
        sync(store, store.find(result.run_id), plots=seed == 0)
        (store.mirrors / f"{result.run_id}.log").write_text("a line of the mirror's log")
    return root


@pytest.fixture
def two(mirrored: Path, store: Path) -> tuple[Store, RunFolder, RunFolder]:
    """A copy of that store, where artifacts are still known by their first addresses."""
    shutil.copytree(mirrored, store)
    first, second = Store(store).runs()
    return Store(store), first, second


@pytest.fixture
def rm(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Deletes a run by the command line, and gives its remarks."""

    def delete(folder: RunFolder, **options: str) -> list[str]:
        store = folder.path.parents[1]
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        assert main(["rm", folder.id, "--yes", "--store", str(store), *words]) == 0
        out, err = capsys.readouterr()
        deleted, *remarks = out.splitlines()
        assert deleted == f"Deleted run {folder.id}"
        assert not err
        return remarks

    return delete


def ids_of(store: Store, run_id: str) -> set[str]:
    """What MLflow calls a run: its parent run, its children and their models."""
    with closing(sqlite3.connect(store.root / "mlflow.db")) as database:
        runs = database.execute("SELECT run_uuid FROM tags WHERE value = ?", (run_id,)).fetchall()
        models = database.execute("SELECT model_id, source_run_id FROM logged_models").fetchall()
    found = {run for (run,) in runs}
    return found | {model for model, source in models if source in found}


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def studies_in(url: str) -> set[str]:
    """Whose studies a storage holds, by the runs' ids; a user's own have no such id."""
    storage = open_storage(url)
    found = {study.user_attrs.get("run", "") for study in storage.get_all_studies()}
    close_storage(storage)
    return found


class Broken:
    """A place that fails."""

    name = "a place that is away"

    def delete(self, run_id: str) -> str | None:
        raise ConnectionError("no answer from http://user:secret@host")


def make_run(store: Path, seed: int) -> RunFolder:
    """A run that no mirror has seen."""
    return Store(store).create(describe(experiment="tiny", seed=seed))


@pytest.fixture
def folder(store: Path) -> RunFolder:
    return make_run(store, 0)


def test_a_run_that_was_never_mirrored_leaves_nothing(
    folder: RunFolder,
    store: Path,
    rm: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = make_run(store, 1)
    kept = files(other.path)
    for copies in ("tracking.LocalDatabase", "tracking.RemoteTrash", "tune.StoredStudies"):
        monkeypatch.setattr(f"curriculum.{copies}", None)  # no place is opened
    assert rm(folder) == []
    assert files(store) == {f"runs/{other.id}/{name}": content for name, content in kept.items()}


def test_a_damaged_run_is_deleted_too(
    folder: RunFolder, store: Path, rm: Callable[..., list[str]]
) -> None:
    (folder.path / "run.json").write_text("{")
    (folder.path / "journal.jsonl").write_text("nonsense")
    assert rm(folder) == []
    assert not files(store)


def test_a_run_that_another_process_holds_is_not_deleted(
    folder: RunFolder, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Lock(folder.writer) as writer:
        assert writer.acquire()
        with pytest.raises(UsageError, match=f"run {folder.id} is running in another process"):
            delete_run(Store(store), folder, [])
        assert main(["rm", folder.id, "--yes", "--store", str(store)]) == 2
    assert f"run {folder.id} is running; stop it first" in capsys.readouterr().err
    assert folder.description()


def test_a_run_that_is_being_copied_is_not_deleted(
    folder: RunFolder,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("curriculum.record.deletion.WAITING_SECONDS", 0.05)
    monkeypatch.setattr("curriculum.record.deletion.NOTICE_SECONDS", 0.0)
    Store(store).mirrors.mkdir()
    with Lock(Store(store).mirrors / f"{folder.id}.lock") as mirror:
        assert mirror.acquire()
        with pytest.raises(UsageError, match=f"run {folder.id} is being copied into MLflow"):
            delete_run(Store(store), folder, [])
    assert caplog.messages == [f"run {folder.id} is still being copied into MLflow; waiting"]
    assert folder.description()
    assert delete_run(Store(store), folder, []) == []
    assert not files(store)


def test_where_a_place_fails_the_run_is_kept_and_no_mark_says_that_it_is_copied(
    folder: RunFolder, store: Path
) -> None:
    mark = Store(store).mirrors / f"{folder.id}.json"
    mark.parent.mkdir()
    mark.write_text("{}")
    with pytest.raises(UsageError, match=r"from a place that is away .* can be repeated") as caught:
        delete_run(Store(store), folder, [Broken()])
    assert "secret" not in str(caught.value)
    assert folder.description()
    assert not mark.exists()


def test_what_a_deletion_that_was_killed_left_goes_with_the_next(
    folder: RunFolder, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("curriculum.record.deletion.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            delete_run(Store(store), folder, [])
    assert files(store)
    assert Store(store).runs() == []
    other = make_run(store, 1)
    delete_run(Store(store), other, [])
    assert not files(store)


def test_one_run_that_fails_keeps_no_other(
    folder: RunFolder,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = make_run(store, 1)
    monkeypatch.setattr("curriculum.record.deletion.WAITING_SECONDS", 0.05)
    Store(store).mirrors.mkdir()
    with Lock(Store(store).mirrors / f"{folder.id}.lock") as mirror:
        assert mirror.acquire()
        assert main(["prune", "--all", "--yes", "--store", str(store)]) == 2
    out, err = capsys.readouterr()
    assert out == f"Deleted run {other.id}\n"
    assert err.count("\n") == 1
    assert f"run {folder.id} is being copied" in err
    assert [one.id for one in Store(store).runs()] == [folder.id]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--tracking-uri", "sqlite:///nowhere.db"),
        ("--tracking-uri", "nowhere"),
        ("--optuna-storage", "sqlite:////no/where.db?timeout=3"),
        ("--optuna-storage", "nowhere.journal"),
    ],
)
def test_a_file_that_is_given_has_to_be_there(
    folder: RunFolder,
    option: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder.path)
    before = files(folder.path)
    store = str(folder.path.parents[1])
    assert main(["rm", "last", "--yes", "--store", store, option, value]) == 2
    assert "so nothing is deleted" in capsys.readouterr().err
    assert files(folder.path) == before


def test_a_database_that_is_damaged_deletes_nothing(
    folder: RunFolder, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (store / "mlflow.db").write_text("this is no database, but it is long enough for one" * 30)
    before = files(store)
    with pytest.raises(UsageError, match=r"mlflow.db can't be read .*, so nothing is deleted"):
        LocalDatabase(Store(store))
    assert main(["rm", folder.id, "--yes", "--store", str(store)]) == 2
    assert "so nothing is deleted" in capsys.readouterr().err
    assert files(store) == before


def test_an_empty_database_holds_nothing_of_a_run(
    folder: RunFolder, store: Path, rm: Callable[..., list[str]]
) -> None:
    (store / "mlflow.db").touch()
    assert rm(folder) == []
    assert not folder.path.exists()


class TestInMLflow:
    """Of runs that lie in MLflow's database and in Optuna's storage."""

    pytestmark = pytest.mark.slow

    def test_nothing_of_a_run_is_left_and_all_of_another(
        self,
        two: tuple[Store, RunFolder, RunFolder],
        mirrored: Path,
        rm: Callable[..., list[str]],
    ) -> None:
        from optuna import create_study

        store, gone, kept = two
        database = store.root / "mlflow.db"
        storage = open_storage(local_storage(store))
        create_study(storage=storage, study_name="a user's own")
        close_storage(storage)
        ids, others = ids_of(store, gone.id), ids_of(store, kept.id)
        assert len(ids) >= 4  # the parent run, two visits and the model
        before, artifacts = rows_of(database), files(store.root / "artifacts")
        original = files(mirrored)
        assert studies_in(local_storage(store)) == {gone.id, kept.id, ""}

        assert rm(gone) == []

        after = rows_of(database)
        for name in {*ids, gone.id}:
            assert name not in str(after), name
        for table, found in before.items():
            assert after[table] <= found, table
            lost = str(found - after[table])
            assert not any(name in lost for name in {*others, kept.id}), table
        assert before["experiments"] == after["experiments"]
        left = [path.name for path in (store.root / "artifacts").rglob("*")]
        assert not ids & set(left)
        assert files(store.root / "artifacts") == {
            name: content
            for name, content in artifacts.items()
            if not any(one in name for one in ids)
        }
        assert studies_in(local_storage(store)) == {kept.id, ""}
        assert [path.name for path in store.mirrors.glob(f"{gone.id}*")] == []
        assert not list(store.runs_folder.glob(f"*{gone.id}*"))
        assert (store.mirrors / f"{kept.id}.json").exists()
        assert files(mirrored) == original  # though its artifacts' addresses are in this database

    def test_a_run_can_be_copied_anew_where_its_deletion_was_cut_short(
        self, two: tuple[Store, RunFolder, RunFolder], rm: Callable[..., list[str]]
    ) -> None:
        store, cut, _ = two
        copies: list[RunCopies] = [
            LocalDatabase(store),
            StoredStudies(local_storage(store)),
            Broken(),
        ]
        with pytest.raises(UsageError, match="can be repeated"):
            delete_run(store, cut, copies)
        assert not ids_of(store, cut.id)
        assert not is_synced(store, cut, destinations_in(store))
        with closing(sqlite3.connect(store.root / "mlflow.db")) as database:  # no longer another's
            artifacts = (store.root / "artifacts" / "anew").as_uri()
            database.execute("UPDATE experiments SET artifact_location = ?", (artifacts,))
            database.commit()
        sync(store, cut)
        assert is_synced(store, cut, destinations_in(store))
        assert len(ids_of(store, cut.id)) >= 4
        assert files(store.root / "artifacts" / "anew")
        assert rm(cut) == []
        assert not ids_of(store, cut.id)
        assert not files(store.root / "artifacts" / "anew")

    def test_the_trash_is_emptied_of_the_run_and_of_nothing_else(
        self, two: tuple[Store, RunFolder, RunFolder], rm: Callable[..., list[str]]
    ) -> None:
        store, gone, kept = two
        client = client_of(store)
        trashed, others = ids_of(store, gone.id), ids_of(store, kept.id)
        for name in trashed | others:
            if name.startswith("m-"):
                client.delete_logged_model(name)
            else:
                client.delete_run(name)
        foreign = client.create_experiment("foreign", str(store.root / "artifacts" / "foreign"))
        client.create_run(foreign)
        client.delete_experiment(foreign)
        assert rm(gone) == []
        after = str(rows_of(store.root / "mlflow.db"))
        assert not any(name in after for name in trashed)
        assert all(name in after for name in others)
        assert "foreign" in after

    def test_a_damaged_run_is_found_by_its_id(
        self, two: tuple[Store, RunFolder, RunFolder], rm: Callable[..., list[str]]
    ) -> None:
        store, gone, kept = two
        (gone.path / "run.json").write_text("{}")
        assert rm(gone) == []
        assert not ids_of(store, gone.id)
        assert ids_of(store, kept.id)
        assert studies_in(local_storage(store)) == {kept.id}

    def test_another_mlflow_keeps_it_in_its_trash(
        self,
        two: tuple[Store, RunFolder, RunFolder],
        new_database: Callable[[Path], Path],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        rm: Callable[..., list[str]],
    ) -> None:
        store, gone, kept = two
        uri = f"sqlite:///{new_database(tmp_path / 'other')}"
        url = f"sqlite:///{tmp_path}/studies.db"
        monkeypatch.chdir(store.root)  # where such a database keeps its artifacts
        for one in (gone, kept):
            sync_run(store, one, elsewhere(store, uri, url))
        [remark] = rm(gone, tracking_uri=uri, optuna_storage=url)
        assert remark == f"MLflow at {uri} keeps it in its trash, until 'mlflow gc' is run there"
        assert active_in(uri) == {kept.id}
        assert studies_in(url) == {kept.id}
        assert not ids_of(store, gone.id)  # where `ui` copied it besides
        assert studies_in(local_storage(store)) == {kept.id}
        assert rm(kept, tracking_uri=local_tracking_uri(store), optuna_storage=url) == []
        assert active_in(uri) == {kept.id}

    def test_where_the_run_was_copied_is_known_where_nothing_is_given(
        self,
        two: tuple[Store, RunFolder, RunFolder],
        new_database: Callable[[Path], Path],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        rm: Callable[..., list[str]],
    ) -> None:
        store, gone, _ = two
        uri = f"sqlite:///{new_database(tmp_path / 'other')}"
        url = str(tmp_path / "other.journal")
        monkeypatch.chdir(store.root)
        gone.describe(replace(gone.description(), tracking_uri=uri, optuna_storage=url))
        sync_run(store, gone, elsewhere(store, uri, url))
        assert active_in(uri) == studies_in(url) == {gone.id}
        [remark] = rm(gone)
        assert remark.startswith(f"MLflow at {uri} keeps it")
        assert active_in(uri) == set()
        assert studies_in(url) == set()

    def test_mlflow_away_is_a_sentence_and_deletes_nothing(
        self,
        two: tuple[Store, RunFolder, RunFolder],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        store, gone, _ = two
        port = free_port()
        before = files(store.root)
        monkeypatch.setenv(TRACKING_URI_VARIABLE, f"http://user:secret@{HOST}:{port}")
        assert main(["rm", gone.id, "--yes", "--store", str(store.root)]) == 2
        out, err = capsys.readouterr()
        assert f"MLflow at http://{HOST}:{port} can't be reached" in err
        assert "nothing is deleted" in err
        assert "secret" not in err
        assert err.count("\n") == 1
        assert not out
        assert files(store.root) == before


def elsewhere(store: Store, uri: str, url: str) -> Any:
    """Another MLflow and another storage; plots are left out."""
    return replace(destinations_in(store, uri), optuna_storage=url)


def active_in(uri: str) -> set[str]:
    """Which runs an MLflow shows, by our ids."""
    from mlflow.tracking import MlflowClient

    client: Any = MlflowClient(uri)
    experiments = [found.experiment_id for found in client.search_experiments()]
    models = client.search_logged_models(experiments)
    runs = client.search_runs(experiments)
    shown = {run.info.run_id: run.data.tags[RUN_TAG] for run in runs}
    assert {model.source_run_id for model in models} <= set(shown)
    return set(shown.values())
