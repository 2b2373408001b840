"""The command `optimize`: what it prints and writes, and what it refuses."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import TINY, call
from interrupts import interrupted_once
from made_sweeps import Made, cancelled_meanwhile, carried_out, driven_elsewhere

from curriculum.record import History, Store
from curriculum.sweeps import SweepFiles, sweep_ids

SMALL = (
    *("--trials", 3, "--seeds", "0", "--confirm-seeds", "7", "--budget", "40steps"),
    *("--threads", 1),
)
OVER = ("--over", "growth.factor=1.2..4")


def optimize(file: Path, store: Path, *more: object) -> int:
    return call("optimize", file, "--store", store, *SMALL, *more)


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curriculum.tracking.start_sweep_mirror", lambda *_: None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Of one round, which MLflow has."""
    return carried_out(
        tmp_path_factory.mktemp("searched"),
        TINY,
        lambda file, store: optimize(file, store, *OVER, "--wait", "--json"),
    )


def run_ids(found: Any) -> set[str]:
    """Of all runs of a search that was printed as JSON."""
    confirmed = found["confirmation"]
    costs = [rung for trial in found["trials"] for rung in trial["rungs"]]
    costs += [confirmed["best"], *confirmed["others"].values()]
    return {each for cost in costs for seed in cost["seeds"].values() for each in seed["run_ids"]}


