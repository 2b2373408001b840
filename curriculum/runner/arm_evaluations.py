"""Tells from the records of an arm how far it is at each of its evaluations."""

from __future__ import annotations

from collections.abc import Iterable

from curriculum import record
from curriculum.plan import ArmReport, Stage, Verdict

AFTERWARDS = (
    record.TargetScreened,
    record.TargetEvaluated,
    record.RetentionMeasured,
    record.VisitEnded,
)
"""What belongs to the evaluation before it."""


class ArmEvaluations:
    """A listener that makes one event of each evaluation of an arm, and of what it led to.

    Attributes:
        found: those that are complete, in order.
    """

    def __init__(self, arm: str, description: record.RunDescription) -> None:
        self.found: list[record.ArmEvaluated] = []
        self._arm = arm
        self._history = record.History(description)
        self._open: Stage | None = None  # that was evaluated, where more of that may follow

    @classmethod
    def of(
        cls, arm: str, description: record.RunDescription, records: Iterable[record.Record]
    ) -> list[record.ArmEvaluated]:
        """Those that records tell of whole; of the last nothing is said if more may follow."""
        evaluations = cls(arm, description)
        for each in records:
            evaluations(each)
        return evaluations.found

    @property
    def count(self) -> int:
        """How many evaluations there were, with one on which more may follow."""
        return len(self.found) + (self._open is not None)

    def __call__(self, entry: record.Record) -> None:
        """Take one more record into account."""
        event = entry.event
        if not isinstance(event, AFTERWARDS):
            self.complete()
        self._history.add(entry)
        match event:
            case record.Evaluated() | record.TrialEvaluated():
                self._open = self._history.visits[-1].stage
            case record.VisitEnded():
                self.complete(over=event)
            case record.TargetEvaluated() if event.passed:
                self.complete()
            case _:  # says nothing of how far the arm is
                pass

    def complete(self, over: record.VisitEnded | None = None) -> None:
        """Nothing more follows on the last evaluation; `over` is what ended its visit."""
        if self._open is None:
            return
        history, path = self._history, self._history.description.path
        reach = history.reach
        in_order = history.mastered_in_order
        score, target_score, target_loss = self._scores()
        mastered = reach == path[-1]
        report = ArmReport(
            compute=history.total_cost.compute,
            mastered=mastered,
            ending=None if mastered or over is None else _ending(over),
            stages=0 if in_order is None else path.index(in_order) + 1,
            score=score,
            target_score=target_score,
            target_loss=target_loss,
        )
        self.found.append(
            record.ArmEvaluated(
                arm=self._arm,
                stage=self._open,
                reach=reach,
                report=report,
                cost=history.total_cost.without_clock(),
            )
        )
        self._open = None

    def _scores(self) -> tuple[float | None, float | None, float | None]:
        """On the stage that was evaluated last, and score and loss on the target, if that was."""
        history = self._history
        visit = history.visits[-1]
        if not visit.evaluations:
            return (visit.reports[-1].score if visit.reports else None), None, None
        last = visit.evaluations[-1]
        found = last.screen or last.full_test
        score = None if found is None else found.value
        if last.stage == history.description.path[-1]:
            return score, score, last.metrics.get("loss")
        screens = history.target_screens
        if screens and screens[-1].evaluation == history.evaluation_count:
            return score, screens[-1].score, screens[-1].loss
        tests = history.target_evaluations  # without a screen where a set is evaluated whole
        if tests and tests[-1].evaluation == history.evaluation_count:
            return score, tests[-1].score, None
        return score, None, None


def _ending(over: record.VisitEnded) -> str | None:
    """Why an arm can't be trained further after a visit, in words; None where it can, or could."""
    if over.next_stage is not None or over.verdict is Verdict.ENDED:
        return None
    return over.limit_reached or "its path is over"
