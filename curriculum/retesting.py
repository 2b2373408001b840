"""What a run's model is retested on, at each stage that it masters and once it is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curriculum.errors import UsageError
from curriculum.experiment import Experiment
from curriculum.learn.certifying import Certifier
from curriculum.learn.learner import Learner, weights_sha256
from curriculum.plan import Stage
from curriculum.record.history import History

__all__ = ["Retest"]


class Retest:
    """Retests the model of a run on the stream `certificate`."""

    def __init__(self, experiment: Experiment, *, seed: int) -> None:
        self.experiment = experiment
        self.path = experiment.growth.path()
        self._certifier = Certifier(experiment.task, experiment.criterion, seed)
        self._known: tuple[str, dict[str, float]] = ("", {})  # the last weights, and their scores

    def of_final(self, learner: Learner, history: History) -> Iterator[dict[str, Any]]:
        """A finding on each stage of the path that the model can be asked about, and beyond it.

        Args:
            learner: as the run ended with it.
            history: the run's.
        """
        settings = self.experiment.certificate
        for stage in self.path:
            if self._certifier.takes(learner, stage):
                found = self._certifier.test(learner, stage, target=stage == self.path[-1])
                yield {"stage": stage.key, "beyond": False, **found.as_json()}
        for stage in self._beyond(learner, history):
            found = self._certifier.test_beyond(learner, stage, settings.examples)
            yield {"stage": stage.key, "beyond": True, **found.as_json()}

    def retention(self, learner: Learner) -> dict[str, float]:
        """How the model does on each stage of the path that it can be asked about, by its key."""
        weights = weights_sha256(learner.model)
        if weights != self._known[0]:  # many stages are mastered without training
            scores = {
                stage.key: self._certifier.glance(learner, stage)
                for stage in self.path
                if self._certifier.takes(learner, stage)
            }
            self._known = (weights, scores)
        return self._known[1]

    def _beyond(self, learner: Learner, history: History) -> list[Stage]:
        """The lengths beyond what was trained or mastered that task and model can take."""
        reach = history.reach
        if reach is None:
            return []
        longest = max(history.trained, reach.length)
        stages = self.experiment.certificate.stages(longest, reach.vocab_size)
        return [
            stage for stage in stages if stage not in self.path and self._allows(learner, stage)
        ]

    def _allows(self, learner: Learner, stage: Stage) -> bool:
        try:
            self.experiment.check_stage(stage)
        except UsageError:
            return False
        return self._certifier.takes(learner, stage)
