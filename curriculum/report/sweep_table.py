"""What a terminal shows of a sweep in progress: its counts, a row for each variant, one for each run in progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from curriculum.report.sweep_counts import GroupCounts
from curriculum.report.units import short
from curriculum.sweeps import Job, JobProgress

MOST_ROWS = 12
"""Of variants, and of runs in progress, that are drawn."""

BAR = 12
GAP = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepTable:
    """What is drawn, at any width: nothing of it is wrapped.

    Attributes:
        head: lines above the rows.
        groups: by what their runs have in common.
        running: the runs in progress, each with how far it is, where that is known.
    """

    head: Sequence[str]
    groups: Mapping[str, GroupCounts]
    running: Sequence[tuple[Job, JobProgress | None]]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        for line in self.head:
            yield _cell(line, width)
        if self.groups:
            yield self._groups(width)
        if self.running:
            yield self._runs(width)

    def _groups(self, width: int) -> RenderableType:
        rows = []
        for name, group in [*self.groups.items()][:MOST_ROWS]:
            failed = f", {group.failed} failed" if group.failed else ""
            rows.append((name, f"{group.done} done{failed}", group.reach))
        names, done, reach = (max(map(len, column)) for column in zip(*rows, strict=True))
        left = max(0, width - done - 2 * GAP)
        names = min(names, max(left - reach, left * 3 // 5))
        table = Table.grid(padding=(0, GAP, 0, 0))
        for row in rows:
            table.add_row(_cell(row[0], names), _cell(row[1], done), _cell(row[2], left - names))
        more = len(self.groups) - MOST_ROWS
        if more > 0:
            table.add_row(_cell(f"… and {more} more", names))
        return table

    def _runs(self, width: int) -> RenderableType:
        rows = [_run(job, progress) for job, progress in self.running[:MOST_ROWS]]
        clock = max(len(row.clock) for row in rows)
        left = max(0, width - BAR - clock - 3 * GAP)
        stage = min(max(len(row.stage) for row in rows), left // 2)
        table = Table.grid(padding=(0, GAP, 0, 0))
        for row in rows:
            bar = ProgressBar(total=1.0, completed=row.part, width=BAR)
            label = _cell(row.label, left - stage)
            table.add_row(label, _cell(row.stage, stage), bar, _cell(row.clock, clock))
        return table


class _Row(NamedTuple):
    label: str
    stage: str
    part: float
    clock: str


def _run(job: Job, progress: JobProgress | None) -> _Row:
    if progress is None or not progress.stage:
        return _Row(job.label, "begins", 0.0, "")
    clock = short(progress.seconds, "seconds")
    return _Row(job.label, f"at {progress.stage}", progress.part, clock)


def shortened(text: str, width: int) -> str:
    """A text in so many characters: what names differ in is at their end.

    >>> shortened("lstm_firstbit, gated, growth.factor 1.5", 26)
    'lstm_fi… growth.factor 1.5'
    """
    if len(text) <= width:
        return text
    end = max(0, width - 1) * 3 // 4
    return text[: max(0, width - 1 - end)] + "…" * (width > 0) + text[len(text) - end :]


def _cell(text: str, width: int) -> Text:
    return Text(shortened(text, width), no_wrap=True, overflow="crop")
