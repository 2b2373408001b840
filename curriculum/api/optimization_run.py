"""Carries out a search over curricula as a sweep whose runs depend on what those before them come to."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from rich.console import Console

from curriculum import comparison, record, report, sweeps
from curriculum.api.curriculum_search import CurriculumSearch
from curriculum.api.optimization_plan import OptimizationPlan
from curriculum.api.optimization_result import OptimizationResult
from curriculum.api.stored_study import StoredStudy
from curriculum.learn import StopRequest
from curriculum.processes import ERRORS


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchOutcome:
    """What a call of a search came to.

    Attributes:
        status: `over`, `interrupted` by a signal, or `cancelled` by somebody in another process.
        result: all that was found; None where it is not over.
        signal: the number of the one that interrupted it.
    """

    status: str
    result: OptimizationResult | None = None
    signal: int | None = None


def search(
    plan: OptimizationPlan,
    console: Console,
    engine: sweeps.Engine | None = None,
    *,
    mirror: bool = True,
    wait: bool = False,
    begin: Callable[[], object] = lambda: None,
) -> SearchOutcome:
    """Carry out a search, with progress; see `curriculum.optimize`.

    `begin` is called once nothing refuses it, before its first run.

    Raises:
        UsageError: where another process carries out the same search, the store can't be written, or a run
            can't be made.
        RunFailed: where a run can't continue.
    """
    stop, settings = StopRequest(signal.SIGINT, signal.SIGTERM), plan.settings
    files = sweeps.SweepFiles(record.Store(settings.store), plan.id)
    copies = None
    if mirror:
        copies = sweeps.SweepMirror(
            files,
            settings.store,
            tracking_uri=settings.tracking_uri,
            optuna_storage=settings.optuna_storage,
        )
    with (
        files.driven(plan.record),
        report.OptimizationProgress(
            plan.experiment.name, console, trials=settings.trials
        ) as progress,
    ):
        taker = _Taker(progress, files, copies, stop)
        made = CurriculumSearch(plan, taker, StoredStudy(plan))
        begin()
        taker.stream = stream = sweeps.JobStream(made.batches())
        call = sweeps.SweepCall(files, taker, copies, stop)
        try:
            outcome = call.drive(stream, engine or _engine(plan, stop, taker, made), wait=wait)
        except KeyboardInterrupt:
            return SearchOutcome(status="interrupted", signal=stop.signal)
        if taker.failure is not None:
            raise ERRORS[taker.failure.kind](taker.failure.sentence)
        if outcome.status != "over":
            return SearchOutcome(status=outcome.status, signal=outcome.signal)
        files.complete()
    found = stream.result
    result = OptimizationResult(found, plan.command(found.best), plan.storage)
    return SearchOutcome(status="over", result=result)


def _engine(
    plan: OptimizationPlan, stop: StopRequest, taker: _Taker, made: CurriculumSearch
) -> sweeps.Engine:
    """This process for one job at a time; it takes a user's own classes without their file."""
    if plan.settings.jobs > 1:
        return sweeps.LocalEngine(plan.settings.jobs)
    known = made.experiments
    return sweeps.InProcessEngine(stop, taker.on_any_progress, lambda job: known[job.run_id])


class _Taker:
    """Keeps which runs there are, tells the stream what is over, and has the first failure stop the rest.

    A listener is told of all.
    """

    def __init__(
        self,
        listener: report.OptimizationProgress,
        files: sweeps.SweepFiles,
        copies: sweeps.SweepMirror | None,
        stop: StopRequest,
    ) -> None:
        self.failure: sweeps.JobFailed | None = None
        self.stream: sweeps.JobStream[comparison.Optimization] | None = None
        self._listener, self._files, self._copies, self._stop = listener, files, copies, stop
        self._job: sweeps.Job | None = None

    def on_runs(self, run_ids: Sequence[str], done: Collection[str]) -> None:
        """A rung has these runs, of which some are over."""
        self._files.add_runs(run_ids)
        if self._copies is not None:
            for run_id in done:
                self._copies.add(run_id)
        self._listener.on_runs(len(run_ids), len(done))

    def on_rung(self, number: int, racing: int, trials: int) -> None:
        self._listener.on_rung(number, racing, trials)

    def on_round(self, trials: Sequence[comparison.CurriculumTrial]) -> None:
        self._listener.on_round(trials)

    def on_confirmation(self, best: comparison.CurriculumTrial) -> None:
        self._listener.on_confirmation(best)

    def on_any_progress(self, progress: sweeps.JobProgress) -> None:
        """Progress of the run that was started last, where this process makes one at a time."""
        assert self._job is not None
        if self._files.cancel_is_requested:  # the driver waits for the run's end
            self._stop.request()
        self.on_progress(self._job, progress)

    def on_start(self, job: sweeps.Job) -> None:
        self._job = job
        self._listener.on_start(job)

    def on_progress(self, job: sweeps.Job, progress: sweeps.JobProgress) -> None:
        self._listener.on_progress(job, progress)

    def on_end(self, job: sweeps.Job, ended: sweeps.JobEnded) -> None:
        assert self.stream is not None
        self.stream.end(job)
        self._listener.on_end(job, ended)

    def on_failure(self, job: sweeps.Job, failed: sweeps.JobFailed) -> None:
        self.failure = self.failure or failed
        self._listener.on_failure(job, failed)
        self._stop.request()

    def on_loss(self, job: sweeps.Job, reason: str) -> None:
        self._listener.on_loss(job, reason)
