"""Looks at the last stage of the path before the walk stands there, once it is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curriculum.experiment import Experiment
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner
from curriculum.learn.task import shape_of
from curriculum.plan import Look, Stage
from curriculum.record.history import History
from curriculum.record.journal import Record

__all__ = ["LookAhead"]

STREAM = "ahead"


class LookAhead:
    """Tells when a model masters the target, whether or not it masters what lies below.

    The gate looks at the lowest unmastered stage. A model that is trained on long inputs
    alone may never pass the short ones, and master the target all the same. These looks
    are at the gate's criterion, on examples of their own, and cost the run nothing.
    """

    def __init__(self, experiment: Experiment, *, seed: int) -> None:
        self.target = experiment.growth.path()[-1]
        self._shape = shape_of(experiment.task, self.target)
        self._criterion = experiment.criterion.at(target=True)
        self._examiner = Examiner(experiment.task, experiment.criterion, seed, STREAM)

    def is_due(self, learner: Learner, stage: Stage, history: History) -> bool:
        """Whether the target is trained on, not mastered yet, and not what the gate looks at."""
        return (
            stage != self.target
            and self.target.key not in history.ahead
            and self.target.key in history.drawn
            and learner.takes(self._shape)
        )

    def take(self, learner: Learner, visit: int, history: History) -> dict[str, Any] | None:
        """What a full test of the target found; None where the screen was not passed.

        Args:
            learner: as it is at the newest look.
            visit: the number of the visit that look was taken in.
            history: with that look.
        """
        number = history.look_count
        earlier = [test for test in history.tests_ahead if test["stage"] == self.target.key]
        criterion, tests = self._criterion, len(earlier)
        found = self._examiner.look(
            learner,
            self.target,
            looks=number,
            tests=tests,
            full=history.total.steps >= criterion.least_steps and criterion.can_clear(tests + 1),
            criterion=criterion,
        )
        if found.test is None:
            return None
        decision = criterion.decide(
            Look(screen=found.screen, test=found.test, slices=found.slices),
            test_number=tests + 1,
            passes=_passes(earlier, visit, number),
            steps=history.total.steps,
        )
        return {
            "visit": visit,
            "stage": self.target.key,
            "look": number,
            "score": decision.score,
            "examples": decision.examples,
            "cleared": decision.cleared,
            "mastered": decision.mastered,
            "reason": decision.reason,
        }


def _passes(tests: Sequence[Record], visit: int, number: int) -> int:
    """How many tests in a row were cleared in the looks of the visit just before look `number`."""
    passes = 0
    for test in reversed(tests):
        follows = (test["visit"], test["look"]) == (visit, number - 1 - passes)
        if not (follows and test["cleared"]):
            break
        passes += 1
    return passes
