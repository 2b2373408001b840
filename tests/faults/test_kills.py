"""Runs are killed at random instants, resumed, and end as if nothing had happened."""

import json
import os
import random
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from curriculum.mirroring import destinations
from curriculum.record.journal import content_of, read_journal
from curriculum.record.store import RunFolder, Store
from curriculum.record.sync import sync

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CASES = 20
ALL = 100


class Killer:
    """The process that runs, resumes and kills."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "killing.py")],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, store: Path, experiment: str, **how: Any) -> int:
        """Run or resume; `after` seconds, or at a `write` to the disk, be killed."""
        order: dict[str, Any] = {"after": None, "write": None, "mirror_after": None}
        order |= {"mirror": False, "wait": False, "drain": False}
        order |= {"store": str(store), "experiment": experiment, **how}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(json.loads(self._process.stdout.readline())["code"])

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    one = Killer()
    yield one
    one.close()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of MLflow's, to be copied: to make one takes seconds."""
    from curriculum.record.mirror import connect
    from curriculum.record.tracking import database_uri

    store = Store(tmp_path_factory.mktemp("empty"))
    with warnings.catch_warnings(action="ignore"):
        connect(store, database_uri(store))
    return store.root / "mlflow.db"


@pytest.fixture(scope="module")
def unbroken(killer: Killer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """Each experiment's run that nobody kills."""
    found = {}
    for name in ("first_bit", "numbers"):
        store = tmp_path_factory.mktemp(name)
        assert killer(store, name) == 0
        found[name] = Store(store).find("last")
    return found


def told(folder: RunFolder) -> list[str]:
    return [content_of(record) for record, _ in read_journal(folder.journal)]


def seconds(folder: RunFolder) -> float:
    return float([record["clock"]["seconds"] for record, _ in read_journal(folder.journal)][-1])


def in_mlflow(store: Store, folder: RunFolder, uri: str) -> dict[str, Any]:
    """All that MLflow has of a run: parent and children with points, params, tags and plots."""
    from curriculum.record.mirror import connect

    client = connect(store, uri)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    found: dict[str, Any] = {}
    for run in client.search_runs(ids, f"tags.`curriculum.run_id` = '{folder.id}'"):
        key = run.data.tags.get("curriculum.visit", "parent")
        assert key not in found, f"{key} is there twice"
        points = Counter(
            (point.key, point.step, point.timestamp, point.value)
            for metric in run.data.metrics
            for point in client.get_metric_history(run.info.run_id, metric)
        )
        tags = {
            name: value
            for name, value in run.data.tags.items()
            if name not in ("mlflow.parentRunId", "mlflow.loggedArtifacts", "mlflow.user")
        }
        plots = {plot.path for plot in client.list_artifacts(run.info.run_id, "plots")}
        found[key] = (run.info.status, run.info.end_time, points, run.data.params, tags, plots)
    return found


def kills(seed: int, length: float) -> list[dict[str, Any]]:
    """What happens to the run, drawn by the seed."""
    rng = random.Random(seed)
    found = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        kind = rng.choice(["time", "time", "write", "mirror"])
        mirrored = kind == "mirror" or rng.random() < 0.3
        how: dict[str, Any] = {"mirror": mirrored}
        if kind == "write":
            how["write"] = rng.randint(1, 250)
        else:
            how["after"] = rng.uniform(0, 1.1 * length)
        if kind == "mirror":
            how["after"] = rng.uniform(2, 2 + length)
            how["mirror_after"] = rng.uniform(0, how["after"])
        found.append(how)
    return found


def check(
    seed: int, killer: Killer, unbroken: dict[str, RunFolder], database: Path, path: Path
) -> int:
    """Run, kill and resume as the seed says; how often the run was killed."""
    name = ("first_bit", "numbers")[seed % 2]
    root, killed = path / f"store{seed}", 0
    root.mkdir()
    shutil.copy(database, root)
    for how in kills(seed, seconds(unbroken[name])):
        killed += killer(root, name, **how) == -9
    assert killer(root, name, mirror=True, wait=True, drain=True) == 0
    store = Store(root)
    folder = store.find("last")
    assert told(folder) == told(unbroken[name])
    assert len(store.runs()) == 1
    there = in_mlflow(store, folder, f"sqlite:///{root / 'mlflow.db'}")
    shutil.copy(database, path / f"other{seed}.db")
    other = f"sqlite:///{path / f'other{seed}.db'}"
    sync(store, folder, destinations(store, other))
    expected = in_mlflow(store, folder, other)
    assert there["parent"][0] == "FINISHED"
    assert "plots/retention.png" in there["parent"][-1]
    assert there == expected
    shutil.rmtree(root)
    return killed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(CASES))
def test_a_killed_run_ends_as_if_nothing_had_happened(
    seed: int,
    killer: Killer,
    unbroken: dict[str, RunFolder],
    database: Path,
    tmp_path: Path,
) -> None:
    check(seed, killer, unbroken, database, tmp_path)


@pytest.mark.hundred_kills
def test_a_hundred_killed_runs_end_as_if_nothing_had_happened(
    killer: Killer,
    unbroken: dict[str, RunFolder],
    database: Path,
    tmp_path: Path,
) -> None:
    same = deaths = 0
    for seed in range(ALL):
        try:
            deaths += check(seed, killer, unbroken, database, tmp_path)
            same += 1
        except AssertionError as error:
            print(f"seed {seed}: {error}")
    print(f"{same} of {ALL} runs ended as if nothing had happened, after {deaths} kills")
    assert same == ALL
