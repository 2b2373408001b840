"""The learner that a run ends with, where it ends short of its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from curriculum import learn
from curriculum.config import Experiment
from curriculum.plan import Scheduler, Stage, Verdict
from curriculum.record import Recorder
from curriculum.runner.final_evaluation import FinalEvaluator

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True, slots=True)
class FarthestLearner:
    """Gives back the learner that got farthest along the path.

    Attributes:
        experiment: of the run.
        seed: of the run.
        device: that learners are loaded onto.
        recorder: which has the run's history and its checkpoints.
        evaluator: compares two learners.
    """

    experiment: Experiment
    seed: int
    device: torch.device
    recorder: Recorder
    evaluator: FinalEvaluator

    def find(
        self, learner: learn.Learner, scheduler: Scheduler, visit: int, verdict: Verdict
    ) -> tuple[learn.Learner, int | None]:
        """What a run that has finished ends with, and the number of the visit that it is of.

        None stands for the learner as it is. Where training went on after the visit that got farthest,
        that one is gone back to only if the present learner is significantly worse.
        """
        history, stays = self.recorder.history, (learner, None)
        if scheduler.reached_target:
            return stays
        target = scheduler.path[-1]
        if target in history.mastered_ahead:
            number = next(test.visit for test in history.target_evaluations if test.passed)
            farthest = self.recorder.checkpoints.learner_of_target(self.experiment, self.device)
            return self._better(learner, farthest, number, if_worse_on=target)
        if scheduler.reach is None:
            return stays
        if verdict.passed and history.visits[visit].stage == scheduler.reach:
            return stays
        last = history.last_mastered_in(scheduler.reach)
        assert last is not None, "the reach was passed"
        farthest = self.recorder.checkpoints.learner_after(last, self.experiment, self.device)
        waits = scheduler.pacing.waits_for_mastery
        return self._better(learner, farthest, last, if_worse_on=None if waits else scheduler.reach)

    def _better(
        self,
        learner: learn.Learner,
        farthest: learn.Learner,
        visit: int,
        *,
        if_worse_on: Stage | None,
    ) -> tuple[learn.Learner, int | None]:
        """The farthest one, of that visit; or the present one where it is the same, or no worse."""
        if not self.experiment.grows_with_stages:  # the path may have been lengthened since
            farthest = farthest.grown(self.experiment.shape, seed=self.seed, visit=visit)
        if learn.weights_sha256(farthest.model) == learn.weights_sha256(learner.model):
            return learner, None
        if if_worse_on is not None and not self.evaluator.is_worse(learner, farthest, if_worse_on):
            return learner, None
        return farthest, visit
