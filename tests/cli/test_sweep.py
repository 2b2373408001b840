"""The commands `sweep` and `sweeps`: what they run, continue, tell and refuse."""

import json
import shutil
import threading
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from command_line import call, check_mistake
from interrupts import interrupted_once
from tiny_experiment import TINY

import curriculum
from curriculum.record import History, Store
from curriculum.sweeps import SweepFiles, sweep_ids

WITH_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="an extra that isn't installed")

FOUR = ("--strategies", "gated,direct", "--seeds", "0..1", "--budget.steps", "60")


@dataclass(frozen=True)
class Made:
    """A sweep that was carried out: its file, its store, and what `--json` printed."""

    file: Path
    store: Path
    result: Any


class Endless:
    """A mirror that is not to be waited for."""

    def poll(self) -> None:
        """It runs."""

    def wait(self) -> int:
        raise AssertionError("waited for")


def sweep(file: Path, store: Path, *more: object) -> int:
    return call("sweep", file, "--store", store, "--threads", 1, *more)


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
    root = tmp_path_factory.mktemp("swept")
    file, store = root / "little.py", root / "store"
    file.write_text(TINY)
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lambda *words, **_: lines.append(" ".join(map(str, words))))
        assert sweep(file, store, *FOUR, "--jobs", 2, "--wait", "--json") == 0
    (found,) = [json.loads(line) for line in lines if line.startswith("{")]
    return Made(file, store, found)


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
    codes: list[int] = []

    def cancel() -> None:
        end = time.monotonic() + 120
        while not Store(store).runs() and time.monotonic() < end:
            time.sleep(0.02)
        (identity,) = sweep_ids(Store(store))
        codes.append(call("sweeps", identity, "--cancel", "--store", store))

    thread = threading.Thread(target=cancel)
    thread.start()
    assert sweep(made.file, store, "--budget.until", "limit", "--budget.steps", "9000000") == 130
    thread.join()
    assert codes == [0]
    assert "cancelled; 0 of 1 runs are over" in capsys.readouterr().err
    assert [History.of(run).status() for run in Store(store).runs()] == ["interrupted"]


def test_a_second_driver_of_the_same_sweep_is_refused(
    made: Made, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(made.store, store)
    (identity,) = sweep_ids(Store(store))
    lock = SweepFiles(Store(store), identity)._file("lock")
    with curriculum.record.Lock(lock) as held:
        assert held.acquire()
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


def test_a_dry_run_tells_runs_cost_and_hours_and_writes_nothing(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(file, store, *FOUR, "--set", "growth.end=4,5", "--dry-run", "--jobs", 1) == 0
    out = capsys.readouterr().out
    assert "of little: 8 runs (4 variants, 2 seeds); 0 done" in out
    assert "little, direct, growth.end 5" in out
    assert "cost of what is missing: at most" in out
    assert "on 1 core" in out
    assert not store.exists()


@WITH_RAY
def test_a_dry_run_for_ray_counts_the_processors_that_runs_take(
    file: Path, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.sweeps.ray.cluster.usable_cores", lambda: 7)
    ray = ("--engine", "ray", "--dry-run")
    assert sweep(file, store, *FOUR, *ray, "--cpus", 2) == 0
    assert "on 6 cores" in capsys.readouterr().out
    assert sweep(file, store, *FOUR, *ray, "--cpus", 8) == 2
    err = capsys.readouterr().err
    assert "no node has the 8 CPUs and 0 GPUs of a run; the largest, " in err
    assert "has 7 and 0: ask for less with --cpus and --gpus" in err
    assert not store.exists()


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


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--engine", "rey"], "there is no engine 'rey'; did you mean ray?"),
        (["--device", "gpu"], "device must be auto, cpu"),
        (["--address", "auto"], "only the engine ray takes address=auto"),
        (["--engine", "ray", "--cpus", "-1"], "cpus must be above 0, got -1"),
        (
            ["--engine", "ray", "--device", "cuda"],
            "leave --device out, and ask for them with --gpus",
        ),
        (["--engine", "ray", "--jobs", "2"], "leave it out, and say with cpus and gpus"),
        pytest.param(
            ["--engine", "ray", "--address", "localhost"],
            "a Ray cluster's address is HOST:PORT",
            marks=WITH_RAY,
        ),
        (["--store", "{}/file/store"], "file/store can't be written (Not a directory)"),
        (
            ["--tuning.mode", "each", "--optuna-storage", "{}/none/studies.log"],
            "studies.log can't be written: there is no folder",
        ),
    ],
)
def test_a_dry_run_refuses_what_a_start_would_refuse(
    tmp_path: Path, arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    store = tmp_path / "in"
    store.mkdir()
    words = ["sweep", "lstm_firstbit", "--store", str(store)]
    words += [word.format(tmp_path) for word in arguments]
    for more in ([], ["--dry-run"]):
        check_mistake([*words, *more], expected, store, capsys)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--set", "growth.facter=1,2"], "did you mean --growth.factor"),
        (["--set", "growth.factor=0.5"], "growth.factor"),
        (
            ["--set", "growth.factor=2,x"],
            "growth.factor must be a number above 1, such as 1.5, got 'x'",
        ),
        (["--set", "training.online=maybe"], "training.online is a switch"),
        (["--set", "growth.factor"], "--set: must be a setting with its values"),
        (["--set", "growth.end=4", "--set", "growth.end=5"], "--set growth.end is given twice"),
        (["--set", "strategy=gated,direct"], "give --strategies for several"),
        (["--strategies", "gatd"], "did you mean gated?"),
        (["--seeds", "3..1"], "--seeds: must be a list such as"),
        (["--seeds", "-1"], "--seeds"),
        (["--engine", "rey"], "there is no engine 'rey'; did you mean ray?"),
        (["--jobs", "0"], "must be a whole number, at least 1"),
        (["--learning-rates", "0.1"], "share a --budget, and there is none"),
        (["--budget", "9steps"], "what each of the --strategies gets"),
        (
            ["--budget", "90steps", "--strategies", "gated", "--set", "budget.steps=5"],
            "--budget says what each strategy gets",
        ),
        (["--growth.facter", "2"], "did you mean --growth.factor"),
        (["--growth.factor", "2", "--set", "growth.factor=2,3"], "give one of them"),
        (["--device", "gpu"], "device must be auto, cpu"),
        (["--address", "auto"], "only the engine ray takes address=auto"),
    ],
)
def test_mistakes_are_one_sentence(
    tmp_path: Path,
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = tmp_path / "in"
    store.mkdir()
    words = ["sweep", "lstm_firstbit", "--store", str(store), *arguments]
    check_mistake(words, expected, store, capsys)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sweep"], "EXPERIMENT"),
        (["sweep", "lstm_frstbit"], "did you mean lstm_firstbit"),
        (["sweeps", "abc"], "has no sweeps yet; start one with 'sweep'"),
        (["sweeps", "--cancel"], "--cancel needs the id of a sweep"),
        (["sweeps", "--remove"], "--remove needs the id of a sweep"),
    ],
)
def test_what_is_not_there_is_one_sentence(
    tmp_path: Path, words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    check_mistake([*words, "--store", str(tmp_path)], expected, tmp_path, capsys)


def test_an_unknown_sweep_is_a_mistake(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sweeps", "zzz", "--store", made.store) == 2
    assert f"there is no sweep 'zzz' in {made.store}; known:" in capsys.readouterr().err
