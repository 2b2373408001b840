"""The commands `sweep` and `sweeps`: what they run, continue, tell and refuse."""

import json
import shutil
from pathlib import Path

import pytest
from command_line import call
from interrupts import interrupted_once
from made_sweeps import FOUR, Made, cancelled_meanwhile, carried_out, driven_elsewhere, sweep
from tiny_experiment import TINY

import curriculum
from curriculum.record import History, Store
from curriculum.sweeps import sweep_ids


class Endless:
    """A mirror that is not to be waited for."""

    def poll(self) -> None:
        """It runs."""

    def wait(self) -> int:
        raise AssertionError("waited for")


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curriculum.tracking.start_sweep_mirror", lambda *_: None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "little.py"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Four runs, in two processes."""
    return carried_out(
        tmp_path_factory.mktemp("swept"),
        TINY,
        lambda file, store: sweep(file, store, *FOUR, "--jobs", 2, "--wait", "--json"),
    )


def weights(store: Path) -> dict[tuple[str, int], str | None]:
    """By strategy and seed, the digests of final weights."""
    found = [History.of(run) for run in Store(store).runs()]
    return {(h.description.strategy, h.description.seed): h.result().weights_sha256 for h in found}


def test_its_runs_are_those_that_run_makes_one_by_one(made: Made, tmp_path: Path) -> None:
    assert made.result["status"] == "over"
    assert made.result["done"] == 4
    for strategy in ("gated", "direct"):
        for seed in (0, 1):
            curriculum.run(
                str(made.file),
                seed,
                overrides=["--strategy", strategy, "--budget.steps", "60"],
                store=tmp_path,
                mirror=False,
                threads=1,
            )
    assert weights(made.store) == weights(tmp_path)
    assert None not in weights(made.store).values()


