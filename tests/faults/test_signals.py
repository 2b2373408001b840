"""The command line stops between two steps, and says how to go on."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from curriculum.record.history import History
from curriculum.record.journal import content_of, read_journal
from curriculum.record.store import RunFolder, Store

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "curriculum"]
LONG = ["run", "lstm_firstbit", "--growth.until", "60", "--tuning.mode", "off"]
LONG += ["--optimizer.learning-rate", "1e-3", "--budget.steps", "2000"]


started: list["subprocess.Popen[str]"] = []


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """A test that fails early must not fail another by what it has left open."""
    yield
    while started:
        with started.pop() as process:
            process.kill()


def start(
    store: Path, *arguments: str, tracking: str = "sqlite:////proc/nowhere/mlflow.db"
) -> "subprocess.Popen[str]":
    command = [*COMMAND, *(arguments or LONG), "--store", str(store), "--tracking-uri", tracking]
    started.append(
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    )
    return started[-1]


def folder_of(store: Path, *, looks: int) -> RunFolder:
    """The run, once it has had so many looks."""
    while True:
        runs = Store(store).runs()
        if runs and runs[0].journal.exists():
            kinds = [record["kind"] for record, _ in read_journal(runs[0].journal)]
            if kinds.count("look") >= looks:
                return runs[0]
        time.sleep(0.02)


def told(folder: RunFolder) -> list[str]:
    return [content_of(record) for record, _ in read_journal(folder.journal)]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    store = tmp_path_factory.mktemp("unbroken")
    start(store).communicate()
    return Store(store).find("last")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_run_in_order(
    number: signal.Signals, code: int, tmp_path: Path, unbroken: RunFolder
) -> None:
    process = start(tmp_path)
    folder = folder_of(tmp_path, looks=12)
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == code
    assert "Traceback" not in err
    assert f"python -m curriculum resume {folder.id} --store {tmp_path}" in out
    assert f"Interrupted ({number.name})" in out
    history = History.of(folder)
    assert history.status() == "interrupted"
    assert history.end is None
    assert len(told(folder)) < len(told(unbroken))
    assert any("-" in path.name for path in folder.saved)  # amid a stage
    process = start(tmp_path, "resume", folder.id)
    out, err = process.communicate()
    assert process.returncode in (0, 3)
    assert told(folder) == told(unbroken)
    assert folder.stopped() is None


def test_a_second_interrupt_ends_the_run_at_once(tmp_path: Path) -> None:
    process = start(tmp_path)
    folder = folder_of(tmp_path, looks=2)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)  # that may be taken as one, or come a moment later
    time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not folder.is_running


def test_run_with_resume_begins_then_goes_on_then_gives_the_result(
    tmp_path: Path, unbroken: RunFolder
) -> None:
    process = start(tmp_path, *LONG, "--resume")
    folder = folder_of(tmp_path, looks=3)
    process.send_signal(signal.SIGSTOP)  # else it could come to its end before the second begins
    second = start(tmp_path, *LONG, "--resume")
    _, err = second.communicate()
    assert second.returncode == 2
    assert f"run {folder.id} goes on in another process" in err
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    process = start(tmp_path, *LONG, "--resume", "--json")
    out, _ = process.communicate()
    assert f'"run_id": "{folder.id}"' in out
    assert told(folder) == told(unbroken)
    size = folder.journal_bytes
    process = start(tmp_path, *LONG, "--resume", "--json")
    again, _ = process.communicate()
    assert again == out
    assert folder.journal_bytes == size
    assert len(Store(tmp_path).runs()) == 1
