"""Drives an engine through the runs of a sweep: what is next, what is tried again, when to stop."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from curriculum.learn import StopRequest
from curriculum.sweeps.engine import (
    Engine,
    JobEnded,
    JobEvent,
    JobFailed,
    JobHeld,
    JobLost,
    JobProgress,
    is_held,
)
from curriculum.sweeps.job import Job

MOST_LOSSES = 3
"""After which a run is tried again: what takes its process along more often does it every time."""

TICK_SECONDS = 0.5
"""How long a request to stop may wait."""

HELD_SECONDS = 2.0
"""How often it is seen whether a run that another process makes is still held."""


class SweepListener(Protocol):
    """Receives the progress of a sweep."""

    def on_start(self, job: Job) -> None:
        """A run was handed to the engine."""

    def on_progress(self, job: Job, progress: JobProgress) -> None:
        """A run was evaluated, or waits, or begins after that."""

    def on_end(self, job: Job, ended: JobEnded) -> None:
        """A run is over."""

    def on_failure(self, job: Job, failed: JobFailed) -> None:
        """A run can't be made; the others are."""

    def on_loss(self, job: Job, reason: str) -> None:
        """A run's process is gone, or another process makes it: it is tried again."""


@dataclass(slots=True)
class SweepDriver:
    """Has an engine make runs, each once, until all are over or it is asked to stop.

    Only jobs that the engine has room for are drawn from `jobs`. A run whose process is lost is submitted
    again, as long as that is not too often; one that another process makes is waited for; one that fails
    stops no other.

    Attributes:
        jobs: the runs to make, in order.
        stop: asks all runs to save themselves and to end, as SIGINT does.
        stop_requested: whether somebody else asks for it; called at most once a tick.
        tick_seconds: how long a request to stop may wait.
    """

    jobs: Iterable[Job]
    engine: Engine
    listener: SweepListener
    stop: StopRequest
    stop_requested: Callable[[], bool] = lambda: False
    tick_seconds: float = TICK_SECONDS
    _running: dict[str, Job] = field(default_factory=dict, init=False)
    _again: deque[Job] = field(default_factory=deque, init=False)
    _held: dict[str, Job] = field(default_factory=dict, init=False)
    _losses: dict[str, int] = field(default_factory=dict, init=False)
    _looked: float = field(default=-math.inf, init=False)
    _asked: float = field(default=-math.inf, init=False)

    def run(self) -> Literal["over", "interrupted"]:
        """Make the runs, and return whether they are over, or some were left for the next call.

        Raises:
            RunFailed: where the engine can't continue; what runs was asked to save itself.
            KeyboardInterrupt: at a second SIGINT, which waits for nothing.
        """
        waiting = iter(self.jobs)
        with self.stop.listening(), self.engine:
            try:
                while not self._is_asked_to_stop():
                    self._submit(waiting)
                    if self._running:
                        self._take(self.engine.next(self.tick_seconds))
                    elif self._held:
                        time.sleep(self.tick_seconds)
                    else:
                        return "over"
            except Exception:
                self._wind_up()
                raise
            self._wind_up()
        return "interrupted"

    def _is_asked_to_stop(self) -> bool:
        if not self.stop.requested and time.monotonic() - self._asked >= self.tick_seconds:
            self._asked = time.monotonic()
            if self.stop_requested():
                self.stop.request()
        return self.stop.requested

    def _submit(self, waiting: Iterable[Job]) -> None:
        """Hand the engine what it has room for: first what was tried before."""
        self._take_up_held()
        while len(self._running) < self.engine.capacity:
            job = self._again.popleft() if self._again else next(iter(waiting), None)
            if job is None:
                return
            self.engine.submit(job)
            self._running[job.run_id] = job
            self.listener.on_start(job)

    def _take_up_held(self) -> None:
        """Have those that no other process makes any more taken up."""
        if not self._held or time.monotonic() - self._looked < HELD_SECONDS:
            return
        self._looked = time.monotonic()
        for run_id, job in [*self._held.items()]:
            if not is_held(job):  # or not readable: the run itself will say so
                del self._held[run_id]
                self._again.append(job)

    def _take(self, event: JobEvent | None) -> None:
        if event is None:
            return
        if isinstance(event, JobProgress):
            self.listener.on_progress(self._running[event.run_id], event)
            return
        job = self._running.pop(event.run_id)
        if isinstance(event, JobEnded) and event.is_over:
            self._losses.pop(event.run_id, None)
            self.listener.on_end(job, event)
        elif isinstance(event, JobFailed):
            self.listener.on_failure(job, event)
        elif self._is_asked_to_stop():
            return  # the next call continues it
        elif isinstance(event, JobHeld):
            self._held[event.run_id] = job
            self.listener.on_loss(job, "another process makes it, and has to end first")
        else:
            self._try_again(job, event)

    def _try_again(self, job: Job, event: JobLost | JobEnded) -> None:
        """Have a run made once more that was lost, or whose process somebody has asked to end."""
        reason = event.reason if isinstance(event, JobLost) else "its process was asked to end"
        lost = self._losses.get(job.run_id, 0) + 1
        self._losses[job.run_id] = lost
        if lost <= MOST_LOSSES:
            self._again.append(job)
            self.listener.on_loss(job, reason)
            return
        sentence = f"run {job.run_id} was lost {lost} times, and is not tried again: {reason}"
        self.listener.on_failure(
            job, JobFailed(run_id=job.run_id, sentence=sentence, kind="failed")
        )

    def _wind_up(self) -> None:
        """Have what runs save itself and end, and wait for that."""
        self.stop.request(self.stop.signal)
        self.engine.cancel()
        while self._running:
            self._take(self.engine.next(self.tick_seconds))
