"""A search over curricula in progress: its runs as a sweep's, and a line for each round and rung."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Self

from rich.console import Console

from curriculum.comparison import CurriculumTrial
from curriculum.errors import counted
from curriculum.report.sweep_progress import SweepProgress
from curriculum.report.units import short
from curriculum.sweeps import Job, JobEnded, JobFailed, JobProgress


class OptimizationProgress:
    """Shows the runs of the rung that is raced, and what the trials have come to. Use it in a `with`."""

    def __init__(self, name: str, console: Console, *, trials: int) -> None:
        self._runs = SweepProgress(name, console, total=0, missing=0)
        self._name, self._trials = name, trials
        self._began = time.monotonic()
        self._seen, self._made, self._makes = 0, 0, False  # what the store has takes no time

    def __enter__(self) -> Self:
        self._runs.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._runs.__exit__(*error)

    def on_runs(self, runs: int, done: int) -> None:
        """A rung has so many runs, of which so many are over."""
        self._runs.counts.total += runs
        self._runs.counts.done += done

    def on_start(self, job: Job) -> None:
        """A run was handed to the engine."""
        self._makes = True
        self._runs.on_start(job)

    def on_progress(self, job: Job, progress: JobProgress) -> None:
        """A run in progress was evaluated."""
        self._runs.on_progress(job, progress)

    def on_end(self, job: Job, ended: JobEnded) -> None:
        """A run is over."""
        self._runs.on_end(job, ended)

    def on_failure(self, job: Job, failed: JobFailed) -> None:
        """A run can't be made."""
        self._runs.on_failure(job, failed)

    def on_loss(self, job: Job, reason: str) -> None:
        """A run is tried again."""
        self._runs.on_loss(job, reason)

    def on_rung(self, number: int, racing: int, trials: int) -> None:
        """So many trials begin a rung, once so many are over."""
        self._runs.name = f"{self._name}, rung {number + 1}"
        self._runs.counts.left_of = " of the rung"
        self._runs.note(
            f"{trials} of {counted(self._trials, 'trial')} over; rung {number + 1}: "
            f"{counted(racing, 'trial')}"
        )

    def on_round(self, trials: Sequence[CurriculumTrial]) -> None:
        """A round is over: these are all trials so far."""
        for trial in trials:  # the next round's take the place of those of this one
            if not trial.name:
                self._runs.counts.groups.pop(trial.label, None)
        complete = [trial for trial in trials if trial.complete]
        best = min(complete, key=lambda trial: trial.values[-1])
        last = best.costs[-1]
        left = self._time_left(len(trials))
        self._runs.note(
            f"best of {counted(len(trials), 'trial')} so far: {best.label} ({best.brief}), "
            f"{short(last.mean, last.unit)} {last.unit}, {last.reached} of {len(last.results)} reached{left}"
        )

    def _time_left(self, trials: int) -> str:
        """How long the other trials take, at the pace of those that were not over before."""
        self._made += self._makes * (trials - self._seen)
        self._seen, self._makes = trials, False
        rest = self._trials - trials
        if not (rest and self._made):
            return ""
        seconds = (time.monotonic() - self._began) / self._made * rest
        return f"; about {short(seconds, 'seconds')} left"

    def on_confirmation(self, best: CurriculumTrial) -> None:
        """All trials are over, and the best is run on fresh seeds."""
        self._runs.name = f"{self._name}, confirmation"
        self._runs.counts.left_of = ""
        self._runs.note(f"{best.label} is run on fresh seeds, beside what it is compared with")
