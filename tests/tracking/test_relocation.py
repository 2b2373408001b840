"""A store that was moved or copied keeps its own MLflow, and leaves the other one alone."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow_copies import client_of, copy_of, destinations_in, sync

import curriculum
from curriculum import Experiment, UsageError
from curriculum.processes import python_command
from curriculum.record import Store
from curriculum.tracking import is_synced
from curriculum.tracking.relocation import relocate_artifacts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def original(
    tiny: Experiment, tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[Path], Path]
) -> Path:
    """A store with one run, copied into its MLflow, where a user has tagged and registered it."""
    root = tmp_path_factory.mktemp("moving") / "first"
    new_database(root)
    result = curriculum.run(tiny, store=root, mirror=False)
    store = Store(root)
    folder = store.find(result.run_id)
    sync(store, folder, plots=True)
    parent, _ = copy_of(store, folder)
    client = client_of(store)
    client.set_tag(parent.info.run_id, "mine", "a user's own")
    [model] = client.search_logged_models([parent.info.experiment_id])
    client.create_registered_model("kept")
    client.create_model_version("kept", model.artifact_location)
    return root


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Of all files, by name, the time and the content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def addresses(root: Path) -> set[str]:
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        found = database.execute(
            "SELECT artifact_location FROM experiments UNION SELECT artifact_uri FROM runs "
            "UNION SELECT artifact_location FROM logged_models UNION SELECT source FROM model_versions"
        )
        return {address for (address,) in found}


def sync_anew(root: Path) -> None:
    """Copy all of the run again, in a process that has not seen the store elsewhere, as MLflow remembers."""
    for path in (root / "mirrors").glob("*.json"):
        path.unlink()
    command = python_command("-m", "curriculum", "sync", "last", "--store", str(root))
    subprocess.run(command, check=True, capture_output=True)


def check_works(root: Path, mine: str = "a user's own") -> None:
    """The run is one in MLflow, with its tags and links, and its model is read from this store."""
    store = Store(root)
    [folder] = store.runs()
    sync_anew(root)
    parent, _ = copy_of(store, folder)
    assert parent.data.tags["mine"] == mine
    assert all(address.startswith(root.as_uri()) for address in addresses(root))
    client = client_of(store)
    assert client.get_model_version("kept", "1").source.startswith(root.as_uri())
    artifacts = client.list_artifacts(parent.info.run_id)
    assert {"plots", "checkpoints"} <= {found.path for found in artifacts}


def test_a_copy_is_synced_into_itself_and_the_original_is_left_alone(
    original: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(original, copy, symlinks=True)
    before = state(original)
    store = Store(copy)
    [folder] = store.runs()
    assert is_synced(store, folder, destinations_in(store))  # there is nothing new to copy
    check_works(copy)
    assert state(original) == before


def test_a_store_that_was_moved_does_not_come_back_where_it_was(
    original: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(original, first)
    check_works(first)
    first.rename(second)
    first.write_text("something else stands there now")
    check_works(second)
    assert first.read_text() == "something else stands there now"


def test_a_copied_run_is_another_one_in_mlflow(original: Path, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(original, root)
    store = Store(root)
    [first] = store.runs()
    shutil.copytree(first.path, first.path.with_name("other"))
    other = store.find("other")
    before, _ = copy_of(store, first)
    sync(store, other)
    after, _ = copy_of(store, first)
    assert after.info.run_id == before.info.run_id
    assert after.data.to_dictionary() == before.data.to_dictionary()
    copied, children = copy_of(store, other)
    assert copied.info.run_id != after.info.run_id
    assert copied.data.metrics == after.data.metrics
    assert len(children) == 3


def test_addresses_that_are_right_are_not_written(original: Path) -> None:
    before = state(original)
    relocate_artifacts(Store(original))
    assert state(original) == before


def test_nothing_in_a_store_names_its_place_but_mlflows_database(original: Path) -> None:
    place = str(original).encode()
    named = {
        path.name for path in original.rglob("*") if path.is_file() and place in path.read_bytes()
    }
    assert named <= {"mlflow.db"}


def test_a_database_that_cannot_be_read_is_one_sentence(store: Path) -> None:
    store.mkdir()
    (store / "mlflow.db").write_bytes(b"not a database" * 500)
    with pytest.raises(UsageError, match=r"mlflow\.db can't be read") as caught:
        relocate_artifacts(Store(store))
    assert "\n" not in str(caught.value)


def test_a_store_that_may_only_be_read_is_left_as_it_is(
    original: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(original, copy)
    before = addresses(copy)

    def read_only(path: Path, **more: Any) -> Any:
        return connect(f"{path.as_uri()}?mode=ro", uri=True, **more)

    connect = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:  # root may write any file
        patch.setattr("curriculum.tracking.relocation.sqlite3.connect", read_only)
        relocate_artifacts(Store(copy))
    assert "still names artifacts elsewhere" in caplog.text
    assert addresses(copy) == before
