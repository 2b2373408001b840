"""The commands `sweep` and `sweeps`: what a dry run tells, and what is refused before anything is started."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from command_line import check_mistake
from made_sweeps import FOUR, sweep
from tiny_experiment import TINY

WITH_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="an extra that isn't installed")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "little.py"
    path.write_text(TINY)
    return path


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
        (["--set", "growth.factor=2,,3"], "--set: must be a setting with its values"),
        (["--set", "growth.factor"], "--set: must be a setting with its values"),
        (["--set", "growth.end=4", "--set", "growth.end=5"], "--set growth.end is given twice"),
        (["--set", "strategy=gated,direct"], "give --strategies for several"),
        (["--strategies", "gatd"], "did you mean gated or auto?"),
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
