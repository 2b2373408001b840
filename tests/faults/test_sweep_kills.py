"""Any processes of a sweep are killed, at any point or instant, and the same command ends as if none had been."""

import json
import os
import random
import re
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import chdir, closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    events,
)
from json_process import JsonProcess
from mlflow_copies import NewDatabase, in_mlflow, sync

import curriculum
from curriculum.record import Event, Store

HERE = Path(__file__).parent

EXPERIMENT = """
from curriculum import *
from curriculum.models import Recurrent
from curriculum.tasks import FirstBit

experiment = Experiment(
    task=FirstBit(),
    model=Recurrent(cell="gru", hidden_size=8),
    growth=Explicit(lengths=(2, 3, 8)),
    criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=1e-2),
    training=Training(eval_every=5),
    budget=Budget(steps_per_stage=200),
    name="little",
)
"""
SEEDS = (0, 1, 2)
SWEEP = ("sweep", "work.py", "--seeds", "0..2", "--jobs", "2", "--threads", "1")

READS = ("sql SELECT", "sql PRAGMA")
"""What changes nothing: who is killed before it might as well be before the next write."""

MOST_AT_ONCE = {"driver": 1, "worker": 3, "mirror": 4}
"""Points of one sweep, by role: of more kills of the same run, or of a mirror, the sweep takes note as of a fault."""

Recorded = dict[int, tuple[list[Event], bytes, bytes]]
"""By seed, what a run recorded, clocks apart; its weights, and its optimizer's state."""


@dataclass(frozen=True)
class Death:
    """Where a process of a role is killed: as it passes by a point of that shape for the so manieth time."""

    role: str
    shape: str
    number: int = 1


@dataclass(frozen=True)
class Moment:
    """When a part of a sweep's time has passed, a process of a role is killed; any, for no role."""

    role: str
    part: float


Moments = Sequence[Moment]


class Killer(JsonProcess):
    """The process that carries out commands, and kills."""

    def __init__(self, folder: Path) -> None:
        """Commands are carried out in that folder."""
        self.folder = folder
        folder.joinpath("work.py").write_text(EXPERIMENT)
        super().__init__(HERE / "killing_sweeps.py", str(folder))

    def __call__(self, store: Path, *words: str, **more: Any) -> dict[str, Any]:
        """Carry out a command; some of its processes are killed."""
        order: dict[str, Any] = {"deaths": [], "moments": [], "at_once": False, "trace": False}
        order |= {"seed": 0, "store": str(store), "words": [*words, "--store", str(store)]}
        return self.order(order | {"output": str(store.with_suffix(".txt"))} | more)


def recorded(store: Path) -> Recorded:
    """What a store's runs hold, each seed once."""
    found: Recorded = {}
    for folder in Store(store).runs():
        seed = folder.description().seed
        assert seed not in found, f"seed {seed} was run twice"
        last = folder.checkpoint_folders()[-1]
        names = ("model.safetensors", "optimizer.safetensors")
        weights, optimizer = ((last / name).read_bytes() for name in names)
        found[seed] = events(folder), weights, optimizer
    return found


def rows(store: Path) -> dict[str, int]:
    """How many rows each table of MLflow's database has."""
    with closing(sqlite3.connect(store / "mlflow.db")) as opened:
        tables = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        count = "SELECT COUNT(*) FROM"
        return {name: opened.execute(f'{count} "{name}"').fetchone()[0] for (name,) in tables}


def artifacts(store: Path) -> Counter[str]:
    """The names of all artifacts, those of copies and models as one."""
    paths = (str(path.relative_to(store)) for path in (store / "artifacts").rglob("*"))
    return Counter(re.sub(r"[0-9a-f]{32}", "COPY", path) for path in paths)


def leftovers(store: Path) -> list[str]:
    """Files and folders that were not to stay."""
    return [str(path.relative_to(store)) for path in store.rglob(".*")]  # also MLflow's


