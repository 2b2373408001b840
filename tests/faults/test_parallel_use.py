"""One store is used by many at once: runs with their mirrors, and several copies of one run."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from command_line import TINY
from interrupted_runs import (
    events,
)
from mlflow_copies import NewDatabase, check_in_mlflow, copy_of

from curriculum.record import Lock, RunFolder, Store
from curriculum.tracking import was_copied


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where commands are carried out."""
    (tmp_path / "mine.py").write_text(TINY)
    return tmp_path


def at_once(commands: Sequence[Sequence[object]], folder: Path) -> list[str]:
    """Carry out commands side by side; what each prints to stderr."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "curriculum", *map(str, words)],
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words in commands
    ]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), errors
    return errors


def check_runs_at_once(count: int, folder: Path, new_database: NewDatabase) -> None:
    root = folder / "store"
    new_database(root)
    run = ("run", "mine.py", "--wait", "--store", root, "--seed")
    errors = at_once([(*run, seed) for seed in range(count)], folder)
    store = Store(root)
    runs = store.runs()
    assert sorted(each.description().seed for each in runs) == [*range(count)]
    for each in runs:
        assert was_copied(store, each)
        parent, children = copy_of(store, each)
        assert parent.info.status == "FINISHED"
        assert len(children) == Counter(type(e).__name__ for e in events(each))["VisitStarted"]
        log = store.mirror_file(each, "log")
        assert "locked" not in (log.read_text() if log.exists() else "")
    assert not any("locked" in error for error in errors)
    check_in_mlflow(root, new_database)  # of the last one, all


@pytest.mark.slow
def test_runs_at_once_are_all_whole_in_mlflow(folder: Path, new_database: NewDatabase) -> None:
    check_runs_at_once(4, folder, new_database)


@pytest.mark.exhaustive
def test_twelve_runs_at_once_are_all_whole_in_mlflow(
    folder: Path, new_database: NewDatabase
) -> None:
    check_runs_at_once(12, folder, new_database)


@pytest.mark.slow
def test_one_run_is_copied_by_two_at_once_and_is_there_once(
    recorded: RunFolder, folder: Path, new_database: NewDatabase
) -> None:
    root = recorded.path.parents[1]
    words = ("sync", recorded.id, "--store", root)
    with Lock(Store(root).mirror_file(recorded, "lock")) as lock:
        assert lock.acquire()  # so that both have to wait, and go on at once
        threading.Timer(6.0, lock.release).start()
        errors = at_once([words, words], folder)
    assert not any("locked" in error for error in errors)
    assert was_copied(Store(root), recorded)
    check_in_mlflow(root, new_database)


@pytest.fixture
def recorded(folder: Path, new_database: NewDatabase) -> RunFolder:
    """A run that is over, in a store with an empty database."""
    import curriculum

    root = folder / "store"
    new_database(root)
    curriculum.run(str(folder / "mine.py"), 3, store=root, mirror=False)
    return Store(root).find("last")
