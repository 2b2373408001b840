"""The command `compare`: which runs it makes, which it reuses, and what it prints and writes."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import call
from compared_runs import Swept
from interrupts import interrupted_once
from tiny_experiment import TINY

from curriculum.record import History, Store

QUICK = ("--seeds", "0..1", "--learning-rates", "3e-2,1e-1", "--budget", "60steps")
"""Eight runs: of two strategies, with two seeds, at two learning rates."""


def compare(file: Path, store: Path, *more: object) -> int:
    threads = ("--threads", 1) if "--run" in more else ()
    return call("compare", file, "--store", store, *threads, *more)


def costs(found: Any) -> Any:
    """By strategy, seed by seed, when each run mastered what, apart from the clock."""
    return {
        name: [
            [
                {place: {**cost, "seconds": None} for place, cost in run["mastered"].items()}
                for seed in outcome["seeds"]
                for run in seed["runs"]
            ],
            outcome["reach"],
        ]
        for name, outcome in found["strategies"].items()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    root = tmp_path_factory.mktemp("swept")
    file, store = root / "little.py", root / "store"
    file.write_text(TINY)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert compare(file, store, *QUICK, "--run", "--json") == 0
    return Swept(file, store, out.getvalue(), err.getvalue())


@pytest.fixture
def swept(made: Swept, store: Path) -> Swept:
    """The same in a store that may be changed."""
    shutil.copytree(made.store, store)
    return replace(made, store=store)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "little.py"
    path.write_text(TINY)
    return path


def test_missing_runs_are_made_and_runs_that_are_done_are_not_repeated(
    swept: Swept, capsys: pytest.CaptureFixture[str]
) -> None:
    file, store = swept.file, swept.store
    assert swept.comparison["experiment"] == "little"
    assert (
        "little: 8 runs to do, 0 already done; budget of each strategy with each seed: 60 steps"
        in swept.err
    )
    assert len(Store(store).runs()) == 8
    assert (
        compare(file, store, *QUICK, "--run", "--json", "--strategies", "direct,gated,mixed") == 0
    )
    out, err = capsys.readouterr()
    assert "4 runs to do, 8 already done" in err
    assert "verdicts on 2 strategies against direct need at least 7 seeds" in err
    assert len(Store(store).runs()) == 12
    (found,) = json.loads(out)
    assert set(found["strategies"]) == {"direct", "gated", "mixed"}
    assert costs(swept.comparison).items() <= costs(found).items()
    assert compare(file, store, "--json") == 0
    assert json.loads(capsys.readouterr().out) == [found]
    batch = ("--training.batch-size", 4, "--seeds", 0)
    assert compare(file, store, *QUICK, *batch, "--run", "--json") == 0
    assert len(Store(store).runs()) == 16  # other settings are other runs


def test_an_interrupted_comparison_continues_where_it_stopped(
    made: Swept, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with interrupted_once(lambda: 3 <= len(Store(store).runs()) < 8):
        assert compare(made.file, store, *QUICK, "--run") == 130
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "the same command continues with the rest" in err
    check_that_the_same_command_continues(made, store, 1, capsys)


def check_that_the_same_command_continues(
    made: Swept, store: Path, jobs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(Store(store).runs()) < 8
    assert compare(made.file, store, *QUICK, "--run", "--json", "--jobs", jobs) == 0
    assert len(Store(store).runs()) == 8
    (found,) = json.loads(capsys.readouterr().out)
    assert found["left_out"] == []
    assert costs(found) == costs(made.comparison)


ENDLESS = ("--strategies", "direct,uniform", "--budget", "3e6steps", "--run", "--jobs", "2")


def two_are_evaluated(store: Path) -> bool:
    runs = [run for run in Store(store).runs() if run.journal.exists()]
    return sum(b'"evaluation"' in run.journal.read_bytes() for run in runs) == 2


def check_that_both_are_interrupted(store: Path, err: str) -> None:
    assert "Traceback" not in err
    assert "interrupted; 0 of 60 runs are over, and the same command continues" in err
    assert [History.of(run).status() for run in Store(store).runs()] == ["interrupted"] * 2


def workers() -> list[int]:
    """The processes of this one that make runs."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return [child for child, command in commands.items() if b"curriculum.sweeps.worker" in command]


