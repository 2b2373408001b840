"""What is no file in the place of MLflow's database is one sentence, at once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import call
from interrupted_runs import (
    StoppedRun,
)


def loop(path: Path) -> None:
    path.symlink_to(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def linked_nowhere(path: Path) -> None:
    path.symlink_to(path.with_name("none"))


@pytest.mark.parametrize("make", [loop, device, linked_nowhere, os.mkfifo, Path.mkdir])
def test_what_is_no_file_is_told_at_once(
    make: Callable[[Path], None],
    stopped_run: StoppedRun,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = stopped_run.copied(tmp_path / "store")
    make(run.root / "mlflow.db")
    assert call("sync", "last", "--store", run.root) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"MLflow's database {run.root / 'mlflow.db'} is no file" in err
    assert call("check", run.root) == 0
    assert "not copied" in capsys.readouterr().out
    assert not (run.root / "none").exists()


def test_a_database_may_be_a_link_to_one_elsewhere(
    stopped_run: StoppedRun, tmp_path: Path, new_database: Callable[[Path], Path]
) -> None:
    run = stopped_run.copied(tmp_path / "store")
    elsewhere = new_database(tmp_path / "elsewhere")
    (run.root / "mlflow.db").symlink_to(elsewhere)
    assert call("sync", "last", "--store", run.root) == 0
    shutil.rmtree(run.root / "mirrors")
    assert call("sync", "last", "--store", run.root) == 0
