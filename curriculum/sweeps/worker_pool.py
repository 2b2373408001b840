"""Processes that each make one run of a sweep at a time, and report its progress."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.connection import wait

from curriculum.errors import RunFailed
from curriculum.processes import Worker, WorkerGone
from curriculum.record import Evaluated, History, Result, Store, decode, encode
from curriculum.sweeps.comparison_job import Job, SweepSettings

Progress = tuple[Evaluated, float]
"""A run's newest evaluation, and the seconds since its start."""


class WorkerPool:
    """Use it in a `with`; leaving it stops what is running in order, so that it can be resumed."""

    def __init__(self, jobs: int, settings: SweepSettings) -> None:
        self._workers = [_RunWorker(settings) for _ in range(jobs)]

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for worker in self._workers:
                worker.stop()
            for worker in self._workers:
                worker.wait_until_stopped()
        finally:
            for worker in self._workers:
                worker.kill()

    @property
    def has_idle_worker(self) -> bool:
        return any(worker.job is None for worker in self._workers)

    @property
    def is_busy(self) -> bool:
        """Whether any worker makes a run."""
        return any(worker.job is not None for worker in self._workers)

    def start(self, job: Job) -> None:
        """Have an idle worker make this run."""
        next(worker for worker in self._workers if worker.job is None).start(job)

    def messages(self) -> Iterator[tuple[Job, Progress | Result]]:
        """What comes next from running jobs: their progress, and what they came to.

        Raises:
            RunFailed: where a worker is gone.
            UsageError: what a run raises.
        """
        busy = {worker.pipe: worker for worker in self._workers if worker.job is not None}
        for pipe in wait(list(busy)):
            yield busy[pipe].take()  # type: ignore[index]  # it is one of them


class _RunWorker(Worker):
    """A worker that makes runs.

    Attributes:
        job: the run that it makes; None while it makes none.
    """

    def __init__(self, settings: SweepSettings) -> None:
        super().__init__("curriculum.sweeps.worker")
        self.job: Job | None = None
        self._settings = settings
        self._store = Store(settings.store)

    def start(self, job: Job) -> None:
        self.job = job  # before it is sent: whoever is interrupted here must wait for it
        try:
            self.request("run", {"settings": encode(self._settings), "job": encode(job)})
        except WorkerGone as error:
            self.job = None
            raise _killed() from error

    def take(self) -> tuple[Job, Progress | Result]:
        job = self.job
        assert job is not None
        try:
            message = self.receive()
        except WorkerGone as error:
            self.job = None
            raise _killed() from error
        except Exception:
            self.job = None
            raise
        if not message.last:
            progress = decode(Evaluated, message.content["evaluation"])
            return job, (progress, float(message.content["seconds"]))
        self.job = None
        return job, History.of(self._store.find(message.content["run_id"])).result()

    def stop(self) -> None:
        """Ask for an end: at once if it is idle, else once its run has saved itself."""
        if self.job is None:
            self.close()
        else:
            self.terminate()

    def wait_until_stopped(self) -> None:
        """Wait until it has stopped, whatever it still has to say."""
        while self.job is not None:
            try:
                self.take()
            except Exception:
                self.job = None
        self.close()
        self.wait()


def _killed() -> RunFailed:
    return RunFailed(
        "a process of the comparison was killed, perhaps for want of memory; the same command "
        "continues it, with fewer --jobs if need be"
    )