@pytest.mark.slow
def test_an_interrupt_stops_workers_that_get_the_signal_and_workers_that_do_not(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def one_gets_the_signal() -> bool:
        if not two_are_evaluated(store):
            return False
        one, _ = workers()
        os.kill(one, signal.SIGINT)
        return True

    with interrupted_once(one_gets_the_signal):
        assert compare(file, store, *ENDLESS) == 130
    check_that_both_are_interrupted(store, capsys.readouterr().err)
    assert workers() == []


def start(*arguments: object) -> subprocess.Popen[str]:
    """A comparison in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "curriculum", "compare", *map(str, arguments), "--threads", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_comparison_interrupted_on_a_terminal_continues_where_it_stopped(
    made: Swept, store: Path, jobs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """There every process of the group gets the signal."""
    with start(made.file, "--store", store, *QUICK, "--run", "--jobs", jobs) as process:
        while len(Store(store).runs()) < 3:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "the same command continues with the rest" in err
    check_that_the_same_command_continues(made, store, jobs, capsys)


@pytest.mark.exhaustive
def test_an_interrupt_of_the_parent_alone_stops_its_workers(file: Path, store: Path) -> None:
    with start(file, "--store", store, *ENDLESS) as process:
        while not two_are_evaluated(store):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    check_that_both_are_interrupted(store, err)


DEADLY = """
import os, pathlib, signal
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Deadly(FirstBit):
    def sample(self, rng, stage, batch_size):
        runs = list(pathlib.Path(os.environ["RUNS"]).glob("[0-9a-f]*"))
        if len(runs) >= 6 and not KILLED.exists():
            KILLED.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return FirstBit.sample(self, rng, stage, batch_size)

KILLED = pathlib.Path(__file__).with_name("killed")
"""
"""Kills a process that makes one of the last runs."""


@pytest.mark.slow
def test_a_run_whose_process_is_killed_is_taken_up_by_another_to_the_same_costs(
    made: Swept,
    tmp_path: Path,
    store: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What two workers made, and what is made of the rest, is what one process made."""
    monkeypatch.setenv("RUNS", str(Store(store).runs_folder))
    path = tmp_path / "deadly.py"
    path.write_text(DEADLY.join(TINY.split("\n\n", 1)).replace("task=FirstBit()", "task=Deadly()"))
    assert compare(path, store, *QUICK, "--run", "--json", "--jobs", 2) == 0
    out, err = capsys.readouterr()
    assert (path.parent / "killed").exists()
    assert "is tried again: a worker process ended (exit code -9)" in err
    assert "Traceback" not in err
    assert len(Store(store).runs()) == 8
    (found,) = json.loads(out)
    assert found["left_out"] == []
    assert costs(found) == costs(made.comparison)


@pytest.mark.exhaustive
def test_two_workers_come_to_what_one_process_does(
    made: Swept, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(made.file, store, *QUICK, "--run", "--json", "--jobs", 2) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert costs(found) == costs(made.comparison)


def test_the_report_and_the_table_are_written(
    swept: Swept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, table = tmp_path / "sub" / "report.html", tmp_path / "table.csv"
    away = "sqlite:////proc/nowhere/mlflow.db"
    more = ("--report", page, "--csv", table, "--tracking-uri", away)
    assert compare(swept.file, swept.store, *QUICK, "--run", *more) == 0
    out, err = capsys.readouterr()
    assert "vs direct" in out
    assert f"Wrote {page}" in err
    assert f"the report is not in MLflow at {away}" in err
    assert page.read_text().count("<figure>") >= 5  # three of the comparison, retention, beyond
    head, *lines = table.read_text().splitlines()
    assert head.startswith("experiment,strategy,length")
    assert all(line.startswith("little,") for line in lines)
    assert compare(swept.file, swept.store, "--report", "/proc/no/report.html") == 2
    assert "/proc/no/report.html can't be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--strategies", "gated,banditt", "--run"], "no strategy 'banditt'; did you mean bandit?"),
        (["--seeds", "1-3"], "--seeds: must be a list such as 0..5 or 0,2,7"),
        (["--seeds", "5..2", "--run"], "--seeds: must be a list such as"),
        (["--seeds", "0..99999999", "--run"], "--seeds: must be a list such as"),
        (["--learning-rates", "0", "--run"], "--learning-rates: must be numbers above 0"),
        (["--budget", "many", "--run"], "--budget: must be a number above 0 (compute)"),
        (["--budget", "0s", "--run"], "--budget: must be a number above 0 (compute)"),
        (["--jobs", "0", "--run"], "must be a whole number, at least 1"),
        (["--strategies", "linear", "--budget", "9s", "--run"], "not of seconds"),
        (["--growth.facter", "2", "--run"], "did you mean --growth.factor"),
        (["--growth.end", "9"], "--growth.end is for the runs that --run makes"),
        (["--strategies", ","], "--strategies: must be names such as gated,direct,bandit, got"),
        (["--budget", "2steps", "--run"], "shared by 5 learning rates leaves none"),
        (["--budget", "3e9"], "--budget is for the runs that --run makes; give --run too"),
        (["--jobs", "2"], "--jobs is for the runs that --run makes; give --run too"),
        (["--strategy", "gated", "--run"], "--strategies names those that are compared"),
        (["--sampling.mixed", "0.9", "--run"], "--sampling.mixed can't be given to compare"),
        (["--budget.steps=5", "--run"], "--budget says what each strategy gets"),
        (["--backtracking.demotions", "5", "--run"], "a stage that is exhausted isn't tried again"),
        (["--training.schedule", "one_cycle", "--run"], "the learning rate is constant"),
        (["--report", "/", "--run"], "/ can't be written: it is a folder"),
        (["--csv", "/etc/passwd/table.csv", "--run"], "/etc/passwd is a file"),
    ],
)
def test_mistakes_are_one_sentence(
    file: Path,
    store: Path,
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert compare(file, store, *arguments) == 2
    err = capsys.readouterr().err
    assert expected in err
    assert err.count("\n") == 1
    assert not store.exists()


def test_an_empty_store_has_nothing_to_compare(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(file, store) == 2
    assert "holds no runs yet" in capsys.readouterr().err


def test_a_mistake_in_the_second_experiment_is_reported_before_the_first_is_run(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("compare", file, "lstm_frstbit", "--run", "--store", store) == 2
    assert "lstm_firstbit" in capsys.readouterr().err
    assert not store.exists()


def test_runs_that_can_not_be_compared_are_made_again(
    swept: Swept, capsys: pytest.CaptureFixture[str]
) -> None:
    """One run was made with other threads, and besides was stopped before its end."""
    first, second, *_ = Store(swept.store).runs()
    first.describe(replace(first.description(), threads=1))
    second.describe(replace(second.description(), threads=3))
    lines = second.journal.read_bytes().splitlines(keepends=True)
    second.journal.write_bytes(b"".join(lines[:-1]))
    assert compare(swept.file, swept.store, *QUICK, "--run", "--json") == 0
    out, err = capsys.readouterr()
    assert "1 run to do, 7 already done" in err
    (found,) = json.loads(out)
    assert found["left_out"] == []
    assert costs(found) == costs(swept.comparison)


def test_a_run_that_can_not_be_read_is_left_out(
    swept: Swept, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Store(swept.store).runs()[0]
    (broken.path / "run.json").write_text("{")
    assert compare(swept.file, swept.store, "--json") == 0
    assert f"run {broken.id} can't be read" in json.loads(capsys.readouterr().out)[0]["left_out"]


def test_an_experiment_that_the_store_does_not_have_is_a_mistake(
    made: Swept, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("compare", "litle", "--store", made.store) == 2
    assert "no run in" in (err := capsys.readouterr().err)
    assert "did you mean little?" in err


def test_a_strategy_that_the_task_refuses_is_a_mistake(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--strategies", "gated,uniform", "--run", "--store", store)
    assert call("compare", "human_numbers_gru", *more) == 2
    assert "can't be drawn from several stages, as strategy uniform does" in capsys.readouterr().err


LISTED = """
from dataclasses import dataclass
from curriculum.tasks import FirstBit

@dataclass(frozen=True, kw_only=True)
class Listed(FirstBit):
    lengths: list[int]
"""


def test_a_users_task_need_not_be_hashable(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "listed.py"
    text = TINY.replace("from curriculum.tasks import FirstBit", LISTED)
    path.write_text(text.replace("task=FirstBit()", "task=Listed(lengths=[1])"))
    one = ("--seeds", 0, "--learning-rates", "3e-2", "--budget", "30steps")
    assert compare(path, store, *one, "--run", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["left_out"] == []
