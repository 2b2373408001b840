"""The runs of a comparison: makes those that are missing, here or in several processes."""

import json
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curriculum import record
from curriculum.config import Experiment, serialize
from curriculum.learn import StopRequest, isolated, resolve_device
from curriculum.processes import ERRORS
from curriculum.sweeps.driver import SweepDriver, SweepListener
from curriculum.sweeps.engine import Engine, JobEnded, JobFailed, JobProgress
from curriculum.sweeps.grid import Amount, PlannedRun, Until
from curriculum.sweeps.in_process_engine import InProcessEngine
from curriculum.sweeps.job import Job, restore_job
from curriculum.sweeps.local_engine import LocalEngine
from curriculum.sweeps.run_identity import planned_run_id, settled_part
from curriculum.sweeps.run_summary import NOT_OVER, RunSummary, provenance


@dataclass(frozen=True, slots=True)
class ComparisonSettings:
    """What all runs of a comparison have in common.

    Attributes:
        source: the user's file that defines its task or model.
        overrides: of its settings, as typed, for the record.
        amount: the budget of each strategy with each seed.
        store: the folder of the runs.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        threads: of each process.
        until: what they train until.
    """

    source: Path | None
    overrides: tuple[str, ...]
    amount: Amount
    store: Path
    device: str
    threads: int
    until: Until = "target"


class ComparisonRuns:
    """The runs of a comparison: those that are done, and those that are missing.

    Attributes:
        settings: what all have in common.
        base: the experiment, but for strategy, budget and learning rate.
        runs: all of them.
        done: by planned run, the id of the one that is over, and can be compared.
        missing: what is to be run, by its id: that of the run to resume, if there is one.
    """

    def __init__(
        self, settings: ComparisonSettings, base: Experiment, runs: Sequence[PlannedRun]
    ) -> None:
        self.settings, self.base, self.runs = settings, base, runs
        self.done: dict[PlannedRun, str] = {}
        self.missing: dict[str, PlannedRun] = {}
        if not runs:
            return
        now = self._provenance(runs[0])
        known, taken = self._known(now)
        for run in runs:
            found = known.get(_key(run.seed, run.experiment.flat()))
            if found is None:
                self.missing[self._new_id(run, now, taken)] = run
            elif found.totals.ended is not None:
                self.done[run] = found.description.id
            else:
                self.missing[found.description.id] = run

    def run(self, jobs: int, listener: SweepListener) -> bool:
        """Make what is missing, and return whether all of it was made.

        A run that is interrupted saves itself, and the next call resumes it.

        Raises:
            UsageError, RunFailed: where a run can't continue; the others have saved themselves.
        """
        if self.missing:
            record.check_shared_store(record.Store(self.settings.store).root)
        stop = StopRequest(signal.SIGINT, signal.SIGTERM)
        taker = _ResultTaker(self, listener, stop)
        engine: Engine
        if jobs == 1 or not self.missing:
            experiments = {run_id: run.experiment for run_id, run in self.missing.items()}
            engine = InProcessEngine(stop, taker.on_any_progress, lambda j: experiments[j.run_id])
        else:
            engine = LocalEngine(min(jobs, len(self.missing)))
            if self.settings.source is None:  # each process has to make the experiment anew
                restore_job(next(self._jobs()))
        try:
            ended = SweepDriver(self._jobs(), engine, taker, stop).run()
        except KeyboardInterrupt:
            return False
        if taker.failure is not None:
            raise ERRORS[taker.failure.kind](taker.failure.sentence)
        return ended == "over"

    def _jobs(self) -> Iterator[Job]:
        for run_id, run in [*self.missing.items()]:
            yield self._job(run_id, run)

    def _job(self, run_id: str, run: PlannedRun) -> Job:
        settings = self.settings
        return Job(
            run_id=run_id,
            experiment=json.dumps(serialize(run.experiment)),
            seed=run.seed,
            store=settings.store,
            label=run.label,
            group=run.strategy,
            overrides=(*settings.overrides, *run.overrides(settings.amount.unit, settings.until)),
            source=settings.source,
            device=settings.device,
            threads=settings.threads,
        )

    def _provenance(self, run: PlannedRun) -> dict[str, Any]:
        """What the numbers of runs that are started now depend on, besides settings and seed."""
        device = resolve_device(self.settings.device)
        with isolated(self.settings.threads):  # as the runs would be
            described = record.describe_run(
                run.experiment, run.seed, device, source=self.settings.source
            )
        return provenance(described)

    def _known(self, now: Mapping[str, Any]) -> tuple[dict[str, record.RunOverview], set[str]]:
        """By seed and settings, the store's runs of that provenance that may be compared; all ids.

        Of several the newest; but one that is over comes before any that is not.
        """
        found, taken = dict[str, record.RunOverview](), set[str]()
        for run_id, overview in record.Store(self.settings.store).overviews(self.base.name):
            taken.add(run_id)
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
        return found, taken

    def _new_id(self, run: PlannedRun, now: Mapping[str, Any], taken: Collection[str]) -> str:
        """The id of a run that the store lacks: another comparison that lacks it too gives the same.

        One whose run was changed so that it can't be compared is not used again.
        """
        settled, number = settled_part(run.experiment, self.settings.source), 0
        while (found := planned_run_id(settled, run.seed, dict(now), number)) in taken:
            number += 1
        return found


@dataclass
class _ResultTaker:
    """Keeps what is done, and has the first failure stop the rest; tells a listener of all."""

    runs: ComparisonRuns
    listener: SweepListener
    stop: StopRequest
    failure: JobFailed | None = None
    _job: Job | None = None

    def on_any_progress(self, progress: JobProgress) -> None:
        """Progress of the run that was started last, where there is one at a time."""
        assert self._job is not None
        self.on_progress(self._job, progress)

    def on_start(self, job: Job) -> None:
        self._job = job
        self.listener.on_start(job)

    def on_progress(self, job: Job, progress: JobProgress) -> None:
        self.listener.on_progress(job, progress)

    def on_end(self, job: Job, ended: JobEnded) -> None:
        self.runs.done[self.runs.missing.pop(job.run_id)] = job.run_id
        self.listener.on_end(job, ended)

    def on_failure(self, job: Job, failed: JobFailed) -> None:
        self.failure = self.failure or failed
        self.stop.request()

    def on_loss(self, job: Job, reason: str) -> None:
        self.listener.on_loss(job, reason)


def _key(seed: int, settings: Mapping[str, Any]) -> str:
    return json.dumps([seed, settings], sort_keys=True)
