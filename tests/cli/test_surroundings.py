"""Runs under odd surroundings: closed streams, raised warnings, `python -O`, a home for reading only."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import TINY
from mlflow_copies import copy_of

import curriculum
from curriculum.record import History, Store

pytestmark = pytest.mark.slow

RUN = "-m curriculum run mine.py --seed 1"


@pytest.mark.parametrize(
    "line",
    [
        f">&- {{python}} {RUN}",
        f"2>&- {{python}} {RUN}",
        f"<&- >&- 2>&- {{python}} {RUN}",
        f"{{python}} -O {RUN}",
        f"HOME=/proc/nowhere {{python}} {RUN}",
        f"PYTHONWARNINGS=error {{python}} {RUN}",
    ],
)
def test_a_run_ends_and_is_copied_into_mlflow(
    line: str, tmp_path: Path, mlflow_store: Path
) -> None:
    (tmp_path / "mine.py").write_text(TINY)
    command = line.format(python=shlex.quote(sys.executable))
    done = subprocess.run(
        ["sh", "-c", f"{command} --wait --store {shlex.quote(str(mlflow_store))}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    store = Store(mlflow_store)
    folder = store.find("last")
    assert History.of(folder).status() == "reached"
    parent, _ = copy_of(store, folder)
    assert parent.info.status == "FINISHED"


@pytest.mark.parametrize("command", ["list", "--version", "--help", "run --help"])
def test_what_a_closed_stream_would_take_goes_nowhere(command: str, tmp_path: Path) -> None:
    line = f"{shlex.quote(sys.executable)} -m curriculum {command} >&-"
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("home", ["HOME=/proc/nowhere", "-u HOME", "CURRICULUM_CACHE_DIR=/proc/x"])
def test_a_store_is_listed_where_nothing_can_be_kept(home: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(TINY)
    curriculum.run(str(tmp_path / "mine.py"), 1, store=tmp_path / "store", mirror=False)
    unset = "-u CURRICULUM_CACHE_DIR -u XDG_CACHE_HOME"
    for command in ("runs", "check", "explain last"):
        done = subprocess.run(
            f"env {unset} {home} {shlex.quote(sys.executable)} -m curriculum {command} --store store",
            shell=True,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