def test_its_runs_are_in_mlflow_with_their_visits_as_a_table(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", "--store", made.store) == 0
    count = len(Store(made.store).runs())
    assert f"{count} runs: whole, over, and copied into MLflow" in capsys.readouterr().out
    assert all(run.description().mlflow.visits_as_table for run in Store(made.store).runs())


def test_its_status_is_told_as_a_sweeps(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    (identity,) = sweep_ids(Store(made.store))
    count = len(run_ids(made.result))
    assert call("sweeps", "--store", made.store) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{identity}  over     {count} runs: {count} done")
    assert line.endswith("(search: little)")
    assert call("sweeps", identity, "--store", made.store, "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["grows"], told["runs"]) == ("search", False, count)
    assert told["command"].startswith("python -m curriculum optimize ")


@pytest.mark.slow
def test_an_interrupted_search_is_stopped_until_the_same_command_continues_it(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with interrupted_once(lambda: len(Store(store).runs()) >= 2):
        assert optimize(made.file, store, *OVER) == 130
    assert "interrupted; the same command continues the search" in capsys.readouterr().err
    (identity,) = sweep_ids(Store(store))
    assert call("sweeps", identity, "--store", store) == 0
    out = capsys.readouterr().out
    assert f"Search {identity}: stopped; 3 runs so far: " in out
    assert "Continue it with: python -m curriculum optimize" in out
    assert optimize(made.file, store, *OVER, "--json") == 0
    assert run_ids(json.loads(capsys.readouterr().out)) == run_ids(made.result)
    record = SweepFiles(Store(store), identity).record()
    assert record is not None
    assert {*record.runs} == run_ids(made.result)
    assert not record.grows


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_another_process_can_cancel_it(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str], jobs: int
) -> None:
    more = ("--budget", "90000000steps", "--optimizer.learning-rate", "1e-9", "--jobs", jobs)
    with cancelled_meanwhile(store):
        assert optimize(made.file, store, *OVER, *more) == 130
    assert "cancelled; the same command continues the search" in capsys.readouterr().err
    found = {History.of(run).status() for run in Store(store).runs()}
    assert found == {"interrupted"}


def test_a_second_start_of_the_same_search_is_refused(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made.store, store)
    with driven_elsewhere(store) as identity:
        assert optimize(made.file, store, *OVER) == 2
    (err,) = capsys.readouterr().err.splitlines()  # and no title before it
    assert f"search {identity} is running in another process" in err
    assert f"'sweeps {identity} --store {store} --cancel' ends it" in err


def test_a_dry_run_tells_runs_budgets_cost_and_hours_and_writes_nothing(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--trials", 12, "--seeds", "0..2", "--confirm-seeds", "7..16", "--dry-run")
    assert optimize(file, store, *OVER, *more) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "12 trials in 2 rounds, gated and direct among them; at most 66 runs; 0 done" in out
    assert "rung 1: 12 curricula with 1 seed, up to 10 steps each: 12 runs" in out
    assert "rung 2: at most 6 curricula with 2 seeds, up to 20 steps each: 12 runs" in out
    assert "rung 3: at most 4 curricula with 3 seeds, up to 40 steps each: 12 runs" in out
    assert "confirmation: 3 curricula with 10 fresh seeds" in out
    assert "cost of what is missing: at most" in out
    assert "on 1 core" in out
    assert not store.exists()


def test_a_dry_run_goes_by_what_is_missing(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of one with another confirmation, the search itself is done."""
    assert optimize(made.file, made.store, *OVER, "--dry-run") == 0
    assert "nothing is missing" in capsys.readouterr().out
    before = sorted(made.store.rglob("*"))
    more = ("--confirm-seeds", "7..8", "--dry-run", "--json")
    assert optimize(made.file, made.store, *OVER, *more) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["missing"] == 3
    assert found["done"] == len(run_ids(made.result))
    assert found["compute"] > 0
    assert sorted(made.store.rglob("*")) == before


def test_a_search_is_printed_and_written(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    over = ("--over", "growth.factor=1.2..4", "--over", "sampling=current,combined")
    report = store.parent / "report.html"
    assert optimize(file, store, *over, "--report", report) == 0
    printed = capsys.readouterr()
    assert (
        "3 trials, gated and direct among them; budget of each with each seed: up to 40 steps"
        in printed.err
    )
    assert "0 of 3 trials over; rung 1: 3 trials" in printed.err
    assert "On 1 fresh seed" in printed.out
    assert f"To run it: python -m curriculum run {file}" in printed.out
    assert "The trials, best first" in report.read_text()
    runs = len(Store(store).runs())

    assert optimize(file, store, *over, "--json") == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["over"] == {"growth.factor": "1.2..4", "sampling": "current,combined"}
    assert [trial["name"] for trial in found["trials"]] == ["gated", "direct", ""]
    assert [*found["confirmation"]["others"]] == ["gated", "direct"]
    assert "On 1 fresh seed" in printed.err
    assert len(Store(store).runs()) == runs


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "there is nothing to search: give --over"),
        (("--over", "growth.factor"), "--over takes a setting and a range or choices"),
        (("--over", "growth.factor=1..4"), "--over growth.factor=1.0 is refused"),
        (("--over", "growht.factor=1..4"), "growht.factor is no part of a curriculum"),
        (("--over", "growth.factor=1.2..4", "--confirm-seeds", "0..3"), "seed 0 is one of the search"),
        (("--over", "growth.factor=1.2..4", "--engine", "cloud"), "there is no engine 'cloud'"),
        (("--over", "growth.factor=1.2..4", "--engine", "cloud", "--dry-run"), "no engine 'cloud'"),
        (("--over", "growth.factor=4..1.2"), "runs from 4 down to 1.2; give the lower bound first"),
        (("--over", "growth.factor=2..2"), "holds 2 alone"),
        (("--over", "sampling=current,,combined"), "sampling has an empty choice among its own"),
        (("--over", "growth.factor=1.2..4", "--device", "gpu"), "device must be auto, cpu"),
        (("--over", "growth.factor=1.2..4", "--engine", "ray", "--cpus", "-1"), "cpus must be above 0"),
        (("--over", "growth.factor="), "--over takes a setting and a range or choices"),
        (("--over", "growth.factr=1.2..4"), "did you mean growth.factor"),
        (("--over", "growth.factor=1.2..4", "--gpus", "1"), "only the engine ray takes gpus=1"),
        (("--over", "growth.factor=1.2..4", "--optuna-storage", "/no/such.db"), "there is no folder"),
        (("--over", "growth.factor=1.2..4", "--report", "/"), "it is a folder"),
        (("--over", "growth.factor=1.2..4", "--tuning.mode", "each"), "can't be given to optimize"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_and_nothing_is_started(
    file: Path,
    store: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    message: str,
) -> None:
    assert optimize(file, store, *more) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert not printed.out
    assert not store.exists()
