"""Ray on this machine alone: what it needs of the environment, and jobs to have it make."""

import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from curriculum import Adam, Budget, Experiment, Geometric, Mastery, Stage, StopRequest
from curriculum.config import load_module, serialize
from curriculum.record import RunEnded, Store, read_journal
from curriculum.sweeps import Engine, Job, JobEvent, JobProgress, make_run

TOKEN = secrets.token_hex(32)
"""Of all clusters of this process: Ray reads it once."""

OWN_FILE = """
from dataclasses import dataclass, replace

from turned_round import turned
from curriculum.tasks import FirstBit
from curriculum import Adam, Budget, Experiment, Geometric, Mastery, Stage, Adam
from curriculum.models import Recurrent

@dataclass(frozen=True)
class LastBit(FirstBit):
    def sample(self, rng, stage, batch_size):
        batch = FirstBit.sample(self, rng, stage, batch_size)
        return replace(batch, inputs=turned(batch.inputs))

experiment = Experiment(
    task=LastBit(),
    model=Recurrent(cell="gru", hidden_size=8),
    growth=Geometric(start=Stage(2), end=Stage(5)),
    criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=3e-2),
    budget=Budget(steps_per_stage=400),
)
"""
"""A user's file, which imports the one beside it."""

BESIDE = "def turned(inputs):\n    return inputs[:, ::-1].copy()\n"


@contextmanager
def on_loopback() -> Iterator[None]:
    """Ray's files in a folder of their own, and a token that nobody else has; nothing reaches the network."""
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "RAY_TMPDIR": folder,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        }.items():
            patch.setenv(name, value)
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def job_of(experiment: Experiment, store: Path, run_id: str, seed: int = 0) -> Job:
    """A job of one thread on the CPU."""
    content = json.dumps(serialize(experiment))
    return Job(run_id=run_id, experiment=content, seed=seed, store=store)


def own_job(folder: Path, store: Path) -> Job:
    """One whose task is in a file of the user's."""
    folder.mkdir()
    (folder / "turned_round.py").write_text(BESIDE)
    source = folder / "own_bit.py"
    source.write_text(OWN_FILE)
    return replace(job_of(load_module(source).experiment, store, "own"), source=source)


def endless(experiment: Experiment) -> Experiment:
    """One that goes on until it is stopped."""
    return experiment.replace(
        criterion=Mastery(threshold=1.0, examples=64),
        optimizer=Adam(learning_rate=1e-9),
        budget=Budget(steps_per_stage=10**9),
    )


def slow(experiment: Experiment) -> Experiment:
    """One that takes a second or more, with many evaluations."""
    return experiment.replace(
        growth=Geometric(start=Stage(2), end=Stage(40)),
        optimizer=Adam(learning_rate=1e-3),
        budget=Budget(steps=600),
        criterion=Mastery(threshold=1.0),
    )


def long(experiment: Experiment) -> Experiment:
    """One that takes ten seconds or more: longer than a node needs to be started, or to be missed."""
    return slow(experiment).replace(
        budget=Budget(steps=6000), criterion=Mastery(threshold=1.0, min_steps=1000)
    )


def is_final(event: JobEvent) -> bool:
    """Whether it is the last of its job."""
    return not isinstance(event, JobProgress)


def made_here(jobs: list[Job], store: Path) -> dict[str, str]:
    """The digests of the final weights of the same runs, made here one after another."""
    for job in jobs:
        make_run(replace(job, store=store, device="cpu"), lambda record: None, StopRequest())
    return weights_of(store)


def weights_of(store: Path) -> dict[str, str]:
    """The digests of the final weights, by run."""
    return {
        folder.id: record.event.weights_sha256
        for folder in Store(store).runs()
        for record, _ in read_journal(folder.journal)
        if isinstance(record.event, RunEnded)
    }


def events_of(
    engine: Engine,
    count: int,
    *,
    seconds: float = 300,
    until: Callable[[JobEvent], bool] = is_final,
) -> list[JobEvent]:
    """The next so many events of that kind; fewer where they don't come for long."""
    found: list[JobEvent] = []
    end = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        event = engine.next(0.5)
        if event is not None and until(event):
            found.append(event)
    return found
