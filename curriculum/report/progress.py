"""A run in progress: live on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from curriculum.experiment import Experiment
from curriculum.plan import Spending, Stage
from curriculum.record.journal import Record
from curriculum.report.explain import spelled

__all__ = ["Progress"]

REDRAW_SECONDS = 0.1
LINE_SECONDS = 10.0


class Progress:
    """A listener that shows each record as it comes. Use it in a `with`.

    Records that are older than itself, of a run that goes on, are taken in silently.
    """

    def __init__(self, experiment: Experiment, seed: int, console: Console) -> None:
        self._title = f"{experiment.name}, seed {seed}"
        self._path = [stage.key for stage in experiment.growth.path()]
        self._budget = experiment.budget
        self._trials = experiment.tuning.trials
        self._criterion = experiment.criterion
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._begun = False
        self._made = time.time()
        self._shown = time.monotonic()
        self._reach: str | None = None
        self._ahead: str | None = None  # the target, mastered before the walk stands there
        self._seconds = 0.0
        self._spent = self._entered = Spending()  # by the learner that goes on
        self._lost = Spending()  # by trials, until one of them is chosen
        self._decision: Record | None = None
        self._visit: Record = {"stage": self._path[0], "visit": 0, "entry": "step"}
        self._race: dict[int, Record] = {}  # the last look of each trial of a search
        self._begins = 0  # the number of its first trial

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
            stages = spelled(len(self._path), "stage")
            self._line(f"{self._title}: {stages} to {_short(self._path[-1])}")
        else:
            self._live.__enter__()

    def __call__(self, record: Record) -> None:
        """Show a record of the journal."""
        self._seconds = record["clock"]["seconds"]
        kind = record["kind"]
        getattr(self, f"_on_{kind}", lambda _: None)(record)
        if record["clock"]["time"] < self._made - 1:
            return
        if not self._begun:
            self._begin()
        if self._live is None:
            if kind == "verdict":
                self._line(f"{record['verdict']:<9} {self._situation()}")
            elif time.monotonic() - self._shown > LINE_SECONDS:
                self._line(f"{'searching' if self._race else 'learning ':<9} {self._situation()}")
        elif time.monotonic() - self._shown > REDRAW_SECONDS:
            self._live.update(self._panel(), refresh=True)
            self._shown = time.monotonic()

    def _on_visit(self, record: Record) -> None:
        self._visit = record
        self._decision = None
        self._entered = self._spent

    def _on_look(self, record: Record) -> None:
        self._spent = Spending(**record["spent"])
        self._lost = Spending(**record["lost"])
        self._decision = record["decision"]

    def _on_round(self, record: Record) -> None:
        if not self._race:
            self._begins = min(map(int, record["trials"]))

    def _on_advance(self, record: Record) -> None:
        trial = record["trial"]
        before = self._race[trial]["spent"] if trial in self._race else {}
        self._lost = self._lost + (Spending(**record["spent"]) - Spending(**before))
        self._race[trial] = record

    def _on_choice(self, record: Record) -> None:
        won = Spending(**record["won"])
        self._spent, self._lost = self._spent + won, self._lost - won
        self._race = {}

    def _on_ahead(self, record: Record) -> None:
        if record["mastered"]:
            self._ahead = self._reach = record["stage"]

    def _on_verdict(self, record: Record) -> None:
        self._reach = self._ahead or record["reach"]

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)
        self._shown = time.monotonic()

    def _situation(self) -> str:
        at = _short(self._visit["stage"])
        what = self._search() if self._race else f"{self._steps:,} steps, {self._score()}"
        return f"{at}: {what}; {self._total.tokens:,} tokens, {self._speed()}"

    @property
    def _total(self) -> Spending:
        return self._spent + self._lost

    @property
    def _steps(self) -> int:
        """Of this visit, by the learner that goes on."""
        return (self._spent - self._entered).steps

    def _score(self) -> str:
        decision = self._decision
        if not decision or decision["score"] is None:
            return "not looked at yet"
        return f"{decision['metric']} {decision['score']:.3f} of {self._threshold:g}"

    @property
    def _threshold(self) -> float:
        """Of the stage that is visited."""
        target = self._visit["stage"] == self._path[-1]
        return self._criterion.at(target=target).threshold

    def _search(self) -> str:
        """How the race stands."""
        scores = [look["score"] for look in self._race.values() if look["score"] is not None]
        latest = max(self._race) - self._begins + 1
        best = f"{max(scores):.3f} of {self._threshold:g}" if scores else "none yet"
        return f"trial {latest} of at most {self._trials}, best score {best}"

    def _speed(self) -> str:
        return f"{self._total.steps / self._seconds:,.0f} steps/s" if self._seconds else "0 steps/s"

    def _left(self) -> str:
        total, seconds = self._total.steps, self._seconds
        left = self._budget.steps_per_stage - self._steps
        text = f"{left:,} steps of the stage"
        if total and not self._race:
            text += f" (about {left * seconds / total:,.0f} s)"
        if self._budget.seconds is not None:
            text += f", {max(0, self._budget.seconds - seconds):,.0f} s of the run"
        if self._budget.steps is not None:
            text += f", {self._budget.steps - total:,} steps of the run"
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
        if self._race:
            table.add_row("search", self._search())
        total = self._total
        table.add_row("spent", f"{total.steps:,} steps, {total.tokens:,} tokens, {self._speed()}")
        table.add_row("left", self._left())
        return table


def _short(key: str) -> str:
    return str(Stage.from_key(key))
