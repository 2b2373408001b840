"""Runs that do nothing by way of Ray, in turn with bare tasks of Ray's: what a sweep adds to each.

`sweep_scale.py --engine ray` measures with it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from idle_worker import end_at_once

from curriculum import StopRequest
from curriculum.sweeps import Job, JobStream, RayEngine, SweepDriver, SweepListener, SweepPlan
from curriculum.sweeps.ray.connection import connect, disconnect, import_ray

BLOCKS = 10
"""Of runs, and as many of bare tasks in turn with them: the machine is faster at times."""


@dataclass(kw_only=True, slots=True)
class Clock:
    """The seconds that each block took: by the clock, and of this process's CPU."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time a block."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


class BareTasks:
    """Tasks of Ray's that do what the runs do, by the shortest code that has as many at a time.

    Args:
        isolate: whether each has a fresh process, which imports the same.
        window: how many at a time.
    """

    def __init__(self, *, isolate: bool, window: int) -> None:
        self._ray, self._window = import_ray(), window
        options = {"num_cpus": 1, "max_retries": 0, "max_calls": 1 if isolate else 0}
        self._task: Any = self._ray.remote(**options)(end_at_once)

    def run(self, jobs: Sequence[Job]) -> None:
        """Until all are over."""
        folder, pending = str(Path.cwd()), list[Any]()
        for job in jobs:
            if len(pending) == self._window:
                ended, pending = self._ray.wait(pending)
                self._ray.get(ended)
            pending.append(self._task.remote(job, folder))
        self._ray.get(pending)


def sweep_by_ray(
    plan: SweepPlan, *, isolate: bool, listener_of: Callable[[Callable[[Job], None]], SweepListener]
) -> dict[str, object]:
    """A sweep of runs that do nothing; the figures of a run.

    Args:
        plan: says how many, and where.
        isolate: whether each has a fresh process.
        listener_of: makes who is told of the runs, from what it has to call with each that is over.
    """
    connect(None)
    try:
        engine = RayEngine(plan.store, isolate=isolate, make_run=end_at_once)
        tasks = BareTasks(isolate=isolate, window=engine.capacity)
        tasks.run([*islice(plan.jobs(), 2 * engine.capacity)])  # processes are there, or are known
        bare, swept = Clock(), Clock()
        size = -(-len(plan.run_ids) // BLOCKS)

        def batches() -> Generator[Sequence[Job], None, None]:
            jobs = plan.jobs()
            while block := [*islice(jobs, size)]:
                with bare.running():
                    tasks.run(block)
                with swept.running():
                    yield block  # until all of it are over

        stream = JobStream(batches())
        driver = SweepDriver(stream, engine, listener_of(stream.end), StopRequest())
        assert driver.run() == "over"
    finally:
        disconnect()
    return {"at a time": engine.capacity, **figures(swept, bare, size)}


def figures(swept: Clock, bare: Clock, size: int) -> dict[str, object]:
    """Milliseconds a run, of these beyond a bare task's, with the error of that mean, and the ratio of both."""
    found: dict[str, object] = {}
    for name in ("wall", "cpu"):
        ours, theirs = ([1000 * s / size for s in getattr(clock, name)] for clock in (swept, bare))
        more = [our - their for our, their in zip(ours, theirs, strict=True)]
        found["each ms" if name == "wall" else "driver's CPU ms"] = {
            "run": round(statistics.mean(ours), 2),
            "bare task": round(statistics.mean(theirs), 2),
            "more": round(statistics.mean(more), 2),
            "±": round(2 * statistics.stdev(more) / len(more) ** 0.5, 2),
            "ratio": round(statistics.mean(ours) / statistics.mean(theirs), 3),
        }
    return found
