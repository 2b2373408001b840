"""A run in progress: live on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from curriculum.experiment import Experiment
from curriculum.plan import Stage
from curriculum.record.journal import Record

__all__ = ["Progress"]

REDRAW_SECONDS = 0.1
LINE_SECONDS = 10.0


class Progress:
    """A listener that shows each record as it comes. Use it in a `with`."""

    def __init__(self, experiment: Experiment, seed: int, console: Console) -> None:
        self._title = f"{experiment.name}, seed {seed}"
        self._path = [stage.key for stage in experiment.growth.path()]
        self._budget = experiment.budget
        self._threshold = experiment.criterion.threshold
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._begun = False
        self._shown = time.monotonic()
        self._reach: str | None = None
        self._entered = 0
        self._look: Record = {"spent": {"steps": 0, "tokens": 0, "compute": 0}}
        self._visit: Record = {"stage": self._path[0], "visit": 0, "entry": "step"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: Any) -> None:
        if self._live is not None and self._begun:
            self._live.update(self._panel(), refresh=True)
            self._live.__exit__(*details)

    def _begin(self) -> None:
        """Only with the first record: a run that can't begin shows nothing."""
        self._begun = True
        if self._live is None:
            self._line(f"{self._title}: {len(self._path)} stages to {_short(self._path[-1])}")
        else:
            self._live.__enter__()

    def __call__(self, record: Record) -> None:
        """Show a record of the journal."""
        if not self._begun:
            self._begin()
        kind = record["kind"]
        if kind == "visit":
            self._visit = record
            self._entered = self._look["spent"]["steps"]
        elif kind == "look":
            self._look = record
        elif kind == "verdict":
            self._reach = record["reach"]
            if self._live is None:
                self._line(f"{record['verdict']:<9} {self._situation()}")
        if self._live is None:
            if kind == "look" and time.monotonic() - self._shown > LINE_SECONDS:
                self._line(f"learning  {self._situation()}")
        elif time.monotonic() - self._shown > REDRAW_SECONDS:
            self._live.update(self._panel(), refresh=True)
            self._shown = time.monotonic()

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)
        self._shown = time.monotonic()

    def _situation(self) -> str:
        spent = self._look["spent"]
        steps = spent["steps"] - self._entered
        return (
            f"{_short(self._visit['stage'])}: {steps:,} steps, {self._score()}; "
            f"{spent['tokens']:,} tokens, {self._speed()}"
        )

    def _score(self) -> str:
        decision = self._look.get("decision")
        if not decision or decision["score"] is None:
            return "not looked at yet"
        return f"{decision['metric']} {decision['score']:.3f} of {self._threshold:g}"

    def _speed(self) -> str:
        seconds = self._look.get("clock", {}).get("seconds", 0.0)
        return f"{self._look['spent']['steps'] / seconds:,.0f} steps/s" if seconds else "0 steps/s"

    def _left(self) -> str:
        spent = self._look["spent"]
        seconds = self._look.get("clock", {}).get("seconds", 0.0)
        left = self._budget.steps_per_stage - (spent["steps"] - self._entered)
        text = f"{left:,} steps of the stage"
        if spent["steps"]:
            text += f" (about {left * seconds / spent['steps']:,.0f} s)"
        if self._budget.seconds is not None:
            text += f", {max(0, self._budget.seconds - seconds):,.0f} s of the run"
        if self._budget.steps is not None:
            text += f", {self._budget.steps - spent['steps']:,} steps of the run"
        return text

    def _panel(self) -> Table:
        stage = self._visit["stage"]
        done = 0 if self._reach is None else self._path.index(self._reach) + 1
        table = Table.grid(padding=(0, 2))
        table.title = self._title
        table.title_justify = "left"
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=len(self._path), completed=done, width=24),
            f"{done} of {len(self._path)} stages",
        )
        table.add_row("path", bar)
        table.add_row("stage", f"{_short(stage)}, visit {self._visit['visit']}")
        table.add_row("score", self._score())
        table.add_row("reach", "none yet" if self._reach is None else _short(self._reach))
        spent = self._look["spent"]
        table.add_row(
            "spent", f"{spent['steps']:,} steps, {spent['tokens']:,} tokens, {self._speed()}"
        )
        table.add_row("left", self._left())
        return table


def _short(key: str) -> str:
    return str(Stage.from_key(key))
