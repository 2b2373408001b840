"""Carries out a sweep: what its store has is not made again, and what was begun is continued."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from curriculum.errors import counted
from curriculum.learn import StopRequest
from curriculum.record import RunOverview, Store, installed_versions
from curriculum.sweeps.driver import SweepDriver, SweepListener
from curriculum.sweeps.engine import Engine, JobEnded, JobFailed, JobProgress
from curriculum.sweeps.job import Job
from curriculum.sweeps.sweep_files import SweepFiles
from curriculum.sweeps.sweep_mirror import SweepMirror
from curriculum.sweeps.sweep_plan import SweepPlan

log = logging.getLogger(__name__)

MOST_SENTENCES = 20
"""Of failures, that are kept to be told at the end; the store has all."""


@dataclass(slots=True)
class SweepOutcome:
    """What a call of a sweep came to.

    Attributes:
        status: `over` where nothing is left to do, apart from what failed; else `interrupted`, by a signal,
            or `cancelled`, by somebody in another process.
        total: how many runs the sweep has.
        done: how many of them are over.
        failed: how many can't be made.
        failures: of some of these, by run, why.
        signal: the number of the one that interrupted it.
    """

    status: Literal["over", "interrupted", "cancelled"] = "interrupted"
    total: int = 0
    done: int = 0
    failed: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    signal: int | None = None


def _finished_runs(store: Store, wanted: Collection[str]) -> set[str]:
    """Those of the runs that are over; some of them may be of other versions, which is told."""
    now, done, other = installed_versions(), set[str](), 0
    for run_id, found in store.overviews():
        if run_id in wanted and isinstance(found, RunOverview) and found.totals.ended is not None:
            done.add(run_id)
            description = found.description
            versions = {**description.environment, "git_commit": description.git_commit}
            other += any(versions.get(name) != version for name, version in now.items())
    if other:
        log.warning(
            "%s of those that are over %s made by other versions of this package or of libraries, and stay as "
            "they are; 'compare' leaves out what doesn't match",
            counted(other, "run"),
            "was" if other == 1 else "were",
        )
    return done


def run_sweep(
    plan: SweepPlan,
    engine: Engine,
    listener_of: Callable[[int], SweepListener],
    *,
    mirror: bool = True,
    wait: bool = False,
) -> SweepOutcome:
    """Make what is missing of a sweep.

    Args:
        plan: says which runs it has.
        engine: makes them.
        listener_of: makes who is told of the progress, from how many runs are over already.
        mirror: whether a process beside this one copies the runs into MLflow as they go.
        wait: whether to wait, at the end, until it has done so.

    Raises:
        UsageError: where another process drives the same sweep, or the store can't be written, or its file system
            doesn't keep what runs rely on, or Optuna's storage can't be reached.
        RunFailed: where the engine can't continue.
    """
    store, stop = Store(plan.store), StopRequest(signal.SIGINT, signal.SIGTERM)
    plan.check_storage()
    files = SweepFiles(store, plan.id)
    with files.driven(plan.record):
        store.remove_leftovers()
        done = _finished_runs(store, frozenset(plan.run_ids))
        copies = None
        if mirror:
            copies = SweepMirror(
                files,
                plan.store,
                tracking_uri=plan.tracking_uri,
                optuna_storage=plan.optuna_storage,
            )
        call = SweepCall(files, listener_of(len(done)), copies, stop)
        call.outcome.total, call.outcome.done = len(plan.run_ids), len(done)
        begun = (run_id for run_id in plan.run_ids if run_id in done)
        return call.drive(plan.jobs(without=done), engine, done=begun, wait=wait)


@dataclass(slots=True)
class SweepCall:
    """One call of a sweep that this process drives: keeps what its runs come to, and has each copied.

    Attributes:
        files: of the sweep, which this process drives.
        listener: is told of all.
        copies: has the runs copied into MLflow; None for not at all.
        stop: asks all runs to save themselves, and to end.
        outcome: what the call came to so far.
    """

    files: SweepFiles
    listener: SweepListener
    copies: SweepMirror | None
    stop: StopRequest
    outcome: SweepOutcome = field(default_factory=SweepOutcome)
    _failed_before: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._failed_before = {*self.files.failures()}

    def drive(
        self, jobs: Iterable[Job], engine: Engine, *, done: Iterable[str] = (), wait: bool = False
    ) -> SweepOutcome:
        """Have the jobs made, until all are over, or this process or another one asks for the end.

        Args:
            jobs: of the runs to make.
            engine: makes them.
            done: runs that are over already, to be copied where that is missing.
            wait: whether to wait, at the end, until MLflow has all runs.

        Raises:
            UsageError: where the store can't be written.
            RunFailed: where the engine can't continue.
            KeyboardInterrupt: at a second interrupt.
        """
        driver = SweepDriver(jobs, engine, self, self.stop, lambda: self.files.cancel_is_requested)
        ended: Literal["over", "interrupted"] = "interrupted"
        try:
            if self.copies is not None:
                self.copies.start(done)
            ended = driver.run()
        finally:
            if self.copies is not None:  # who interrupts a sweep waits for nothing more
                self.copies.end(wait=wait and ended == "over")
        is_cancelled = ended != "over" and self.files.cancel_is_requested
        self.outcome.status = "cancelled" if is_cancelled else ended
        self.outcome.signal = self.stop.signal
        return self.outcome

    def on_start(self, job: Job) -> None:
        """A run was handed to the engine."""
        if job.run_id in self._failed_before:
            self._failed_before.remove(job.run_id)
            self.files.forget_failure(job.run_id)
        if self.copies is not None:
            self.copies.add(job.run_id)
        self.listener.on_start(job)

    def on_progress(self, job: Job, progress: JobProgress) -> None:
        """A run was evaluated, or waits, or begins after that."""
        if self.copies is not None:
            self.copies.keep_alive()
        self.listener.on_progress(job, progress)

    def on_end(self, job: Job, ended: JobEnded) -> None:
        """A run is over."""
        self.outcome.done += 1
        if self.copies is not None:
            self.copies.add(job.run_id)
        self.listener.on_end(job, ended)

    def on_failure(self, job: Job, failed: JobFailed) -> None:
        """A run can't be made."""
        self.outcome.failed += 1
        if len(self.outcome.failures) < MOST_SENTENCES:
            self.outcome.failures[job.run_id] = failed.sentence
        self.files.note_failure(job.run_id, failed.sentence)
        self.listener.on_failure(job, failed)

    def on_loss(self, job: Job, reason: str) -> None:
        """A run is tried again."""
        self.listener.on_loss(job, reason)
