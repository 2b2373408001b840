"""The list of a store's runs: the state of each, and the command that resumes it."""

import io
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from rich.console import JustifyMethod
from rich.table import Table

from curriculum.plan import Stage
from curriculum.record import History, RunFolder, Unreadable
from curriculum.report.screen import literal_console

AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
STYLES = {
    "failed": "red",
    "damaged": "red",
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
            `damaged` where its record is, or `unreadable` where the system keeps that from
            being read.
        reach: the hardest stage mastered so far.
        steps: optimizer steps, trials included.
        last_written: the time of day of its last record.
        command: that resumes or deletes it; None where it is running or over.
    """

    folder: RunFolder
    experiment: str | None = None
    seed: int | None = None
    state: str
    reach: Stage | None = None
    steps: int | None = None
    last_written: float
    command: str | None = None

    @property
    def run_id(self) -> str:
        return self.folder.id

    def as_json(self) -> dict[str, Any]:
        """The line as `runs --json` prints it."""
        content = asdict(self)
        del content["folder"]
        return {"run_id": self.run_id, **content}

    def __str__(self) -> str:
        known = self.experiment and f"{self.experiment}, seed {self.seed}, "
        return f"{self.run_id} ({known or ''}{self.state})"


def run_line(folder: RunFolder) -> RunLine:
    """One run. What is damaged, or can't be read, is no error."""
    running = False
    try:
        running = folder.is_running  # read first: what comes before is then all there
        history = History.of(folder)
    except Unreadable:
        return _unknown(folder, "running" if running else "unreadable")
    except (OSError, ValueError, LookupError, TypeError):
        if running:
            return _unknown(folder, "running")
        return _unknown(folder, "damaged", f"rm {folder.id}")
    state, command = history.status(running=running), None
    if history.end is None and not running:
        command = f"resume {folder.id}"
        state = "damaged" if history.damaged else state
    return RunLine(
        folder=folder,
        experiment=history.description.experiment,
        seed=history.description.seed,
        state=state,
        reach=history.reach,
        steps=history.total_cost.steps,
        last_written=history.last_written,
        command=command,
    )


def _unknown(folder: RunFolder, state: str, command: str | None = None) -> RunLine:
    """A run whose record can't be read."""
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
    """Print the runs; in a pipe plainly, each on one line however long."""
    table = runs_table(lines, time.time())
    if stream.isatty():
        literal_console(file=stream).print(table)
        return
    plain = literal_console(file=io.StringIO(), force_terminal=False, width=1_000)
    with plain.capture() as printed:
        plain.print(table)
    stream.writelines(f"{line.rstrip()}\n" for line in printed.get().splitlines())


def runs_table(lines: Sequence[RunLine], now: float) -> Table:
    """The runs as a table, for 80 columns. Only an experiment's name may be broken."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("run", "experiment", "seed", "state", "reach", "age", ""):
        justify: JustifyMethod = "right" if column in ("seed", "reach", "age") else "left"
        no_wrap = column != "experiment"
        table.add_column(column, justify=justify, no_wrap=no_wrap, overflow="fold")
    for line in lines:
        reach = line.reach
        table.add_row(
            line.run_id,
            line.experiment or "-",
            "-" if line.seed is None else str(line.seed),
            line.state,
            "-" if reach is None else f"{reach.length:,}/{reach.vocab_size:,}",
            _age(now - line.last_written),
            line.command or "",
            style=STYLES.get(line.state),
        )
    return table


def _age(seconds: float) -> str:
    """In the largest unit that has passed, rounded down.

    >>> [_age(seconds) for seconds in (-1, 59.9, 60, 7_300, 900_000)]
    ['0 s', '59 s', '1 min', '2 h', '10 d']
    """
    whole = max(0, int(seconds))
    return next((f"{whole // size} {unit}" for size, unit in AGES if whole >= size), "0 s")
