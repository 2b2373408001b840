"""Strategies compared on the command line: what is run, what is not run again, what is said."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from curriculum import Arithmetic, Budget, Experiment, Galloping, Stage, Training, UsageError
from curriculum.attempts import Amount, Planned, amount_of, on_equal_terms, planned, rates_of
from curriculum.cli import main
from curriculum.comparing import numbers_of, seeds_of
from curriculum.record.history import History
from curriculum.record.store import Store
from curriculum.report.campaign_progress import CampaignProgress

TINY = """
from curriculum import Adam, Budget, Experiment, Geometric, Mastery, Stage, Training
from curriculum.models import Recurrent
from tasks import FirstBit

experiment = Experiment(
    task=FirstBit(),
    model=Recurrent(cell="gru", hidden_size=4),
    growth=Geometric(start=Stage(2), until=Stage(5)),
    criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=3e-2),
    training=Training(batch_size=8, look_every=10),
    budget=Budget(steps_per_stage=400),
)
"""


HELD = """
from dataclasses import dataclass
from tasks import FirstBit

@dataclass(frozen=True, kw_only=True)
class Held(FirstBit):
    held: list[int]
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "little.py"
    path.write_text(TINY)
    return str(path)


def call(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def compare(file: str, store: Path, *more: object) -> int:
    one = ("--threads", 1) if "--run" in more else ()
    return call("compare", file, "--store", store, *one, *more)


QUICK = ("--seeds", "0..1", "--learning-rates", "3e-2,1e-1", "--budget", "60steps")


def test_what_is_missing_is_run_and_what_is_there_is_not_run_again(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(file, store, *QUICK, "--run", "--json") == 0
    out, err = capsys.readouterr()
    (found,) = json.loads(out)
    assert found["experiment"] == "little"
    assert "8 runs to do, 0 are there; each strategy gets 60 steps a seed" in err
    assert len(Store(store).runs()) == 8
    assert (
        compare(file, store, *QUICK, "--run", "--json", "--strategies", "direct,gated,mixed") == 0
    )
    out, err = capsys.readouterr()
    assert "4 runs to do, 8 are there" in err
    assert len(Store(store).runs()) == 12
    assert set(json.loads(out)[0]["strategies"]) == {"direct", "gated", "mixed"}
    assert compare(file, store, "--json") == 0
    assert json.loads(capsys.readouterr().out) != []
    assert compare(file, store, *QUICK, "--run", "--training.batch-size", 4, "--json") == 0
    assert len(Store(store).runs()) == 20  # other settings are other runs


def test_two_processes_come_to_what_one_does(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def results(jobs: int) -> Any:
        store = tmp_path / str(jobs)
        assert compare(file, store, *QUICK, "--run", "--json", "--jobs", jobs) == 0
        (found,) = json.loads(capsys.readouterr().out)
        return {
            name: [stage["compute"] for stage in outcome["stages"]]
            for name, outcome in found["strategies"].items()
        }

    assert results(1) == results(2)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_comparison_goes_on_where_it_stopped(
    file: str, store: Path, jobs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = ["--run", "--seeds", "0..3", "--budget", "60steps", "--jobs", str(jobs)]
    command = [sys.executable, "-m", "curriculum", "compare", file, "--store", str(store)]
    process = subprocess.Popen(
        [*command, "--threads", "1", *rest],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while len(Store(store).runs()) < 3:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "the same command goes on" in err
    before = len(Store(store).runs())
    assert before < 24
    assert compare(file, store, *rest, "--json") == 0
    assert len(Store(store).runs()) == 24
    assert json.loads(capsys.readouterr().out)[0]["left_out"] == []


@pytest.mark.slow
def test_an_interrupt_of_the_parent_alone_stops_what_it_started(file: str, store: Path) -> None:
    command = [sys.executable, "-m", "curriculum", "compare", file, "--store", str(store)]
    amount = ["--strategies", "direct,uniform", "--budget", "3e6steps"]
    process = subprocess.Popen(
        [*command, *amount, "--run", "--threads", "1", "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while sum(b'"look"' in run.journal.read_bytes() for run in Store(store).runs()) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted; 0 of 36 runs are over, and the same command goes on" in err
    assert [History.of(run).status() for run in Store(store).runs()] == ["interrupted"] * 2


DEADLY = """
import multiprocessing, os, pathlib, signal
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Deadly(FirstBit):
    def sample(self, rng, stage, batch_size):
        done = pathlib.Path(__file__).with_name("killed")
        if multiprocessing.parent_process() is not None and not done.exists():
            done.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return FirstBit.sample(self, rng, stage, batch_size)
"""


@pytest.mark.slow
def test_a_process_that_is_killed_ends_a_comparison_that_can_go_on(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "deadly.py"
    path.write_text(DEADLY.join(TINY.split("\n\n", 1)).replace("task=FirstBit()", "task=Deadly()"))
    assert compare(str(path), store, *QUICK, "--run", "--jobs", 2) == 1
    err = capsys.readouterr().err
    assert "a process of the comparison was killed, for want of memory perhaps" in err
    assert "Traceback" not in err
    assert compare(str(path), store, *QUICK, "--run", "--jobs", 2, "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["left_out"] == []


def test_what_is_under_way_is_told_on_a_terminal(tiny: Experiment) -> None:
    plan = Planned("gated", 3, 0.02, tiny.but(budget=Budget(tokens=1000)))
    console = Console(force_terminal=True, width=80, file=io.StringIO())
    spent = {"steps": 9, "tokens": 250, "compute": 1.0}
    nothing = {"steps": 0, "tokens": 0, "compute": 0.0}
    look = {"stage": "5x2", "spent": spent, "lost": nothing, "clock": {"seconds": 1.0}}
    with CampaignProgress("tiny", console, whole=8, missing=6) as progress:
        progress.looked(plan, look)
        (whole, one) = progress.bars
        assert (whole.description, whole.completed) == ("tiny, 2 of 8 runs", 2)
        assert one.description == "gated, seed 3, learning rate 0.02: at 5/2"
        assert one.completed == 0.25


def test_the_report_and_the_table_are_written(
    file: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, table = tmp_path / "sub" / "report.html", tmp_path / "table.csv"
    more = ("--report", page, "--csv", table, "--tracking-uri", "sqlite:////proc/nowhere/mlflow.db")
    assert compare(file, store, *QUICK, "--run", *more) == 0
    out, err = capsys.readouterr()
    assert "vs direct" in out
    assert f"{page} is written" in err
    assert "the report is not in MLflow at sqlite:////proc/nowhere/mlflow.db" in err
    assert page.read_text().count("<figure>") >= 5  # three of the comparison, retention, beyond
    head, *lines = table.read_text().splitlines()
    assert head.startswith("experiment,strategy,length")
    assert all(line.startswith("little,") for line in lines)
    assert compare(file, store, "--report", "/proc/no/report.html") == 2
    assert "/proc/no/report.html can't be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--strategies", "gated,banditt", "--run"], "no strategy 'banditt'; did you mean bandit?"),
        (["--seeds", "1-3"], "--seeds must be a list such as 0..5 or 0,2,7"),
        (["--seeds", "5..2", "--run"], "--seeds must be a list such as"),
        (["--seeds", "0..99999999", "--run"], "--seeds must be a list such as"),
        (["--learning-rates", "0", "--run"], "--learning-rates must be numbers above 0"),
        (["--budget", "many", "--run"], "--budget must be a number above 0 (compute)"),
        (["--budget", "0s", "--run"], "--budget must be a number above 0 (compute)"),
        (["--jobs", "0", "--run"], "must be a whole number, at least 1"),
        (["--strategies", "linear", "--budget", "9s", "--run"], "not of seconds"),
        (["--growth.untill", "9", "--run"], "did you mean --growth.until"),
        (["--growth.until", "9"], "compare takes no '--growth.until'"),
        (["--strategies", ","], "--strategies names none"),
        (["--budget", "2steps", "--run"], "shared by 3 learning rates leaves none"),
        (["--budget", "3e9"], "--budget says how runs are run, and so goes with --run"),
        (["--jobs", "2"], "--jobs says how runs are run, and so goes with --run"),
        (["--strategy", "gated", "--run"], "--strategies names those that are compared"),
        (["--sampling.mixed", "0.9", "--run"], "--sampling.mixed can't be given here"),
        (["--budget.steps=5", "--run"], "--budget says what each strategy gets"),
        (["--stuck.demotions", "5", "--run"], "no stage is tried again"),
        (["--training.schedule", "one_cycle", "--run"], "the learning rate is constant"),
        (["--report", "/", "--run"], "/ can't be written: it is a folder"),
        (["--csv", "/etc/passwd/table.csv", "--run"], "/etc/passwd is a file"),
    ],
)
def test_mistakes_are_one_sentence(
    file: str, store: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(file, store, *arguments) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not store.exists()


def test_an_empty_store_has_nothing_to_compare(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(file, store) == 2
    assert "holds no runs yet" in capsys.readouterr().err


def test_a_mistake_in_the_second_experiment_is_said_before_the_first_is_run(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("compare", file, "lstm_frstbit", "--run", "--store", store) == 2
    assert "lstm_firstbit" in capsys.readouterr().err
    assert not store.exists()


def test_what_can_not_be_compared_is_run_afresh(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that was forced on under other circumstances, and one begun with other threads."""
    assert compare(file, store, *QUICK, "--run") == 0
    first, second, *_ = Store(store).runs()
    for folder, threads in ((first, 1), (second, 3)):
        described = json.loads((folder.path / "run.json").read_text()) | {"threads": threads}
        described.pop("check", None)
        folder.describe(described)
    lines = second.journal.read_bytes().splitlines(keepends=True)
    second.journal.write_bytes(b"".join(lines[:-1]))  # it was stopped, besides
    capsys.readouterr()
    assert compare(file, store, *QUICK, "--run", "--json") == 0
    out, err = capsys.readouterr()
    assert "1 run to do, 7 are there" in err
    assert json.loads(out)[0]["left_out"] == []


def test_a_run_that_can_not_be_read_is_passed_over_and_said(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(file, store, *QUICK, "--run") == 0
    broken = Store(store).runs()[0]
    (broken.path / "run.json").write_text("{")
    capsys.readouterr()
    assert compare(file, store, "--json") == 0
    assert f"run {broken.id} can't be read" in json.loads(capsys.readouterr().out)[0]["left_out"]


def test_an_experiment_that_the_store_does_not_have_is_said(
    file: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(file, store, *QUICK, "--run") == 0
    assert call("compare", "litle", "--store", store) == 2
    assert "no run in" in (err := capsys.readouterr().err)
    assert "did you mean little?" in err


def test_a_task_that_refuses_a_strategy_says_so(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--strategies", "gated,uniform", "--run", "--store", store)
    assert call("compare", "human_numbers_gru", *more) == 2
    assert "can't be drawn from several stages, as strategy uniform does" in capsys.readouterr().err


def test_terms_are_equal_but_for_strategy_and_learning_rate(tiny: Experiment) -> None:
    galloping = tiny.but(
        growth=Galloping(start=Stage(2), until=Stage(9), step=3),
        training=Training(schedule="one_cycle"),
    )
    found = [
        on_equal_terms(galloping, name, Amount(9e9, "compute"), 0.5, 3)
        for name in ("direct", "gated", "bandit", "root")
    ]
    for each in found:
        assert each.growth == Arithmetic(start=Stage(2), until=Stage(9), step=3)
        assert each.budget == Budget(steps_per_stage=2**40, compute=3e9)
        assert each.training.schedule == "constant"
        assert not each.tuning.is_on
        assert (each.stuck.retunes, each.stuck.half_steps, each.stuck.demotions) == (0, 0, 0)
        assert each.optimizer.learning_rate == 0.5
        assert each.but(pacing=tiny.pacing, sampling=tiny.sampling) == found[1]


def test_the_plan_goes_seed_by_seed(tiny: Experiment) -> None:
    plans = list(planned(tiny, ("gated", "guess"), (3, 4), Amount(600, "steps"), (0.1, 0.2)))
    assert [(p.seed, p.strategy, p.learning_rate) for p in plans[:4]] == [
        (3, "gated", 0.1),
        (3, "gated", 0.2),
        (3, "guess", 1.0),
        (3, "guess", 10.0),
    ]
    assert {p.seed for p in plans[4:]} == {4}
    assert plans[2].experiment.training.look_every == 1
    assert plans[0].experiment.budget.steps == 300


def test_a_users_task_need_not_be_hashable(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "listed.py"
    head = TINY.replace("from tasks import FirstBit", HELD).replace("FirstBit()", "Held(held=[1])")
    path.write_text(head)
    assert compare(str(path), store, *QUICK, "--run", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["left_out"] == []


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("3e10", Amount(3e10, "compute")),
        ("2e6tokens", Amount(2e6, "tokens")),
        ("500 steps", Amount(500, "steps")),
        ("60s", Amount(60, "seconds")),
    ],
)
def test_amounts_are_read(text: str, amount: Amount) -> None:
    assert amount_of(text) == amount


def test_lists_are_read(tiny: Experiment) -> None:
    assert seeds_of("0..2,7,1") == (0, 1, 2, 7)
    assert numbers_of("1e-2,1e-3") == (1e-3, 1e-2)
    assert rates_of(tiny) == (0.01, 0.03, 0.09)
    with pytest.raises(UsageError):
        seeds_of("")
