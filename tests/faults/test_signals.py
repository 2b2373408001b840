"""The command line stops between two steps, and says how to resume."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from interrupted_runs import (
    events,
)

from curriculum.cli.main import main
from curriculum.record import Evaluated, History, RunFolder, Store

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, str(Path(__file__).with_name("slow_command.py"))]
LONG = ["run", "lstm_firstbit", "--growth.end", "20", "--tuning.mode", "off"]
LONG += ["--optimizer.learning-rate", "1e-3", "--criterion.min-steps", "70"]
LONG += ["--training.eval-every", "10", "--budget.steps", "300"]


@pytest.fixture(scope="module", autouse=True)
def _no_mirror() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("curriculum.tracking.start_mirror", lambda *_: None)
        yield


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command line in a process; what a failing test leaves of it is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        command = [*COMMAND, *arguments, "--store", str(tmp_path)]
        started.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield start
    for process in started:
        with process:
            process.kill()


def run_folder(store: Path, process: "subprocess.Popen[str]", *, evaluations: int) -> RunFolder:
    """The run of that process, once it has had so many evaluations."""
    while process.poll() is None:
        runs = Store(store).runs()
        if runs and runs[0].journal.exists():
            found = [event for event in events(runs[0]) if isinstance(event, Evaluated)]
            if len(found) >= evaluations:
                return runs[0]
        time.sleep(0.02)
    pytest.fail(f"the run ended too early: {process.communicate()}")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    store = tmp_path_factory.mktemp("unbroken")
    assert main([*LONG, "--store", str(store)]) == 3
    return Store(store).find("last")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        # The test of `--resume` stops a run so, and resumes it, with fewer processes.
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.exhaustive),
    ],
)
def test_a_signal_stops_a_run_in_order(
    number: signal.Signals, code: int, tmp_path: Path, unbroken: RunFolder, start: Start
) -> None:
    process = start(*LONG)
    folder = run_folder(tmp_path, process, evaluations=12)
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == code
    assert "Traceback" not in err
    assert f"python -m curriculum resume {folder.id} --store {tmp_path}" in out
    assert f"Interrupted ({number.name})" in out
    history = History.of(folder)
    assert history.status() == "interrupted"
    assert history.end is None
    assert len(events(folder)) < len(events(unbroken))
    assert any("-" in path.name for path in folder.checkpoint_folders())  # within a stage
    assert main(["resume", folder.id, "--store", str(tmp_path)]) in (0, 3)
    assert events(folder) == events(unbroken)
    assert folder.stop_note() is None


def test_a_second_interrupt_ends_the_run_at_once(tmp_path: Path, start: Start) -> None:
    process = start(*LONG)
    folder = run_folder(tmp_path, process, evaluations=2)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)  # that may be taken as one, or come a moment later
    time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not folder.is_running


def test_run_with_resume_starts_then_resumes_then_gives_the_result(
    tmp_path: Path, unbroken: RunFolder, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    again = [*LONG, "--resume", "--store", str(tmp_path)]
    process = start(*LONG, "--resume")
    folder = run_folder(tmp_path, process, evaluations=3)
    process.send_signal(signal.SIGSTOP)  # else it could come to its end before the second starts
    assert main(again) == 2
    assert f"run {folder.id} is running in another process" in capsys.readouterr().err
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert process.returncode == 143
    assert "Traceback" not in err
    assert "Interrupted (SIGTERM)" in out
    assert len(events(folder)) < len(events(unbroken))
    capsys.readouterr()
    assert main([*again, "--json"]) == 3
    resumed = capsys.readouterr().out
    assert f'"run_id": "{folder.id}"' in resumed
    assert events(folder) == events(unbroken)
    size = folder.journal_bytes
    assert main([*again, "--json"]) == 3
    assert capsys.readouterr().out == resumed
    assert folder.journal_bytes == size
    assert len(Store(tmp_path).runs()) == 1
