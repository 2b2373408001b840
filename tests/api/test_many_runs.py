"""Sweeps from Python: what is planned, what an engine of one's own is handed, what comes of it."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy
import pytest

import curriculum
from curriculum import Experiment, UsageError
from curriculum.config import deserialize
from curriculum.record import Store
from curriculum.sweeps import Job, JobEnded, JobEvent, JobFailed, find_sweep, sweep_ids
from curriculum.tasks import FirstBit


class Recording:
    """An engine that makes nothing; runs with seed 1 fail."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self._waiting: deque[JobEvent] = deque()

    capacity = 2

    def submit(self, job: Job) -> None:
        self.jobs.append(job)
        failed = JobFailed(run_id=job.run_id, sentence="no", kind="usage")
        ended = JobEnded(run_id=job.run_id, status="reached", reach="length 5")
        self._waiting.append(failed if job.seed == 1 else ended)

    def next(self, timeout: float) -> JobEvent | None:
        return self._waiting.popleft()

    def cancel(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"seeds": (0.5,)}, "seeds must be whole numbers, at least 0"),
        ({"seeds": 3}, "such as range(3), got 3"),
        ({"seeds": ()}, "seeds must be"),
        ({"grid": {"growth.factor": 1.5}}, "'growth.factor': 1.5"),
        ({"grid": {"sampling": "current"}}, "a list of values for each setting"),
    ],
)
def test_a_mistake_is_a_sentence(
    tiny: Experiment, store: Path, given: dict[str, Any], expected: str
) -> None:
    with pytest.raises(UsageError) as raised:
        curriculum.sweep(tiny, store=store, engine=Recording(), **given)
    assert expected in str(raised.value)
    assert not store.exists()


def test_seeds_may_be_numbers_of_numpy(tiny: Experiment, store: Path) -> None:
    engine = Recording()
    curriculum.sweep(tiny, seeds=numpy.arange(1), store=store, engine=engine, mirror=False)  # type: ignore[arg-type]
    assert [job.seed for job in engine.jobs] == [0]


def test_an_engine_of_ones_own_is_handed_each_run_once(tiny: Experiment, store: Path) -> None:
    engine = Recording()
    result = curriculum.sweep(
        tiny,
        ["gated", "direct"],
        seeds=range(3),
        grid={"growth.end": [4, 5]},
        store=store,
        engine=engine,
        mirror=False,
        progress=False,
    )
    assert [job.run_id for job in engine.jobs] == [*result.run_ids]
    assert (result.status, result.done, result.failed) == ("over", 8, 4)
    assert {*result.failures.values()} == {"no"}
    assert all(job.store.is_absolute() for job in engine.jobs)
    (identity,) = sweep_ids(Store(store))
    record = find_sweep(Store(store), identity).record()
    assert record is not None
    assert (record.id, record.runs) == (result.id, result.run_ids)
    assert len(find_sweep(Store(store), identity).failures()) == 4


def test_its_jobs_are_made_anew_by_their_text(tiny: Experiment, store: Path) -> None:
    import json

    engine = Recording()
    curriculum.sweep(tiny, store=store, engine=engine, mirror=False, progress=False)
    (job,) = engine.jobs
    assert deserialize(json.loads(job.experiment)).flat() == tiny.flat()


@dataclass(frozen=True, kw_only=True)
class Mine(FirstBit):
    """A task of a user's own, which has no file that was named."""


@pytest.mark.parametrize(
    ("experiments", "settings", "expected"),
    [
        ([], {}, "a sweep needs at least one experiment"),
        ("lstm_firstbit", {"seeds": []}, "seeds must be whole numbers"),
        ("lstm_firstbit", {"seeds": [-1]}, "seeds must be whole numbers, at least 0"),
        ("lstm_firstbit", {"engine": "slurm"}, "there is no engine 'slurm'; known: local, ray"),
        ("lstm_firstbit", {"strategies": ["gatd"]}, "did you mean gated or auto?"),
        ("lstm_firstbit", {"grid": {"growth.factor": []}}, "--set growth.factor needs values"),
        ("lstm_frstbit", {}, "did you mean lstm_firstbit"),
    ],
)
def test_mistakes_start_nothing(
    experiments: Any, settings: dict[str, Any], expected: str, store: Path
) -> None:
    with pytest.raises(UsageError) as raised:
        curriculum.sweep(experiments, store=store, **settings)
    assert expected in str(raised.value)
    assert not store.exists()


def test_classes_of_ones_own_need_their_file(tiny: Experiment, store: Path) -> None:
    with pytest.raises(UsageError, match="give the path of its file as `source`"):
        curriculum.sweep(tiny.replace(task=Mine()), store=store)
    assert not store.exists()
