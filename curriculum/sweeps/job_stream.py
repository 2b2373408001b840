"""Jobs in batches, each of which depends on what came of those before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import Generic, TypeVar

from curriculum.sweeps.job import Job

T = TypeVar("T")


class JobStream(Generic[T]):
    """Gives a driver the jobs of a batch, and those of the next once all of it are over.

    Unlike other iterators it may give more after it has had none to give: while jobs are being made, what
    comes next isn't known.

    Attributes:
        given: how many jobs there were so far.
    """

    def __init__(self, batches: Generator[Sequence[Job], None, T]) -> None:
        """Of a generator that is continued when all jobs of its batch are over."""
        self.given = 0
        self._batches = batches
        self._waiting: deque[Job] = deque()
        self._running: set[str] = set()
        self._result: T | None = None
        self._is_over = False

    @property
    def result(self) -> T:
        """What the generator returned."""
        assert self._is_over, "jobs are left"
        return self._result  # type: ignore[return-value]  # it has returned

    def __iter__(self) -> Iterator[Job]:
        return self

    def __next__(self) -> Job:
        while not (self._waiting or self._running or self._is_over):
            self._begin_batch()
        if not self._waiting:
            raise StopIteration
        job = self._waiting.popleft()
        self._running.add(job.run_id)
        return job

    def end(self, job: Job) -> None:
        """Take note that a job is over."""
        self._running.discard(job.run_id)

    def _begin_batch(self) -> None:
        try:
            batch = next(self._batches)
        except StopIteration as over:
            self._is_over, self._result = True, over.value
            return
        self._waiting.extend({job.run_id: job for job in batch}.values())
        self.given += len(self._waiting)
