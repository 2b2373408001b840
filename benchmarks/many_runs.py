"""What stores of thousands of runs take: their index, `runs`, `compare`, and the start of `run --resume`.

python benchmarks/many_runs.py --runs 2000 10000 --journal 200

The runs are copies, under ids of their own, of twelve small ones of `lstm_firstbit`; the last row is of one run
whose journal was made so many megabytes long. Each command is a process of its own; the index, which `runs`
makes when it is first used, lies in a folder that was empty before.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from recorded_rows import Row, rows_of

import curriculum
from curriculum.record import RunFolder, Store
from curriculum.record.journal import _checked

SETTINGS = ("--growth.end", "20", "--budget.steps", "300", "--tuning.mode", "off")
STRATEGIES, SEEDS = ("gated", "direct"), range(6)
REPEATS, PAIRS = 5, 9

MEASURED = """
import resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
sys.exit(code)
"""
"""In a process of its own, which has little memory: a forked one begins with its parent's."""


def small_runs(root: Path) -> list[RunFolder]:
    """Twelve runs that can be compared."""
    for strategy in STRATEGIES:
        for seed in SEEDS:
            overrides = [*SETTINGS, "--strategy", strategy]
            curriculum.run(
                "lstm_firstbit", seed, overrides=overrides, store=root, mirror=False, threads=1
            )
    return Store(root).runs()


def multiply(originals: list[RunFolder], root: Path, count: int) -> None:
    """A store of so many copies, each started a second after the one before; the last have checkpoints."""
    began = originals[0].description().created
    for number in range(count):
        original = originals[number % len(originals)]
        copy = RunFolder(root / "runs" / f"{number:08x}")
        left_out = shutil.ignore_patterns(*(["0*"] if number < count - len(originals) else []))
        shutil.copytree(original.path, copy.path, ignore=left_out)
        described = original.description()
        copy.describe(replace(described, created=began + number))


def lengthen(folder: RunFolder, size: int) -> None:
    """Have the journal of a run go on evaluating, until it is so many bytes long."""
    lines = [json.loads(line) for line in folder.journal.read_bytes().splitlines()]
    evaluation = next(line for line in lines if line["kind"] == "evaluation")
    line, end, count = lines[0], 0, 0
    with folder.journal.open("wb") as file:
        while end < size:
            del line["check"]
            end += file.write(_checked(json.dumps(line, separators=(",", ":")).encode()[:-1], end))
            count += 1
            line = evaluation | {"cost": {"steps": count, "tokens": 9 * count}, "check": ""}


def use(*words: str, store: Path, cache: Path, times: int = REPEATS) -> tuple[float, float]:
    """The seconds, in the median, and the megabytes, at most, that a command takes."""
    command = [sys.executable, "-m", "curriculum", *words, "--store", str(store)]
    found = []
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *command],
            env=os.environ | {"CURRICULUM_CACHE_DIR": str(cache)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found.append([float(word) for word in done.stdout.split()])
    seconds, megabytes = zip(*found, strict=True)
    return round(statistics.median(seconds), 2), round(max(megabytes))


def measure(key: Row) -> Row:
    """What a store of so many runs takes, or a run with a journal of so many megabytes."""
    resumed = ("run", "lstm_firstbit", *SETTINGS, "--seed", "5", "--resume", "--threads", "1")
    with tempfile.TemporaryDirectory() as folder:
        small, root, cache = (Path(folder, name) for name in ("small", "store", "cache"))
        originals = small_runs(small)
        multiply(originals, root, key["runs"])
        if key["journal_megabytes"]:
            lengthen(Store(root).find("00000000"), key["journal_megabytes"] * 1_000_000)
        time.sleep(1.0)
        found: Row = {"first": use("runs", store=root, cache=cache, times=1)}
        found["runs_command"] = use("runs", store=root, cache=cache)
        if not key["journal_megabytes"]:
            found["compare"] = use("compare", "lstm_firstbit", store=root, cache=cache)
            longer = []
            for _ in range(PAIRS):  # side by side, as the machine is faster at times
                among_many, among_few = (
                    use(*resumed, store=store, cache=cache, times=1)[0] for store in (root, small)
                )
                longer.append(among_many - among_few)
            found["resume_longer"] = round(statistics.median(longer), 2)
    return found


def main() -> None:
    """Print a line for each store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, nargs="+", default=[2_000, 10_000])
    parser.add_argument("--journal", type=int, default=200, help="megabytes of the one run's")
    parser.add_argument("--json", type=Path, help="append a line for each store to this file")
    options = parser.parse_args()
    keys = [{"runs": count, "journal_megabytes": 0} for count in options.runs]
    keys.append({"runs": 1, "journal_megabytes": options.journal})
    rows_of(keys, measure, file=options.json)


if __name__ == "__main__":
    main()