def check_told(found: dict[str, Any]) -> None:
    """Whatever was asked meanwhile, the truth was told."""
    for told in found["told"]:
        assert told["code"] == 0, told["text"]
        for sweep in json.loads(told["text"]):
            assert (sweep["state"] == "running") in told["driven"], sweep
            parts = (sweep[name] for name in ("waiting", "running", "done", "failed"))
            assert sum(parts) == sweep["runs"], sweep


@dataclass
class Bench:
    """Where sweeps are killed, and what they come to where they are not.

    Attributes:
        met: the points that somebody was killed at; `missed`, those that nobody came to.
        kills: how often somebody was killed.
        seconds: that a sweep takes.
    """

    killer: Killer
    new_database: NewDatabase
    folder: Path
    met: set[Death] = field(default_factory=set)
    missed: set[Death] = field(default_factory=set)
    kills: int = 0
    seconds: float = 6.0
    trials: int = 0

    @cached_property
    def serial(self) -> Recorded:
        """What the same runs record one by one."""
        root = self.folder / "serial"
        file = str(self.killer.folder / "work.py")
        for seed in SEEDS:
            curriculum.run(file, seed, store=root, mirror=False, threads=1)
        return recorded(root)

    @cached_property
    def points(self) -> list[Death]:
        """The points that a sweep passes that nobody kills: each shape's first and last."""
        root = self.folder / "unbroken"
        self.new_database(root)
        found = self.killer(root, *SWEEP, "--wait", trace=True)
        assert found["code"] == 0, root.with_suffix(".txt").read_text()
        counts = Counter[tuple[str, str]](tuple(line.split("\t")) for line in found["trace"])
        return [
            Death(role, shape, number)
            for (role, shape), count in counts.items()
            if not shape.startswith(READS)
            for number in sorted({1, count // (len(SEEDS) if role != "driver" else 1)} - {0})
        ]

    def check(
        self, deaths: Sequence[Death] = (), moments: Sequence[Moments] = (), *, seed: int = 0
    ) -> int:
        """Begin a sweep, kill, and go on until it is over; how often somebody was killed.

        Each call of the command has its own moments, and all points that nobody was killed at before.
        """
        rng, left, kills = random.Random(seed), [*deaths], 0
        root = self.folder / f"store {self.trials}"
        self.trials += 1
        self.new_database(root)
        for number in range(len(deaths) + len(moments)):
            todo = moments[number] if number < len(moments) else ()
            words = [*SWEEP, *rng.choice([(), ("--wait",)])]
            # At once: before what outlives the driver has ended, whose deaths are then not counted.
            roles = {each.role for each in left} | {each.role for each in todo}
            at_once = rng.random() < 0.5 and roles != {"mirror"}
            found = self.killer(
                root,
                *words,
                deaths=[vars(each) for each in left],
                moments=[{"role": each.role, "after": each.part * self.seconds} for each in todo],
                at_once=at_once,
                seed=seed,
            )
            output = root.with_suffix(".txt").read_text()
            assert found["code"] == (-9 if "driver" in found["killed"] else 0), output
            assert found["left"] == []
            check_told(found)
            kills += len(found["killed"])
            if not found["killed"]:
                self.seconds = found["seconds"]  # on a busy machine more, on an idle one less
            died = {left[number] for number in found["died"]}
            self.met |= died
            left = [each for each in left if each not in died]
            if number + 1 >= len(moments) and not (died and left):
                break
        self.missed |= {*left}
        self.kills += kills
        self._check_whole(root)
        shutil.rmtree(root)
        return kills

    def _check_whole(self, root: Path) -> None:
        """The same command goes on, and all is as if nobody had been killed."""
        for path in (root / "runs").glob(".*"):
            os.utime(path, (time.time() - 7200,) * 2)  # what a killed process left, long ago
        found = self.killer(root, *SWEEP, "--wait")
        output = root.with_suffix(".txt").read_text()
        assert found["code"] == 0, output
        assert found["left"] == []
        assert "Traceback" not in output, output
        check_told(found)
        (sweep,) = json.loads(found["told"][-1]["text"])
        assert (sweep["state"], sweep["done"]) == ("over", len(SEEDS))
        assert recorded(root) == self.serial
        assert leftovers(root) == []
        self._check_in_mlflow(root)

    def _check_in_mlflow(self, root: Path) -> None:
        """MLflow has of each run what a copy made at once would have."""
        store, other = Store(root), self.folder / f"copy of {root.name}"
        uri = f"sqlite:///{self.new_database(other)}"
        for folder in store.runs():
            with chdir(other):  # where MLflow puts the artifacts
                sync(store, folder, uri)
            copied, anew = (in_mlflow(store, folder, each) for each in (self._uri(root), uri))
            assert [*copied] == ["parent"]
            assert copied["parent"][:-1] == anew["parent"][:-1]
            assert copied["parent"][0] == "FINISHED"
            assert copied["parent"][-1]  # plots
        assert rows(root) == rows(other)
        assert all(
            count % len(SEEDS) == 0 for name, count in artifacts(root).items() if "COPY" in name
        )
        shutil.rmtree(other)

    def _uri(self, root: Path) -> str:
        return f"sqlite:///{root / 'mlflow.db'}"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Bench]:
    killer = Killer(tmp_path_factory.mktemp("commands"))
    yield Bench(killer, new_database, tmp_path_factory.mktemp("stores"))
    killer.close()


@pytest.mark.slow
def test_whoever_of_a_sweep_is_killed_the_same_command_ends_as_if_nobody_had_been(
    bench: Bench,
) -> None:
    deaths = (
        Death("worker", "os.write /runs/RUN/journal.jsonl", 9),
        Death("mirror", "sql INSERT INTO metrics", 1),
        Death("driver", "open /sweeps/SWEEP.runs", 5),
    )
    assert bench.check(deaths) == len(deaths)


@pytest.mark.exhaustive
@pytest.mark.timeout(3 * 3600)
def test_sweeps_that_are_killed_at_every_point_end_as_if_nobody_had_been(bench: Bench) -> None:
    trials, points = [], [*bench.points]
    random.Random(1).shuffle(points)
    while points:
        trial = [
            point
            for role, most in MOST_AT_ONCE.items()
            for point in [point for point in points if point.role == role][:most]
        ]
        points = [point for point in points if point not in trial]
        trials.append(trial)
    print(f"{sum(map(len, trials))} points in {len(trials)} sweeps", flush=True)
    failures = run_all(bench, [(trial, ()) for trial in trials])
    print(f"killed at {len(bench.met)} points; nobody came to {len(bench.missed)}: {bench.missed}")
    assert failures == []


@pytest.mark.exhaustive
@pytest.mark.timeout(3 * 3600)
def test_sweeps_that_are_killed_at_any_moments_end_as_if_nobody_had_been(bench: Bench) -> None:
    rng, trials = random.Random(2), list[Trial]()
    for victims in VICTIMS * 4:
        moments = [Moment(role, rng.uniform(0, 0.9)) for role in victims]
        if len(victims) == 2 and rng.random() < 0.5:
            moments[1] = Moment(moments[1].role, moments[0].part)  # at once
        moments.sort(key=lambda each: each.part)
        in_a_row = len(victims) > 2
        trials.append(((), [(each,) for each in moments] if in_a_row else [moments]))
    failures = run_all(bench, trials)
    print(f"{bench.kills} kills in {len(trials)} sweeps")
    assert failures == []


VICTIMS = (
    ("worker",),
    ("driver",),
    ("mirror",),
    ("driver", "worker"),
    ("driver", "mirror"),
    ("worker", "mirror"),
    ("", "", "", ""),
)


Trial = tuple[Sequence[Death], Sequence[Moments]]


def run_all(bench: Bench, trials: Sequence[Trial]) -> list[str]:
    """Carry out all trials; what failed, and why."""
    failures = []
    for seed, (deaths, moments) in enumerate(trials):
        try:
            bench.check(deaths, moments, seed=seed)
        except Exception as error:
            failures.append(f"{seed}: {deaths} {moments}: {str(error)[:3000]}")
            print(failures[-1], flush=True)
        else:
            print(f"{seed}: {bench.kills} kills so far", flush=True)
    return failures
