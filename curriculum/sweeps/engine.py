"""Where a sweep's runs are made: the protocol of an engine, and what it reports.

An engine takes jobs and makes their runs, in processes of this machine or of many. It decides nothing:
which runs there are, which are missing, and what is tried again is up to who drives it.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from curriculum.config import Experiment
from curriculum.errors import RunFailed, UsageError
from curriculum.learn import StopRequest
from curriculum.plan import Budget, Stage
from curriculum.record import Evaluated, LeaseLost, Record, Result, RunHeld, Store
from curriculum.sweeps.job import Job, make_run, restore_job

PROGRESS_SECONDS = 0.5
"""A run's evaluations are passed on no more often."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobProgress:
    """How far a run is: it was evaluated; or it waits, or begins after that.

    Attributes:
        stage: that training stands at, in the task's words: of those that it draws from the hardest; empty
            before it was evaluated.
        part: that is done: of the run's budget, or where that has no limit, of the path; in [0, 1].
        seconds: since the run's start.
        waits_for: what it needs before a process can make it, such as `free cores`; empty for nothing.
    """

    run_id: str
    stage: str = ""
    part: float = 0.0
    seconds: float = 0.0
    waits_for: str = ""

    @classmethod
    def of(cls, run_id: str, experiment: Experiment, record: Record, event: Evaluated) -> Self:
        """The event of a run's record of an evaluation."""
        path, seconds = experiment.growth.path(), record.clock.seconds
        stage = _stage_trained_on(experiment, path, event)
        return cls(
            run_id=run_id,
            stage=experiment.axis_names.brief(stage, path),
            part=_part_done(experiment.budget, path, event, seconds),
            seconds=seconds,
        )


def _stage_trained_on(experiment: Experiment, path: Sequence[Stage], event: Evaluated) -> Stage:
    """The hardest: that which was evaluated, unless the pacing goes by something else."""
    pacing = experiment.pacing
    if pacing.waits_for_mastery or event.stage not in path:
        return event.stage
    used = experiment.budget.fraction_used(event.cost + event.discarded_cost)
    return path[pacing.frontier_on(path, path.index(event.stage), used)]


def _part_done(budget: Budget, path: Sequence[Stage], event: Evaluated, seconds: float) -> float:
    if budget.seconds is not None:
        return min(1.0, seconds / budget.seconds)
    if budget.limits_run:
        return budget.fraction_used(event.cost + event.discarded_cost)
    return min(event.visit, len(path)) / len(path)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobEnded:
    """A run is over, or was interrupted and has saved itself.

    Attributes:
        status: as a run's result has it: `reached` or `stopped`, or else `interrupted`.
        reach: the hardest stage passed, in the task's words; empty for none.
        steps: optimizer steps, trials included; so are tokens and compute.
        seconds: that it took, over all its resumes.
    """

    run_id: str
    status: str
    reach: str = ""
    steps: int = 0
    tokens: int = 0
    compute: float = 0.0
    seconds: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do of the run."""
        return self.status != "interrupted"

    @classmethod
    def of(cls, result: Result, experiment: Experiment) -> Self:
        """The event of a run with that result."""
        axes, path = experiment.axis_names, experiment.growth.path()
        reach = "" if result.reach is None else axes.brief(result.reach, path)
        return cls(
            run_id=result.run_id,
            status=result.status,
            reach=reach + (" (ready)" if reach and result.reach_verdict == "ready" else ""),
            steps=result.steps,
            tokens=result.tokens,
            compute=result.compute,
            seconds=result.seconds,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFailed:
    """A run can't be made, or can't continue; trying again would not help.

    Attributes:
        sentence: what it raised.
        kind: `usage` for a mistake, `failed` for a run that can't continue; `unknown` for any other error.
    """

    run_id: str
    sentence: str
    kind: Literal["usage", "failed", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class JobHeld:
    """A run is being made by a process of somebody else's, such as another sweep's."""

    run_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JobLost:
    """The process or the machine that made a run is gone. The run can be resumed.

    Attributes:
        reason: in words.
    """

    run_id: str
    reason: str


JobOutcome = JobEnded | JobFailed | JobHeld
"""The last event of a job whose process lives."""

JobEvent = JobProgress | JobOutcome | JobLost


class Engine(Protocol):
    """Makes runs, several at a time. Use it in a `with`: leaving it ends whatever still runs.

    Each job that was submitted is reported by one event that is no `JobProgress`, in any order; a job may
    be submitted again after that.
    """

    @property
    def capacity(self) -> int:
        """How many jobs may be submitted and not yet reported; it may change while the engine is used."""

    def submit(self, job: Job) -> None:
        """Have a run made as soon as there is room for it.

        Raises:
            UsageError: where the engine can never make it, such as for want of a GPU.
        """

    def next(self, timeout: float) -> JobEvent | None:
        """The next event; None where so many seconds pass without one.

        Raises:
            RunFailed: where the engine itself can't continue.
        """

    def cancel(self) -> None:
        """Ask all runs to save themselves and to end, which `next` reports; it does not wait."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def carry_out(
    job: Job,
    send: Callable[[JobProgress], None],
    stop: StopRequest,
    experiment: Experiment | None = None,
) -> JobOutcome:
    """Make a job's run in this process, in the main thread, and give what it came to. It raises nothing.

    This is what an engine has its processes do.

    Args:
        job: says which run.
        send: called with the run's progress, at most twice a second.
        stop: asks the run to save itself, and to end.
        experiment: the job's; by default it is made of what the job holds.
    """
    sent = -PROGRESS_SECONDS

    def listener(record: Record) -> None:
        nonlocal sent
        now = time.monotonic()
        if isinstance(record.event, Evaluated) and now - sent >= PROGRESS_SECONDS:
            sent = now
            send(JobProgress.of(job.run_id, made, record, record.event))

    try:
        made = experiment or restore_job(job)
        return JobEnded.of(make_run(job, listener, stop, made), made)
    except (RunHeld, LeaseLost):
        # Lost: this process was stopped for so long that another one has taken the run up.
        return JobHeld(run_id=job.run_id)
    except UsageError as error:
        if is_held(job):  # not by this process, which holds nothing any more
            return JobHeld(run_id=job.run_id)
        return JobFailed(run_id=job.run_id, sentence=str(error), kind="usage")
    except RunFailed as error:
        return JobFailed(run_id=job.run_id, sentence=str(error), kind="failed")
    except (Exception, SystemExit):
        text = f"a run failed:\n{traceback.format_exc()}"
        return JobFailed(run_id=job.run_id, sentence=text, kind="unknown")


def is_held(job: Job) -> bool:
    """Whether some process makes the job's run, as far as its folder can be read."""
    try:
        return Store(job.store).folder(job.run_id).is_running
    except (UsageError, RunFailed):
        return False
