"""Makes runs in this process, one after another: no start of another process, and a user's own objects."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Self

from curriculum.config import Experiment
from curriculum.learn import StopRequest
from curriculum.sweeps.engine import JobEnded, JobEvent, JobProgress, carry_out
from curriculum.sweeps.job import Job


class InProcessEngine:
    """An `Engine` that makes a run while `next` waits for it. A process that dies takes the sweep along.

    Args:
        stop: asks the run to save itself, and to end: what asks the sweep.
        on_progress: called with a run's progress, which `next` can't give.
        experiment_of: the experiment of a job, where a user's own classes have no file.
    """

    capacity = 1

    def __init__(
        self,
        stop: StopRequest,
        on_progress: Callable[[JobProgress], None],
        experiment_of: Callable[[Job], Experiment | None] = lambda job: None,
    ) -> None:
        self._stop, self._on_progress, self._experiment_of = stop, on_progress, experiment_of
        self._waiting: deque[Job] = deque()
        self._cancelled = False

    def submit(self, job: Job) -> None:
        """Have a run made when `next` is called."""
        self._waiting.append(job)

    def next(self, timeout: float) -> JobEvent | None:
        """Make the run that was submitted, however long that takes, and give what it came to."""
        if not self._waiting:
            return None
        job = self._waiting.popleft()
        if self._cancelled:
            return JobEnded(run_id=job.run_id, status="interrupted")
        return carry_out(job, self._on_progress, self._stop, self._experiment_of(job))

    def cancel(self) -> None:
        """Make none of the runs that were submitted."""
        self._cancelled = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.clear()
