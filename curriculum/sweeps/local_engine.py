"""Makes runs in processes of this machine: each makes one at a time, and many one after another."""

from __future__ import annotations

import logging
import time
from collections import deque
from multiprocessing.connection import wait
from typing import Any, Self

from curriculum.errors import RunFailed, UsageError
from curriculum.processes import Worker, WorkerGone, WorkerNotStarted, usable_cores
from curriculum.record import decode, encode
from curriculum.sweeps.engine import (
    JobEnded,
    JobEvent,
    JobFailed,
    JobHeld,
    JobLost,
    JobProgress,
)
from curriculum.sweeps.job import Job

EVENTS: dict[str, Any] = {
    kind.__name__: kind for kind in (JobProgress, JobEnded, JobFailed, JobHeld)
}
"""What a worker sends, by name."""

MODULE = "curriculum.sweeps.worker"

START_SECONDS = 60.0
"""How long a process that the system has no room for is tried again while no other runs."""

RETRY_SECONDS = 0.5
"""How often."""

log = logging.getLogger(__name__)


class LocalEngine:
    """An `Engine` of this machine's processes.

    A process that dies costs the run that it made, and is replaced by another. Where the system has no room
    for as many as asked for, fewer runs are made at a time.

    Args:
        jobs: how many runs at a time; by default as many as there are cores for, each run with the
            threads that it takes.
        isolate: whether each run has a fresh process.
        module: that the processes execute.
    """

    def __init__(
        self, jobs: int | None = None, *, isolate: bool = False, module: str = MODULE
    ) -> None:
        if jobs is not None and jobs < 1:
            raise UsageError(f"jobs must be at least 1, got {jobs}")
        self._jobs, self._isolate, self._module = jobs, isolate, module
        self._idle: list[_RunWorker] = []
        self._busy: dict[Any, _RunWorker] = {}
        self._pending: deque[Job] = deque()
        self._events: deque[JobEvent] = deque()
        self._told: set[str] = set()  # of those that wait
        self._cancelled = False
        self._refused: WorkerNotStarted | None = None
        self._refused_since = 0.0

    @property
    def capacity(self) -> int:
        """As many as run at a time."""
        return self._jobs or usable_cores()

    def submit(self, job: Job) -> None:
        """Have a run made as soon as a process is free for it."""
        self._pending.append(job)
        self._start_pending()
        if self._pending and self._pending[-1] is job:
            self._told.add(job.run_id)
            self._events.append(JobProgress(run_id=job.run_id, waits_for="free cores"))

    def next(self, timeout: float) -> JobEvent | None:
        """The next event; None where so many seconds pass without one.

        Raises:
            RunFailed: where no process can be started, and none runs.
        """
        end = time.monotonic() + timeout
        while not self._events:
            left = max(0.0, end - time.monotonic())
            seconds = left if self._refused is None else min(left, RETRY_SECONDS)
            for pipe in wait([*self._busy], seconds):
                self._take(self._busy[pipe])
            self._start_pending()
            self._check_starts()
            if seconds == left:
                break
        return self._events.popleft() if self._events else None

    def cancel(self) -> None:
        """Ask all runs to save themselves and to end."""
        self._cancelled = True
        while self._pending:
            job = self._pending.popleft()
            self._events.append(JobEnded(run_id=job.run_id, status="interrupted"))
        for worker in self._busy.values():
            worker.terminate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """What is idle ends by itself; what still runs was not asked to, or not waited for."""
        for worker in self._idle:
            worker.close()
        for worker in (*self._busy.values(), *self._idle):
            if worker.job is not None:
                worker.kill()
            worker.wait()

    def _start_pending(self) -> None:
        """Start what there is room for, in order, so that none waits for ever."""
        while self._pending and not self._cancelled and self._has_room(self._pending[0]):
            worker = self._free_worker()
            if worker is None:
                return
            job = self._pending.popleft()
            if job.run_id in self._told:
                self._told.remove(job.run_id)
                self._events.append(JobProgress(run_id=job.run_id))
            try:
                worker.start(job)
            except WorkerGone as error:  # while it was idle
                worker.kill()
                self._events.append(JobLost(run_id=job.run_id, reason=str(error)))
                continue
            self._busy[worker.pipe] = worker

    def _free_worker(self) -> _RunWorker | None:
        """A process that makes no run; None where there is none, and the system starts no other now."""
        if self._idle:
            return self._idle.pop()
        try:
            worker = _RunWorker(self._module)
        except WorkerNotStarted as error:
            if self._refused is None:
                log.warning(
                    "a worker process can't be started (%s); fewer runs are made at a time until one can",
                    error.reason,
                )
                self._refused_since = time.monotonic()
            self._refused = error
            return None
        self._refused = None
        return worker

    def _check_starts(self) -> None:
        """Check that a run is made, or that a process may yet be started for one.

        Raises:
            RunFailed: where neither is so.
        """
        refused = self._refused
        if self._busy or self._events:
            self._refused_since = time.monotonic()
            return
        if refused is None or not self._pending:
            return
        waited = time.monotonic() - self._refused_since
        if self._cancelled or (refused.is_passing and waited < START_SECONDS):
            return
        raise refused

    def _has_room(self, job: Job) -> bool:
        if self._jobs is not None:
            return len(self._busy) < self._jobs
        used = sum(worker.threads for worker in self._busy.values())
        return not self._busy or used + job.threads <= usable_cores()

    def _take(self, worker: _RunWorker) -> None:
        """Take a worker's message; with its last, or its death, it is free for another run."""
        pipe, event = worker.pipe, worker.take()
        self._events.append(event)
        if isinstance(event, JobProgress):
            return
        del self._busy[pipe]
        if isinstance(event, JobLost):
            worker.kill()
        elif self._isolate or self._cancelled:
            worker.close()
            worker.wait()
        else:
            self._idle.append(worker)


class _RunWorker(Worker):
    """A process that makes runs.

    Attributes:
        job: the one that it makes; None while it makes none.
    """

    def __init__(self, module: str) -> None:
        super().__init__(module)
        self.job: Job | None = None

    @property
    def threads(self) -> int:
        """That its run takes."""
        return 0 if self.job is None else self.job.threads

    def start(self, job: Job) -> None:
        self.job = job  # before it is sent: whoever is interrupted here must end it
        self.request("run", {"job": encode(job)})

    def take(self) -> JobEvent:
        job = self.job
        assert job is not None
        try:
            message = self.receive()
        except WorkerGone as error:
            self.job = None
            return JobLost(run_id=job.run_id, reason=str(error))
        except (UsageError, RunFailed, RuntimeError) as error:  # it could not read its job, say
            self.job = None
            return JobFailed(run_id=job.run_id, sentence=str(error), kind="unknown")
        if message.last:
            self.job = None
        event: JobEvent = decode(EVENTS[message.content["kind"]], message.content["event"])
        return event
