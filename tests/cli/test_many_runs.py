"""Stores of thousands of runs, and a run of hundreds of thousands of records: little memory, nothing read twice.

What it takes by the clock is measured by `benchmarks/many_runs.py`.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import curriculum
from curriculum import Experiment, Explicit, Mastery, Training
from curriculum.models import Recurrent
from curriculum.record import RunFolder, Store
from curriculum.record.journal import _checked
from curriculum.record.provenance import earlier_run
from curriculum.tasks import FirstBit

MEGABYTES = 400
LARGE_JOURNAL = 100_000_000

MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
"""A process of little memory: a forked one begins with its parent's."""


@dataclass(frozen=True)
class Use:
    """What a command printed, and the most memory that it took."""

    output: str
    megabytes: float


def use(*words: object) -> Use:
    """What a command takes in a process of its own."""
    command = [sys.executable, "-m", "curriculum", *map(str, words)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True
    )
    return Use(done.stdout, int(done.stderr.split()[-1]) / 1024)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of twelve small runs: two strategies with six seeds."""
    root = tmp_path_factory.mktemp("small")
    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=4),
        growth=Explicit(lengths=(2, 3, 4, 5, 6, 7, 8)),
        criterion=Mastery(threshold=1.0),
        training=Training(eval_every=5),
        name="small",
    )
    curriculum.compare(
        experiment, store=root, budget="60steps", learning_rates=[0.03], progress=False
    )
    return root


def multiplied(small: Path, root: Path, count: int) -> Store:
    """A store of so many copies of the runs, under ids of their own, each started at another time."""
    originals = Store(small).runs()
    began = originals[0].description().created
    for number in range(count):
        original = originals[number % len(originals)]
        copy = RunFolder(root / "runs" / f"{number:08x}")
        shutil.copytree(original.path, copy.path, ignore=lambda *_: ["checkpoints"])
        copy.checkpoints.mkdir()
        described = original.description()
        copy.describe(replace(described, created=began + number))
    return Store(root)


def check_many(small: Path, root: Path, count: int) -> None:
    store = multiplied(small, root, count)
    listed = [use("runs", "--store", root) for _ in range(2)]
    compared = use("compare", "small", "--store", root)
    for each in (*listed, compared):
        assert each.megabytes < MEGABYTES
    first, again = ([line.split()[:5] for line in each.output.splitlines()] for each in listed)
    assert first == again
    assert [line[0] for line in again[1:]] == [f"{number:08x}" for number in range(count)]
    assert "gated" in compared.output
    assert "direct" in compared.output
    found = earlier_run(store, store.find("last").description())
    assert found is not None
    assert found.id == f"{count - 1:08x}"


@pytest.mark.slow
def test_hundreds_of_runs_are_listed_and_compared(small: Path, tmp_path: Path) -> None:
    check_many(small, tmp_path / "store", 400)


@pytest.mark.exhaustive
def test_ten_thousand_runs_are_listed_and_compared(small: Path, tmp_path: Path) -> None:
    check_many(small, tmp_path / "store", 10_000)


def lengthened(folder: RunFolder, size: int) -> int:
    """Have the journal of a run go on evaluating, until it is so long; the steps it comes to."""
    lines = [json.loads(line) for line in folder.journal.read_bytes().splitlines()]
    for line in lines:
        del line["check"]
    start = lines[0]
    evaluation = next(line for line in lines if line["kind"] == "evaluation")
    end = count = 0
    with folder.journal.open("wb") as file:
        while end < size:
            line = _checked(json.dumps(start, separators=(",", ":")).encode()[:-1], end)
            end += file.write(line)
            count += 1
            cost = {"steps": count, "tokens": 9 * count, "compute": 1e6 * count}
            start = evaluation | {"cost": cost}
    return count - 1


@pytest.mark.slow
def test_a_long_journal_is_listed_with_little_memory(small: Path, tmp_path: Path) -> None:
    store = multiplied(small, tmp_path / "store", 1)
    steps = lengthened(store.find("last"), LARGE_JOURNAL)
    for _ in range(2):
        found = use("runs", "--json", "--store", store.root)
        assert found.megabytes < 100
        (run,) = json.loads(found.output)
        assert (run["state"], run["steps"]) == ("killed", steps)
