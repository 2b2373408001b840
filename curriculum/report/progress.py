"""A run in progress: live on a terminal and in a notebook, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Any, Self

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from curriculum import record
from curriculum.config import Experiment
from curriculum.errors import counted
from curriculum.plan import Cost, Decision, Stage, Verdict
from curriculum.report.race_progress import RaceProgress
from curriculum.report.screen import screen_of

REDRAW_SECONDS = 0.1
LINE_SECONDS = 10.0

NEWS = (record.Evaluated, record.TrialEvaluated, record.ArmEvaluated, record.FinalEvaluated)
"""What changes the line that is printed now and then; others would have it printed twice."""


class Progress:
    """A listener that shows each record as it comes. Use it in a `with`.

    Records that are older than itself, of a resumed run, are taken in silently.
    """

    def __init__(self, experiment: Experiment, seed: int, console: Console) -> None:
        self._title = f"{experiment.name}, seed {seed}"
        self._experiment = experiment
        self._path, self._names = experiment.growth.path(), experiment.axis_names
        self._console = console
        self._screen = screen_of(console)
        self._started = False
        self._trained = False
        self._made = time.time()
        self._shown = time.monotonic()
        self._reach: Stage | None = None
        self._ahead: Stage | None = None  # the target, if passed ahead of the stages below it
        self._seconds = 0.0
        self._cost = self._cost_before = Cost()  # without discarded trials
        self._discarded_cost = Cost()  # of all trials, until one of them is selected
        self._decision: Decision | None = None
        self._stage, self._visit = self._path[0], 0
        self._arms = RaceProgress(self._path, self._names)
        self._race: dict[int, record.TrialReport] = {}  # the last report of each trial of a search
        self._first_trial = 0  # its number
        self._final: record.FinalEvaluated | None = None  # the newest, once training is over

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: Any) -> None:
        if self._screen is not None and self._screen.is_started:
            self._screen.update(self._drawn(), refresh=True)
            self._screen.stop()

    def _start(self) -> None:
        """Only with the first record: a run that can't start shows nothing."""
        self._started = True
        if self._screen is None:
            stages = counted(len(self._path), "stage")
            self._print(f"{self._title}: {stages} to {self._names.words(self._path[-1])}")
        else:
            self._screen.start()

    def _leave_panel(self) -> None:
        """Leave what is shown of training; the final evaluation comes and goes below it."""
        if self._screen is not None:
            if self._screen.is_started:
                self._screen.update(self._panel(), refresh=True)
                self._screen.stop()
            self._screen = screen_of(self._console, transient=True)

    def __call__(self, entry: record.Record) -> None:
        """Show a record of the journal."""
        self._take(entry.event)
        self._arms.take(entry)
        if not self._trained:  # the final evaluation takes time, and no steps
            self._seconds = entry.clock.seconds
        if isinstance(entry.event, record.TrainingEnded):
            self._leave_panel()
        # What the race told already comes again, as the record of its winner.
        repeated = entry.clock.time <= self._arms.repeats_until and (
            self._screen is not None or not isinstance(entry.event, record.ArmSelected)
        )
        if entry.clock.time < self._made - 1 or repeated:
            return
        if not self._started:
            self._start()
        if isinstance(entry.event, record.TrainingEnded):
            self._shown = time.monotonic()
        elif self._screen is None:
            self._print_news(entry.event)
        elif time.monotonic() - self._shown > REDRAW_SECONDS:
            if not self._screen.is_started:
                self._screen.start()
            self._screen.update(self._drawn(), refresh=True)
            self._shown = time.monotonic()

    def _print_news(self, event: record.Event) -> None:
        """Print a line for what is over, and one now and then."""
        if isinstance(event, record.ArmEvaluated | record.ArmSelected) and self._arms.news():
            self._print(self._arms.news())
        elif isinstance(event, record.VisitEnded):
            self._print(f"{event.verdict:<9} {self._situation()}")
        elif isinstance(event, NEWS) and time.monotonic() - self._shown > LINE_SECONDS:
            activity = "searching" if self._race else "learning"
            text = self._final_evaluation() or f"{activity:<9} {self._situation()}"
            self._print(self._arms.situation() if self._arms.is_on else text)

    def _take(self, event: record.Event) -> None:
        match event:
            case record.VisitStarted():
                self._stage, self._visit = event.stage, event.visit
                self._decision = None
                self._cost_before = self._cost
            case record.Evaluated():
                self._cost, self._discarded_cost = event.cost, event.discarded_cost
                self._decision = event.decision
            case record.RoundProposed():
                if not self._race:
                    self._first_trial = min(event.trials)
            case record.TrialEvaluated(report=report):
                before = self._race[report.trial].cost if report.trial in self._race else Cost()
                self._discarded_cost = self._discarded_cost + (report.cost - before)
                self._race[report.trial] = report
            case record.TrialSelected():
                self._cost = self._cost + event.cost
                self._discarded_cost = self._discarded_cost - event.cost
                self._race = {}
            case record.TargetEvaluated(mastered=True) | record.TargetEvaluated(ready=True):
                self._ahead = self._reach = event.stage
            case record.VisitEnded():
                self._reach = self._ahead or event.reach
            case record.TrainingEnded():
                self._trained = True
            case record.FinalEvaluated():
                self._final = event
            case _:  # changes nothing that is shown
                pass

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)
        self._shown = time.monotonic()

    def _final_evaluation(self) -> str:
        """The newest stage of the final evaluation; empty before it."""
        if self._final is None:
            return ""
        stage = self._names.words(self._final.stage)
        return f"final evaluation: {stage}, score {self._final.score:.3f}"

    def _situation(self) -> str:
        what = self._search() if self._race else f"{counted(self._steps, 'step')}, {self._score()}"
        tokens = counted(self._total.tokens, "token")
        return f"{self._names.words(self._stage)}: {what}; {tokens}, {self._speed()}"

    @property
    def _total(self) -> Cost:
        return self._cost + self._discarded_cost + self._arms.arms.cost

    @property
    def _steps(self) -> int:
        """Of this visit, without discarded trials."""
        return (self._cost - self._cost_before).steps

    def _score(self) -> str:
        decision = self._decision
        if decision is None or decision.score is None:
            return "not evaluated yet"
        return f"{decision.metric} {decision.score:.3f}{_of(decision.threshold)}"

    def _search(self) -> str:
        """How far the search has come."""
        scored = [r for r in self._race.values() if r.value is not None and r.score is not None]
        leader = max(scored, key=lambda report: report.value or 0.0, default=None)
        latest = max(self._race) - self._first_trial + 1
        threshold = None if self._decision is None else self._decision.threshold
        best = "none yet" if leader is None else f"{leader.score:.3f}{_of(threshold)}"
        return f"trial {latest} of at most {self._experiment.tuning.trials}, best score {best}"

    def _speed(self) -> str:
        return f"{self._total.steps / self._seconds:,.0f} steps/s" if self._seconds else "0 steps/s"

    def _left(self) -> str:
        budget, total, seconds = self._experiment.budget, self._total.steps, self._seconds
        left = budget.steps_per_stage - self._steps
        text = f"{counted(left, 'step')} of the stage"
        if total and not self._race:
            text += f" (about {left * seconds / total:,.0f} s)"
        if budget.seconds is not None:
            text += f", {max(0, budget.seconds - seconds):,.0f} s of the run"
        if budget.steps is not None:
            text += f", {counted(max(0, budget.steps - total), 'step')} of the run"
        return text

    def _drawn(self) -> Table | Text:
        """What a terminal shows: the run's state, or once it is trained the final evaluation's."""
        if self._arms.is_on:
            return self._race_panel()
        if not self._trained:
            return self._panel()
        return Text(self._final_evaluation(), no_wrap=True, overflow="ellipsis")

    def _race_panel(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.title, table.title_justify = f"{self._title}: a race", "left"
        for name, text in self._arms.rows():
            table.add_row(name, Text(text, no_wrap=True, overflow="ellipsis"))
        return table

    def _panel(self) -> Table:
        done = 0 if self._reach is None else self._path.index(self._reach) + 1
        table = Table.grid(padding=(0, 2))
        table.title, table.title_justify = self._title, "left"
        if self._arms.arms.selected is not None:
            table.add_row("arm", f"{self._arms.arms.selected.arm}; the race is over")
        drawn = ProgressBar(len(self._path), done, width=24)
        bar = Table.grid(padding=(0, 1))
        bar.add_row(drawn, f"{done} of {counted(len(self._path), 'stage')}")
        table.add_row("path", bar)
        table.add_row("stage", f"{self._names.words(self._stage)}, visit {self._visit}")
        table.add_row("score", self._score())
        reach = "none yet" if self._reach is None else self._names.words(self._reach)
        if self._reach is not None and self._experiment.criterion.verdict is Verdict.READY:
            reach += " (ready)"
        table.add_row("reach", reach)
        if self._race:
            table.add_row("search", self._search())
        steps, tokens = counted(self._total.steps, "step"), counted(self._total.tokens, "token")
        table.add_row("cost", f"{steps}, {tokens}, {self._speed()}")
        if not self._trained:
            table.add_row("left", self._left())
        return table


def _of(threshold: float | None) -> str:
    """What a score has to clear, in words; empty for a criterion that has no threshold."""
    return "" if threshold is None else f" (threshold {threshold:g})"
