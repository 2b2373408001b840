"""A sweep in progress: bars on a terminal and in a notebook, a line for each run elsewhere."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn

from curriculum.plan import Budget, Verdict
from curriculum.record import Evaluated, Result
from curriculum.report.screen import NotebookScreen, in_notebook
from curriculum.sweeps import PlannedRun, is_guess

REDRAW_SECONDS = 0.2
QUIET_SECONDS = 60.0
"""Where there is no terminal, a long run prints its progress as often."""


class SweepProgress:
    """Prints a line for each run that is over, and shows those in progress. Use it in a `with`."""

    def __init__(self, name: str, console: Console, *, total: int, missing: int) -> None:
        self._console = console
        self._total, self._done = total, total - missing
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(12),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        # A terminal has rich's own.
        self._screen = NotebookScreen() if in_notebook() and not console.quiet else None
        self._name = name
        self._all = self._progress.add_task(self._title, total=total, completed=self._done)
        self._tasks: dict[PlannedRun, TaskID] = {}
        self._printed = time.monotonic()

    def __enter__(self) -> Self:
        if self._screen is None:
            self._progress.start()
        else:
            self._screen.start()
            self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        for task in self._tasks.values():
            self._progress.remove_task(task)
        self._draw()
        self._progress.stop()

    @property
    def bars(self) -> list[Task]:
        """What is drawn: of all runs, and of each that is in progress."""
        return self._progress.tasks

    @property
    def _title(self) -> str:
        return f"{self._name}, {self._done} of {self._total} runs"

    def on_evaluation(self, run: PlannedRun, evaluation: Evaluated, seconds: float) -> None:
        """A run in progress was evaluated."""
        used = _fraction_used(run.experiment.budget, evaluation, seconds)
        path = run.experiment.growth.path()
        text = f"{_name(run)}: at {run.experiment.axis_names.brief(evaluation.stage, path)}"
        if run not in self._tasks:
            self._tasks[run] = self._progress.add_task(text, total=1.0)
        self._progress.update(self._tasks[run], description=text, completed=used)
        if self._screen is not None:
            if time.monotonic() - self._printed > REDRAW_SECONDS:
                self._draw()
        elif not self._console.is_terminal and time.monotonic() - self._printed > QUIET_SECONDS:
            self._print(f"in progress: {text}, {used:.0%} of its budget")

    def on_run_end(self, run: PlannedRun, result: Result) -> None:
        """A run is over."""
        self._done += 1
        task = self._tasks.pop(run, None)
        if task is not None:
            self._progress.remove_task(task)
        reach = "no stage" if result.reach is None else result.axis_names.words(result.reach)
        if result.reach is not None and result.reach_verdict == Verdict.READY:
            reach += " (ready)"
        number = f"{self._done:>{len(str(self._total))}}/{self._total}"
        self._print(f"{number}  {_name(run)}: {reach}, {result.seconds:.1f} s")
        self._progress.update(self._all, description=self._title, completed=self._done)
        self._draw()

    def _draw(self) -> None:
        """In a notebook, show the bars as they are now."""
        if self._screen is not None:
            self._screen.update(self._progress.get_renderable(), refresh=True)
            self._printed = time.monotonic()

    def _print(self, text: str) -> None:
        """A line of text; in a notebook, the bars say it."""
        if self._screen is None:
            self._progress.console.print(text, highlight=False, soft_wrap=True)
            self._printed = time.monotonic()


def _name(run: PlannedRun) -> str:
    setting = "width" if is_guess(run.strategy) else "learning rate"
    return f"{run.strategy}, seed {run.seed}, {setting} {run.learning_rate:g}"


def _fraction_used(budget: Budget, evaluation: Evaluated, seconds: float) -> float:
    """The part of its budget that a run has used up."""
    if budget.seconds is not None:
        return min(1.0, seconds / budget.seconds)
    return budget.fraction_used(evaluation.cost + evaluation.discarded_cost)
