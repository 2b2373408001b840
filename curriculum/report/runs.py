"""The list of a store's runs: the state of each, and the command that resumes it."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import JustifyMethod
from rich.table import Table

from curriculum.errors import RunFailed, UsageError
from curriculum.plan import Stage, Verdict
from curriculum.record import ArmResult, Problem, RunFolder, RunOverview, Store, problem_kind
from curriculum.report.race_standing import race_situation
from curriculum.report.screen import literal_console

AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
COLUMNS = ("run", "experiment", "seed", "state", "reach", "age", "")
NUMBERS = ("seed", "age")

MOST_DRAWN = 1_000
"""Of rows, rich draws some three thousand a second."""

STYLES = {
    "failed": "red",
    "damaged": "red",
    "foreign": "red",
    "unreadable": "red",
    "interrupted": "yellow",
    "killed": "yellow",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLine:
    """One run in the list.

    Attributes:
        folder: the run's.
        experiment: its name; None, as the seed and the steps, where that can't be read.
        seed: the run's.
        state: `running`, `reached`, `stopped`, `interrupted`, `failed` or `killed`; or
            `damaged` where its record is, `foreign` where another version of this package has
            written it, or `unreadable` where the system keeps it from being read.
        reach: the hardest stage passed so far.
        reach_verdict: what that is by the run's criterion, `mastered` or `ready`.
        reach_words: the same in the task's words, short; amid a race, of each arm.
        arms: of a portfolio, what each came to.
        steps: optimizer steps, trials included.
        last_written: the time of day of its last record.
        command: that resumes or deletes it; None where it is running or over.
    """

    folder: RunFolder
    experiment: str | None = None
    seed: int | None = None
    state: str
    reach: Stage | None = None
    reach_verdict: str | None = None
    reach_words: str = "-"
    arms: Mapping[str, ArmResult] = field(default_factory=dict)
    steps: int | None = None
    last_written: float
    command: str | None = None

    @property
    def run_id(self) -> str:
        return self.folder.id

    def as_json(self) -> dict[str, Any]:
        """The line as `runs --json` prints it."""
        content = asdict(self)
        del content["folder"], content["reach_words"]
        return {"run_id": self.run_id, **content}

    def __str__(self) -> str:
        known = self.experiment and f"{self.experiment}, seed {self.seed}, "
        return f"{self.run_id} ({known or ''}{self.state})"


def run_line(folder: RunFolder) -> RunLine:
    """One run. What is damaged, or can't be read, is no error."""
    try:
        return _line(folder, RunOverview.of(folder))
    except (UsageError, RunFailed) as problem:
        return _unknown(folder, problem)


def run_lines(store: Store) -> list[RunLine]:
    """All runs of a store, oldest first, as far as they say when they were started."""
    return [
        _line(store.folder(run_id), found)
        if isinstance(found, RunOverview)
        else _unknown(store.folder(run_id), found)
        for run_id, found in store.overviews()
    ]


def _line(folder: RunFolder, overview: RunOverview) -> RunLine:
    """A run that can be read, up to some damage of its journal."""
    description, totals = overview.description, overview.totals
    reach, state, command = totals.reach, overview.status, None
    if totals.ended is None and not overview.running:
        command = f"resume {folder.id}"
        state = "damaged" if totals.damaged else state
    words = "-" if reach is None else description.axis_names.brief(reach, description.path)
    if reach is None and totals.arms:
        words = race_situation(totals.arms, description.axis_names, description.path)
    if reach is not None and description.verdict is Verdict.READY:
        words += " (ready)"
    return RunLine(
        folder=folder,
        experiment=description.experiment,
        seed=description.seed,
        state=state,
        reach=reach,
        reach_verdict=None if reach is None else str(description.verdict),
        reach_words=words,
        arms=totals.arms,
        steps=totals.cost.steps,
        last_written=totals.last_written,
        command=command,
    )


def _unknown(folder: RunFolder, problem: Problem) -> RunLine:
    """A run that can't be read."""
    state: str = problem_kind(problem)
    with suppress(UsageError, RunFailed):
        if folder.is_running:
            state = "running"
    command = f"rm {folder.id}" if state in ("damaged", "foreign") else None
    try:
        written = max(path.stat().st_mtime for path in folder.path.iterdir())
    except (OSError, ValueError):
        written = 0.0
    return RunLine(folder=folder, state=state, last_written=written, command=command)


def select_runs(
    lines: Iterable[RunLine],
    now: float,
    *,
    states: Collection[str] = (),
    older_than: float | None = None,
    experiment: str | None = None,
) -> list[RunLine]:
    """Of the runs that are not running, and that can be read, those that match all conditions.

    Args:
        lines: the runs.
        now: the time of day.
        states: that it may be in; empty for any.
        older_than: seconds that must have passed since its last record.
        experiment: its name.
    """
    return [
        line
        for line in lines
        if line.state not in ("running", "unreadable")
        and (not states or line.state in states)
        and (older_than is None or now - line.last_written > older_than)
        and (experiment is None or line.experiment == experiment)
    ]


def print_runs(lines: Sequence[RunLine], stream: TextIO) -> None:
    """Print the runs; in a pipe, or where there are very many, plainly, each on one line however long."""
    if stream.isatty() and len(lines) <= MOST_DRAWN:
        literal_console(file=stream).print(runs_table(lines, time.time()))
    else:
        stream.writelines(f"{line}\n" for line in _plainly(lines, time.time()))


def _plainly(lines: Sequence[RunLine], now: float) -> Iterator[str]:
    """The table's rows without a style, and not wrapped."""
    rows = [COLUMNS, *(_cells(line, now) for line in lines)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (
            " " * (width - cell_len(cell)) + cell
            if name in NUMBERS
            else cell + " " * (width - cell_len(cell))
            for name, cell, width in zip(COLUMNS, row, widths, strict=True)
        )
        yield "  ".join(padded).rstrip()


def runs_table(lines: Sequence[RunLine], now: float) -> Table:
    """The runs as a table, for 80 columns. Only an experiment's name and a stage may be broken."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        justify: JustifyMethod = "right" if column in NUMBERS else "left"
        no_wrap = column not in ("experiment", "reach")
        table.add_column(column, justify=justify, no_wrap=no_wrap, overflow="fold")
    for line in lines:
        table.add_row(*_cells(line, now), style=STYLES.get(line.state))
    return table


def _cells(line: RunLine, now: float) -> tuple[str, ...]:
    return (
        line.run_id,
        line.experiment or "-",
        "-" if line.seed is None else str(line.seed),
        line.state,
        line.reach_words,
        _age(now - line.last_written),
        line.command or "",
    )


def _age(seconds: float) -> str:
    """In the largest unit that has passed, rounded down.

    >>> [_age(seconds) for seconds in (-1, 59.9, 60, 7_300, 900_000)]
    ['0 s', '59 s', '1 min', '2 h', '10 d']
    """
    whole = max(0, int(seconds))
    return next((f"{whole // size} {unit}" for size, unit in AGES if whole >= size), "0 s")
