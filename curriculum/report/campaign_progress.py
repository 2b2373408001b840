"""A comparison's runs in progress: bars on a terminal, a line for each run elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn

from curriculum.plan import Budget, Spending, Stage
from curriculum.record.history import Result
from curriculum.record.journal import Record

if TYPE_CHECKING:
    from curriculum.attempts import Planned

__all__ = ["CampaignProgress"]

QUIET_SECONDS = 60.0
"""Where there is no terminal, a run that takes longer says how far it is, as often."""


class CampaignProgress:
    """Tells of each run that is over in a line, and of those under way. Use it in a `with`."""

    def __init__(self, name: str, console: Console, *, whole: int, missing: int) -> None:
        self._console = console
        self._whole, self._done = whole, whole - missing
        columns = (TextColumn("{task.description}"), BarColumn(12), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._name = name
        self._all = self._progress.add_task(self._title, total=whole, completed=self._done)
        self._tasks: dict[Planned, TaskID] = {}
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        for task in self._tasks.values():
            self._progress.remove_task(task)
        self._progress.stop()

    @property
    def bars(self) -> list[Task]:
        """What is drawn: of all runs, and of each that is under way."""
        return self._progress.tasks

    @property
    def _title(self) -> str:
        return f"{self._name}, {self._done} of {self._whole} runs"

    def looked(self, plan: Planned, record: Record) -> None:
        """A run under way was looked at."""
        used = _used(plan.experiment.budget, record)
        stage = Stage.from_key(record["stage"])
        where = f"{_named(plan)}: {_short(stage)}"
        if plan not in self._tasks:
            self._tasks[plan] = self._progress.add_task(where, total=1.0)
        self._progress.update(self._tasks[plan], description=where, completed=used)
        if not self._console.is_terminal and time.monotonic() - self._said > QUIET_SECONDS:
            self._line(f"under way: {where}, {used:.0%} of its budget")

    def over(self, plan: Planned, result: Result) -> None:
        """A run is over."""
        self._done += 1
        task = self._tasks.pop(plan, None)
        if task is not None:
            self._progress.remove_task(task)
        reach = "no stage" if result.reach is None else str(result.reach)
        number = f"{self._done:>{len(str(self._whole))}}/{self._whole}"
        self._line(f"{number}  {_named(plan)}: {reach}, {result.seconds:.1f} s")
        self._progress.update(self._all, description=self._title, completed=self._done)

    def _line(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, soft_wrap=True)
        self._said = time.monotonic()


def _named(plan: Planned) -> str:
    return f"{plan.strategy}, seed {plan.seed}, learning rate {plan.learning_rate:g}"


def _short(stage: Stage) -> str:
    return f"at {stage.length}/{stage.vocab_size}"


def _used(budget: Budget, record: Record) -> float:
    """The part of its budget that a run has used up."""
    spent = Spending(**record["spent"]) + Spending(**record["lost"])
    if budget.seconds is not None:
        return min(1.0, float(record["clock"]["seconds"]) / budget.seconds)
    return budget.elapsed(spent)
