"""Any process of a run, of a search in several processes, of a comparison is killed, at any instant."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    events,
)
from json_process import JsonProcess
from mlflow_copies import NewDatabase, check_in_mlflow, sync

from curriculum.record import Event, Store

HERE = Path(__file__).parent
DEATHS = 100

EXPERIMENTS = """
from dataclasses import dataclass
from curriculum import *
from curriculum.models import Recurrent
from curriculum.tasks import FirstBit

experiment = Experiment(
    task=FirstBit(),
    model=Recurrent(cell="gru", hidden_size=8),
    growth=Explicit(lengths=(2, 3, 12)),
    criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=3e-4),
    training=Training(eval_every=5),
    budget=Budget(steps_per_stage=60),
    backtracking=Backtracking(fresh_starts=0),
    tuning=Tuning(mode="exhausted", trials=8),
    name="searched",
)
plain = experiment.replace(
    growth=Explicit(lengths=(2, 3, 12, 40)),
    tuning=Tuning(), optimizer=Adam(learning_rate=1e-2), name="plain",
    budget=Budget(steps_per_stage=400),
)
"""


@dataclass(frozen=True)
class Work:
    """A command that is begun, killed, and gone on with.

    Attributes:
        begun: the command that starts it.
        goes_on: the one that goes on with what was begun.
        victims: whom to kill.
        mirrored: whether runs are copied meanwhile.
    """

    begun: tuple[str, ...]
    goes_on: tuple[str, ...]
    victims: tuple[str, ...]
    mirrored: bool = True

    def next(self, store: Path) -> tuple[str, ...]:
        """The command that comes next: it goes on once there is something to go on with."""
        return self.goes_on if self.goes_on and Store(store).runs() else self.begun


RESUME = ("resume", "last")
WORK = {
    "run": Work(
        begun=("run", "work.py:plain"), goes_on=RESUME, victims=("driver", "mirror", "group")
    ),
    "search": Work(
        begun=("run", "work.py", "--jobs", "2"),
        goes_on=(*RESUME, "--jobs", "2"),
        victims=("driver", "worker", "mirror", "group"),
    ),
    "comparison": Work(
        begun=(
            *("compare", "work.py:plain", "--run", "--jobs", "2", "--strategies", "gated,direct"),
            *("--seeds", "0..1", "--learning-rates", "1e-2,3e-2", "--budget", "80steps"),
        ),
        goes_on=(),  # the same
        victims=("driver", "worker", "group"),
        mirrored=False,
    ),
}


class Killer(JsonProcess):
    """The process that carries out commands, and kills."""

    def __init__(self, folder: Path) -> None:
        """Commands are carried out in that folder."""
        folder.joinpath("work.py").write_text(EXPERIMENTS)
        super().__init__(HERE / "killing_groups.py", str(folder))

    def __call__(
        self, store: Path, *words: str, after: float | None = None, victim: str = "", seed: int = 0
    ) -> dict[str, Any]:
        """Carry out a command; after so many seconds one of its processes is killed."""
        order = {"words": [*words, "--store", str(store)], "after": after, "victim": victim}
        found = self.order(order | {"seed": seed, "output": str(store.with_suffix(".txt"))})
        assert found["left"] == [], found  # no process outlives its driver for long
        return found


Recorded = dict[tuple[str, int, float], list[Event]]


def recorded(store: Path) -> Recorded:
    """What the journals of a store's runs hold, clocks apart, by strategy, seed and learning rate."""
    found: Recorded = {}
    for folder in Store(store).runs():
        described = folder.description()
        rate = described.settings["optimizer.learning_rate"]
        key = (described.strategy, described.seed, rate)
        assert key not in found, f"{key} was run twice"
        found[key] = events(folder)
    return found


@dataclass(frozen=True)
class Bench:
    """Where commands are killed, and what they come to where they are not."""

    killer: Killer
    new_database: NewDatabase
    folder: Path
    _unbroken: dict[str, tuple[Recorded, float]] = field(default_factory=dict)

    def unbroken(self, name: str) -> tuple[Recorded, float]:
        """What a command records that nobody kills, and the seconds it takes."""
        if name not in self._unbroken:
            root = self.folder / name
            self.new_database(root)
            found = self.killer(root, *WORK[name].begun)
            assert found["code"] in (0, 3)
            self._unbroken[name] = recorded(root), found["seconds"]
        return self._unbroken[name]

    def deaths(self, name: str, seed: int) -> int:
        """Begin, kill and go on as the seed says; how often somebody was killed."""
        work, rng, deaths = WORK[name], random.Random(seed), 0
        expected, seconds = self.unbroken(name)
        root = self.folder / f"{name} {seed}"
        self.new_database(root)
        for _ in range(rng.choice([1, 2, 2, 3])):
            after, victim = rng.uniform(0, 1.1 * seconds), rng.choice(work.victims)
            found = self.killer(root, *work.next(root), after=after, victim=victim, seed=seed)
            deaths += bool(found["killed"])
            assert found["code"] in ((-9,) if "driver" in found["killed"] else (0, 1, 3)), found
        found = self.killer(root, *work.next(root), *(("--wait",) if work.mirrored else ()))
        output = root.with_suffix(".txt").read_text()
        assert found["code"] in (0, 3), output
        assert "Traceback" not in output
        assert recorded(root) == expected
        if not work.mirrored:
            sync(Store(root), Store(root).find("last"), plots=True)
        check_in_mlflow(root, self.new_database)
        shutil.rmtree(root)
        return deaths


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Bench]:
    killer = Killer(tmp_path_factory.mktemp("commands"))
    yield Bench(killer, new_database, tmp_path_factory.mktemp("stores"))
    killer.close()


# Of these seeds the first kill is of the driver or of all, early in the run: it meets somebody.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("search", 4),
        ("comparison", 39),
        pytest.param("run", 39, marks=pytest.mark.exhaustive),
        pytest.param("search", 20, marks=pytest.mark.exhaustive),
    ],
)
def test_whoever_is_killed_all_ends_as_if_nothing_had_happened(
    name: str, seed: int, bench: Bench
) -> None:
    assert bench.deaths(name, seed) > 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", WORK)
def test_whoever_is_killed_a_hundred_times_all_ends_as_if_nothing_had_happened(
    name: str, bench: Bench
) -> None:
    deaths = seed = 0
    while deaths < DEATHS:
        seed += 1
        deaths += bench.deaths(name, 1000 + seed)
    print(f"{name}: {seed} ended as if nothing had happened, after {deaths} deaths")
