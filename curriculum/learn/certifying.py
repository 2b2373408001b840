"""Retests a model once its training is over, on examples of a stream of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from curriculum.errors import UsageError
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner
from curriculum.learn.task import Task, exam_of, shape_of
from curriculum.plan import Look, Mastery, Stage, Tally
from curriculum.plan.bounds import error_of_test
from curriculum.plan.certificate import LEAST_SHOWN

__all__ = ["STREAM", "Certifier", "Finding"]

STREAM = "certificate"
MOST_TOKENS = 2**20
"""An exam of all inputs is sampled where it would take more than these."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a retest found.

    Attributes:
        score: of the full test, or of the screen where that was failed.
        examples: how many were scored.
        cleared: whether the criterion is fulfilled.
        reason: why, or why not, in words.
    """

    score: float
    examples: int
    cleared: bool
    reason: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Certifier:
    """Retests under a task's criterion."""

    def __init__(self, task: Task, criterion: Mastery, seed: int) -> None:
        self.task = task
        self.seed = seed
        self._criterion = criterion
        self._examiner = Examiner(task, criterion, seed, STREAM)

    def takes(self, learner: Learner, stage: Stage) -> bool:
        """Whether the model, as it is, can be asked about that stage."""
        return learner.takes(shape_of(self.task, stage))

    def test(self, learner: Learner, stage: Stage, *, target: bool = False) -> Finding:
        """What a look at a stage comes to; `target` says whether it is the path's last."""
        criterion = self._criterion.at(target=target)
        found = self._examiner.look(learner, stage, looks=0, tests=0, criterion=criterion)
        return _judged(criterion, Look(screen=found.screen, test=found.test, slices=found.slices))

    def test_beyond(
        self,
        learner: Learner,
        stage: Stage,
        examples: int,
        heard: Callable[[int], None] | None = None,
    ) -> Finding:
        """What a test of a length beyond the path comes to.

        Where a stage has more inputs than can all be tested, so many are drawn. As no sample
        shows a rate of 1, a threshold above what it can show is taken to be what it can.
        What is so long that it is read in pieces tells `heard` of the tokens of each.
        """
        exam = exam_of(self.task, stage)
        if exam is not None and (exam.rows or exam.examples * stage.length <= MOST_TOKENS):
            return self.test(learner, stage, target=True)
        criterion = self._criterion.at(target=True)
        all_right = Tally(score=1.0, examples=examples)
        shown = criterion.lower_bound(all_right, error_of_test(1, criterion.confidence))
        assert shown is not None  # it is a sample
        if shown < min(criterion.threshold, LEAST_SHOWN):
            raise UsageError(
                f"{examples} examples, all right, would show {shown:.2f} at most, and "
                f"{min(criterion.threshold, LEAST_SHOWN):g} is asked for; take more examples"
            )
        criterion = replace(criterion, examples=examples, threshold=min(criterion.threshold, shown))
        examiner = Examiner(self.task, criterion, self.seed, f"{STREAM}/beyond", heard)
        test, slices, _ = examiner.sample(learner, stage, tests=0)
        return _judged(criterion, Look(test=test, slices=slices))

    def glance(self, learner: Learner, stage: Stage) -> float:
        """The score of a screen; of a document, of all of it."""
        exam = exam_of(self.task, stage)
        if exam is not None and exam.rows is not None:
            return self.test(learner, stage).score
        return self._examiner.screen(learner, stage).score


def _judged(criterion: Mastery, look: Look) -> Finding:
    decision = criterion.decide(
        look, test_number=1, passes=criterion.looks_in_a_row, steps=criterion.least_steps
    )
    return Finding(
        score=decision.score or 0.0,
        examples=decision.examples or 0,
        cleared=decision.cleared,
        reason=decision.reason,
    )
