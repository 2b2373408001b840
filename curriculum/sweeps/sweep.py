"""The runs of a sweep: makes those that are missing, one after another or several at a time."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from curriculum import record
from curriculum.config import Experiment, deserialize
from curriculum.learn import isolated, resolve_device
from curriculum.sweeps.comparison_job import Job, SweepSettings, make_run
from curriculum.sweeps.grid import PlannedRun
from curriculum.sweeps.run_summary import NOT_OVER, RunSummary, provenance
from curriculum.sweeps.worker_pool import WorkerPool


class SweepListener(Protocol):
    """Receives the progress of a sweep."""

    def on_evaluation(self, run: PlannedRun, evaluation: record.Evaluated, seconds: float) -> None:
        """A run in progress was evaluated, so many seconds after its start."""

    def on_run_end(self, run: PlannedRun, result: record.Result) -> None:
        """A run is over."""


class Sweep:
    """The runs of a sweep: those that are done, and those that are missing.

    Attributes:
        settings: what all have in common.
        base: what the settings describe.
        runs: all of them.
        done: by planned run, the id of the one that is over, and can be compared.
        missing: what is to be run, and the id of a run to resume, if there is one.
    """

    def __init__(
        self, settings: SweepSettings, base: Experiment, runs: Sequence[PlannedRun]
    ) -> None:
        self.settings, self.base, self.runs = settings, base, runs
        self.done: dict[PlannedRun, str] = {}
        self.missing: dict[PlannedRun, str | None] = {}
        known = self._known(runs[0]) if runs else {}
        for run in runs:
            found = known.get(_key(run.seed, run.experiment.flat()))
            if found is not None and found.totals.ended is not None:
                self.done[run] = found.description.id
            else:
                self.missing[run] = None if found is None else found.description.id

    def run(self, jobs: int, listener: SweepListener) -> bool:
        """Make what is missing, and return whether all of it was made.

        A run that is interrupted saves itself, and the next call resumes it.

        Raises:
            RunFailed: where a run can't continue, or where a process was killed; the
                others have saved themselves.
        """
        try:
            return self._run_here(listener) if jobs == 1 else self._run_in_pool(jobs, listener)
        except KeyboardInterrupt:
            return False

    def _run_here(self, listener: SweepListener) -> bool:
        for run, run_id in self.missing.items():

            def on_record(entry: record.Record, run: PlannedRun = run) -> None:
                if isinstance(entry.event, record.Evaluated):
                    listener.on_evaluation(run, entry.event, entry.clock.seconds)

            result = make_run(self.settings, _job(run, run_id), on_record, self.base)
            if not self._take_result(run, result, listener):
                return False
        return True

    def _run_in_pool(self, jobs: int, listener: SweepListener) -> bool:
        """In processes of their own."""
        if self.settings.source is None:  # each has to make the experiment anew
            deserialize(json.loads(self.settings.experiment))
        runs = {_job(run, run_id): run for run, run_id in self.missing.items()}
        waiting = iter(runs)
        with WorkerPool(min(jobs, len(runs)), self.settings) as pool:
            while True:
                while pool.has_idle_worker and (job := next(waiting, None)) is not None:
                    pool.start(job)
                if not pool.is_busy:
                    return True
                for job, message in pool.messages():
                    if not isinstance(message, record.Result):
                        listener.on_evaluation(runs[job], *message)
                    elif not self._take_result(runs[job], message, listener):
                        return False

    def _take_result(self, run: PlannedRun, result: record.Result, listener: SweepListener) -> bool:
        """Whether a run is over, and not interrupted."""
        if result.status == "interrupted":
            return False
        self.done[run] = result.run_id
        listener.on_run_end(run, result)
        return True

    def _known(self, run: PlannedRun) -> dict[str, record.RunOverview]:
        """By seed and settings, the store's runs of today's provenance that may be compared.

        Of several the newest; but one that is over comes before any that is not.
        """
        settings, found = self.settings, dict[str, record.RunOverview]()
        source = None if settings.source is None else Path(settings.source)
        device = resolve_device(settings.device)
        with isolated(settings.threads):  # as the runs would be
            described = record.describe_run(run.experiment, run.seed, device, source=source)
        now = provenance(described)
        for _, overview in record.Store(settings.store).overviews(run.experiment.name):
            if not isinstance(overview, record.RunOverview):
                continue
            description = overview.description
            if provenance(description) != now:
                continue
            key = _key(description.seed, description.settings)
            over = key in found and found[key].totals.ended is not None
            comparable = RunSummary.of(overview).not_comparable in (None, NOT_OVER)
            if comparable and not (over and overview.totals.ended is None):
                found[key] = overview
        return found


def _job(run: PlannedRun, run_id: str | None) -> Job:
    return Job(run.strategy, run.seed, run.learning_rate, run_id)


def _key(seed: int, settings: Mapping[str, Any]) -> str:
    return json.dumps([seed, settings], sort_keys=True)
