"""The state of one search: its study's trials, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from curriculum import record
from curriculum.config import Settings
from curriculum.plan import Cost


class Search:
    """What was proposed, evaluated and completed.

    Attributes:
        visit: the visit that it is made on.
        study: the visit that its study was started on; a retune continues the study.
        completed: the study's trials that are over, in the order of their numbers.
        first: the number of this search's first trial.
        reports: the last report of each trial of this search.
        ending: why the search is over, in words; None while it is not.
        selected: whether its selection is made.
    """

    def __init__(
        self, visit: int, study: int, completed: Iterable[record.CompletedTrial] = ()
    ) -> None:
        self.visit = visit
        self.study = study
        self.completed = list(completed)
        self.first = len(self.completed)
        self.reports: dict[int, record.TrialReport] = {}
        self.ending: str | None = None
        self.selected = False

    @classmethod
    def none(cls) -> Self:
        """The state before any search was made."""
        found = cls(-1, -1)
        found.selected = True
        return found

    def next(self, visit: int, *, retuning: bool) -> Self:
        """The search of another visit: in this one's study, if it tries the same stage again."""
        if retuning and visit == self.visit + 1:
            return type(self)(visit, self.study, self.completed)
        return type(self)(visit, visit)

    @classmethod
    def of_events(cls, events: Iterable[record.Event]) -> Self:
        """The last search that the events of a visit, or of visits, tell of.

        Rounds that were over are kept; one under way is as if never proposed.
        """
        found = cls.none()
        proposed: list[int] = []
        for event in events:
            match event:
                case record.RoundProposed():
                    if found.selected:
                        continued = event.study == found.study
                        found = cls(event.visit, event.study, found.completed if continued else ())
                    proposed = [*event.trials]
                case record.TrialSelected():
                    found.selected = True
                case _:
                    found._take(event)
        if not found.selected:
            found._forget_round(proposed)
            found._find_ending()
        return found

    def take_rounds(self, events: Iterable[record.Event]) -> None:
        """Take over whole rounds of this search from the journal's events."""
        for event in events:
            self._take(event)
        self._find_ending()

    @property
    def tried(self) -> int:
        """How many trials of this search are over."""
        return len(self.completed) - self.first

    @property
    def best(self) -> int | None:
        """The trial that passed, or else scored best; of equals the one with less loss."""
        sound = [report for report in self.reports.values() if not report.diverged]
        return max(sound, key=_rank).trial if sound else None

    @property
    def cost(self) -> Cost:
        """Of all trials of this search."""
        return sum((report.cost for report in self.reports.values()), Cost())

    @property
    def discarded_cost(self) -> Cost:
        """Of all trials but the best."""
        best = self.best
        return self.cost if best is None else self.cost - self.reports[best].cost

    def complete(self, number: int, settings: Settings, *, won: bool) -> record.CompletedTrial:
        """A trial is over, for its round is: either one of them `won`, or none could be trained further."""
        report = self.reports.get(number)
        outcome = _outcome(report, won=won)
        cost = Cost() if report is None else report.cost
        trial = record.CompletedTrial(
            number=number,
            settings=settings,
            score=None if report is None else report.score,
            objective=None if report is None else report.objective,
            outcome=outcome,
            reason=self._reason(report, outcome),
            compute=cost.compute,
            steps=cost.steps,
            tokens=cost.tokens,
        )
        self.completed.append(trial)
        return trial

    def _reason(self, report: record.TrialReport | None, outcome: record.Outcome) -> str:
        """Why the trial ended as it did, in words."""
        if outcome == "stopped":
            return self.ending or "no trial could be trained further"
        if report is None:
            return "the race was over before its first evaluation"
        return report.ending or report.reason

    def _take(self, event: record.Event) -> None:
        if isinstance(event, record.TrialEvaluated):
            self.reports[event.report.trial] = event.report
        elif isinstance(event, record.TrialCompleted):
            self.completed.append(event.trial)

    def _find_ending(self) -> None:
        """How the search has ended, if it has, follows from the trials that are completed."""
        for trial in self.completed[self.first :]:
            if trial.outcome in ("mastered", "ready"):
                self.ending = passed_by(trial.number, trial.outcome)
            elif trial.outcome == "stopped":
                self.ending = trial.reason

    def _forget_round(self, proposed: list[int]) -> None:
        """Drop a round of which not all trials are completed."""
        if proposed and len(self.completed) <= proposed[-1]:
            del self.completed[proposed[0] :]
            self.reports = {n: report for n, report in self.reports.items() if n < proposed[0]}


def passed_by(trial: int, outcome: str) -> str:
    """How a search ends that a trial has won, in words."""
    if outcome == "ready":
        return f"trial {trial} made the stage ready"
    return f"trial {trial} mastered the stage"


def _rank(report: record.TrialReport) -> tuple[bool, float, float, int]:
    value = -1.0 if report.value is None else report.value
    loss = float("inf") if report.loss is None else report.loss
    return report.passed, value, -loss, -report.trial


def _outcome(report: record.TrialReport | None, *, won: bool) -> record.Outcome:
    if report is not None and report.passed:
        return "ready" if report.ready else "mastered"
    if report is not None and report.diverged:
        return "diverged"
    if report is not None and report.ending is not None:
        return "exhausted"
    return "overtaken" if won else "stopped"
