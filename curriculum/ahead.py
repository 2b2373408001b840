"""Looks at the last stage of the path before the walk stands there, once it is trained on."""

from __future__ import annotations

from typing import Any

from curriculum.experiment import Experiment
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner
from curriculum.learn.task import shape_of
from curriculum.plan import Look, Stage
from curriculum.record.history import History

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
            and history.ahead is None
            and self.target.key in history.drawn
            and learner.takes(self._shape)
        )

    def take(self, learner: Learner, history: History) -> dict[str, Any] | None:
        """What a full test of the target found; None where the screen was not passed.

        Args:
            learner: as it is at the newest look.
            history: with that look.
        """
        number, earlier = history.look_count, history.tests_ahead
        criterion, tests = self._criterion, len(earlier)
        found = self._examiner.look(
            learner,
            self.target,
            looks=number,
            tests=tests,
            full=criterion.can_clear(tests + 1),
            criterion=criterion,
        )
        if found.test is None:
            return None
        passes = 0
        while passes < tests and earlier[-1 - passes]["look"] == number - 1 - passes:
            if not earlier[-1 - passes]["cleared"]:
                break
            passes += 1
        decision = criterion.decide(
            Look(screen=found.screen, test=found.test, slices=found.slices),
            test_number=tests + 1,
            passes=passes,
            steps=history.total.steps,
        )
        return {
            "stage": self.target.key,
            "look": number,
            "score": decision.score,
            "examples": decision.examples,
            "cleared": decision.cleared,
            "mastered": decision.mastered,
            "reason": decision.reason,
        }