def test_its_runs_are_in_mlflow_with_their_visits_as_a_table(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", "--store", made.store) == 0
    assert "4 runs: whole, over, and copied into MLflow" in capsys.readouterr().out
    assert all(run.description().mlflow.visits_as_table for run in Store(made.store).runs())


def test_started_twice_it_is_one_sweep(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made.store, store)
    assert sweep(made.file, store, *FOUR, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == made.result
    assert "4 runs of 4 are over" in err
    assert len(Store(store).runs()) == 4
    assert len(sweep_ids(Store(store))) == 1
    assert sweep(made.file, store, *FOUR, "--dry-run", "--json") == 0
    planned = json.loads(capsys.readouterr().out)
    assert (planned["runs"], planned["done"], planned["compute"]) == (4, 4, 0)


def test_its_status_is_told_from_its_store(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    identity = made.result["id"]
    assert call("sweeps", "--store", made.store) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{identity}  over     4 runs: 4 done")
    assert call("sweeps", identity[:3], "--store", made.store) == 0
    out = capsys.readouterr().out
    assert f"Sweep {identity}: over; 4 runs: 4 done" in out
    assert "little, gated: 2 of 2 runs done; " in out
    assert call("sweeps", identity, "--json", "--store", made.store) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["done"] == 4
    assert told["command"].startswith("python -m curriculum sweep ")
    assert call("sweeps", identity, "--cancel", "--store", made.store) == 2
    assert "is not running" in capsys.readouterr().err


def test_progress_goes_to_stderr_and_what_came_of_it_to_stdout(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made.store, store)
    assert sweep(made.file, store, *FOUR) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Sweep {made.result['id']}: over; 4 runs: 4 done")
    assert "little, direct: 2 of 2 runs done; " in out
    assert "shows it in another terminal" in err
    assert "little, direct" not in err


def test_a_record_is_removed_and_its_runs_stay(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made.store, store)
    identity = made.result["id"]
    assert call("sweeps", identity[:4], "--remove", "--store", store) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Removed the record of sweep {identity}; its runs stay")
    assert sweep_ids(Store(store)) == []
    assert len(Store(store).runs()) == 4
    assert sweep(made.file, store, *FOUR, "--json") == 0  # finds them again
    assert json.loads(capsys.readouterr().out) == made.result


def test_runs_that_are_deleted_are_waited_for_again(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made.store, store)
    identity = made.result["id"]
    gone = made.result["run_ids"][0]
    assert call("rm", gone, "--yes", "--store", store) == 0
    assert call("sweeps", identity, "--store", store) == 0
    out = capsys.readouterr().out
    assert f"Sweep {identity}: stopped; 4 runs: 3 done" in out
    assert "1 waiting, 0 failed" in out
    assert "little, gated: 1 of 2 runs done" in out
    assert "Continue it with: python -m curriculum sweep" in out
    assert call("prune", "--all", "--yes", "--store", store) == 0
    assert call("sweeps", "--store", store) == 0
    assert "4 runs: 0 done, 0 running, 4 waiting" in capsys.readouterr().out


@pytest.mark.slow
def test_an_interrupted_sweep_continues_to_the_same_weights(
    made: Made,
    store: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("curriculum.tracking.start_sweep_mirror", lambda *_: Endless())
    with interrupted_once(lambda: len(Store(store).runs()) >= 2):
        assert sweep(made.file, store, *FOUR, "--jobs", 1, "--wait") == 130
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "and the same command continues with the rest" in err
    (identity,) = sweep_ids(Store(store))
    assert call("sweeps", identity, "--store", store) == 0
    out = capsys.readouterr().out
    assert f"Sweep {identity}: stopped; 4 runs" in out
    assert "Continue it with: python -m curriculum sweep" in out
    assert sweep(made.file, store, *FOUR, "--jobs", 1) == 0
    assert weights(store) == weights(made.store)
    assert len(Store(store).runs()) == 4


@pytest.mark.slow
def test_runs_of_other_versions_are_told(
    made: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sweep(made.file, made.store, *FOUR) == 0
    assert "other versions" not in capsys.readouterr().err
    monkeypatch.setattr(
        "curriculum.sweeps.sweep_outcome.installed_versions", lambda: {"torch": "0.1"}
    )
    assert sweep(made.file, made.store, *FOUR) == 0
    assert "4 runs of those that are over were made by other versions" in capsys.readouterr().err


@pytest.mark.slow
def test_another_process_can_cancel_it(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--budget.until", "limit", "--budget.steps", "9000000")
    with cancelled_meanwhile(store):
        assert sweep(made.file, store, *more) == 130
    assert "cancelled; 0 of 1 runs are over" in capsys.readouterr().err
    assert [History.of(run).status() for run in Store(store).runs()] == ["interrupted"]


def test_a_second_driver_of_the_same_sweep_is_refused(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made.store, store)
    with driven_elsewhere(store) as identity:
        assert sweep(made.file, store, *FOUR) == 2
        assert call("sweeps", identity, "--remove", "--store", store) == 2
    refused, not_removed = capsys.readouterr().err.splitlines()  # and no title before them
    assert f"sweep {identity} is running in another process" in refused
    assert f"'sweeps {identity} --store {store} --cancel' ends it" in refused
    assert f"sweep {identity} is running; " in not_removed
    assert sweep_ids(Store(store)) == [identity]


def test_a_run_that_fails_stops_no_other(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The task refuses to draw for one of the seeds."""
    file.write_text(
        "from dataclasses import dataclass\n"
        + TINY.replace("task=FirstBit()", "task=Odd()").replace(
            "experiment =",
            "@dataclass(frozen=True, kw_only=True)\n"
            "class Odd(FirstBit):\n"
            "    odd: int = 0\n"
            "    def sample(self, rng, stage, batch_size):\n"
            "        if self.odd:\n"
            "            raise ValueError('odd')\n"
            "        return FirstBit.sample(self, rng, stage, batch_size)\n\n"
            "experiment =",
        )
    )
    more = ("--budget.steps", "20", "--set", "task.odd=1,0")
    assert sweep(file, store, *more, "--jobs", 1) == 1
    err = capsys.readouterr().err
    assert "failed: little, task.odd 1, seed 0" in err
    assert "1 run of 2 failed; 'sweeps" in err
    (identity,) = sweep_ids(Store(store))
    assert call("sweeps", identity, "--store", store) == 0
    out = capsys.readouterr().out
    assert "1 done" in out
    assert "1 failed" in out
    assert "odd" in out
    assert "Continue it with: python -m curriculum sweep" in out


def test_a_dry_run_goes_by_what_is_missing(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of one strategy all is done: the other's runs are those to come."""
    shutil.copytree(made.store, store)
    assert sweep(made.file, store, *FOUR, "--dry-run") == 0
    assert "nothing is missing" in capsys.readouterr().out
    cost = dict[str, list[float]]()
    for run in Store(store).runs():
        found = History.of(run)
        cost.setdefault(found.description.strategy, []).append(found.result().compute)
        if (found.description.strategy, found.description.seed) == ("gated", 1):
            shutil.rmtree(run.path)
    assert sweep(made.file, store, *FOUR, "--dry-run", "--json") == 0
    estimate = json.loads(capsys.readouterr().out)
    assert estimate["done"] == 3
    assert estimate["compute"] == cost["gated"][0]
    assert estimate["compute"] != cost["direct"][0]


def test_an_unknown_sweep_is_a_mistake(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sweeps", "zzz", "--store", made.store) == 2
    assert f"there is no sweep 'zzz' in {made.store}; known:" in capsys.readouterr().err
