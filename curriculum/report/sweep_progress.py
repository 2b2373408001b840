"""A sweep in progress: a table on a terminal and in a notebook, lines elsewhere."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console, RenderableType

from curriculum.report.screen import screen_of
from curriculum.report.sweep_counts import SweepCounts
from curriculum.report.sweep_table import SweepTable
from curriculum.sweeps import Job, JobEnded, JobFailed, JobProgress

REDRAW_SECONDS = 0.2
QUIET_SECONDS = 60.0
"""Where there is no terminal, a long sweep prints its progress as often."""

MOST_LINES = 100
"""Where more runs than that are to be made, there is no line for each."""


class SweepProgress:
    """Shows what waits, runs, is done and has failed, how far runs came, and what is left.

    Use it in a `with`. What is drawn stays at the end, unless it is `transient`.

    Attributes:
        counts: that are shown.
        name: of the sweep, before these.
    """

    def __init__(
        self, name: str, console: Console, *, total: int, missing: int, transient: bool = False
    ) -> None:
        self.counts = SweepCounts(total=total, done=total - missing)
        self.name, self._console = name, console
        self._screen = None if console.quiet else screen_of(console, transient=transient)
        self._lines = missing <= MOST_LINES
        self._running: dict[str, Job] = {}
        self._progress: dict[str, JobProgress] = {}
        self._began = self._printed = self._drawn = time.monotonic()

    def __enter__(self) -> Self:
        if self._screen is not None:
            self._screen.start()
            self._draw(at_once=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.clear()
        self.counts.running = 0
        if self._screen is not None:
            self._draw(at_once=True)
            self._screen.stop()

    def on_start(self, job: Job) -> None:
        """A run was handed to the engine."""
        self._running[job.run_id] = job
        self._changed()

    def on_progress(self, job: Job, progress: JobProgress) -> None:
        """A run in progress was evaluated."""
        self._progress[job.run_id] = progress
        self._changed()

    def on_end(self, job: Job, ended: JobEnded) -> None:
        """A run is over."""
        counts, reach = self.counts, ended.reach or "no stage"
        counts.done, counts.made = counts.done + 1, counts.made + 1
        counts.reached += ended.status == "reached"
        counts.compute += ended.compute
        group = counts.group(job.group)
        group.done += 1
        group.reaches[reach] += 1
        if self._lines:
            number = f"{counts.done:>{len(str(counts.total))}}/{counts.total}"
            self._print(f"{number}  {job.label}: passed {reach}, {ended.seconds:.1f} s")
        self._left(job)

    def on_failure(self, job: Job, failed: JobFailed) -> None:
        """A run can't be made."""
        self.counts.failed += 1
        self.counts.group(job.group).failed += 1
        self._print(f"failed: {job.label}: {failed.sentence}", always=True)
        self._left(job)

    def on_loss(self, job: Job, reason: str) -> None:
        """A run is tried again."""
        self._print(f"{job.label} (run {job.run_id}) is tried again: {reason}", always=True)
        self._left(job)

    def note(self, text: str) -> None:
        """A line about the sweep as a whole."""
        self._print(text, always=True)

    def _left(self, job: Job) -> None:
        self._running.pop(job.run_id, None)
        self._progress.pop(job.run_id, None)
        self._changed()

    def _changed(self) -> None:
        waiting = sum(bool(progress.waits_for) for progress in self._progress.values())
        self.counts.running = len(self._running) - waiting
        if self._screen is not None:
            self._draw()
        elif time.monotonic() - self._printed > QUIET_SECONDS:
            self._print(f"{self.name}: {self._sentence()}{self._furthest()}", always=True)

    @property
    def _parts(self) -> float:
        """Of the runs in progress that are done, added up."""
        return sum(progress.part for progress in self._progress.values())

    def _sentence(self) -> str:
        return "; ".join(self.counts.lines(time.monotonic() - self._began, self._parts))

    def _furthest(self) -> str:
        """The run in progress that was begun first, in words."""
        for run_id, job in self._running.items():
            progress = self._progress.get(run_id)
            if progress is not None and progress.stage:
                return f"; {job.label} at {progress.stage}, {progress.part:.0%} done"
        return ""

    def _draw(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self._screen is not None and (at_once or now - self._drawn > REDRAW_SECONDS):
            self._drawn = now
            self._screen.update(self._table(), refresh=True)

    def _table(self) -> RenderableType:
        now = time.monotonic()
        shown = [
            (job, progress)
            for run_id, job in self._running.items()
            if not ((progress := self._progress.get(run_id)) and progress.waits_for)
        ]
        return SweepTable(
            head=[self.name, *self.counts.lines(now - self._began, self._parts)],
            groups=self.counts.groups,
            running=shown,
        )

    def _print(self, text: str, *, always: bool = False) -> None:
        """A line of text; above what is drawn on a terminal. In a notebook the table says it, mostly."""
        if self._console.quiet or (self._screen is not None and not self._console.is_terminal):
            return
        if self._screen is None or always:
            self._console.print(text, highlight=False, soft_wrap=True)
            self._printed = time.monotonic()
