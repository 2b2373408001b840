"""What a run's models are retested on once its training is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from curriculum.errors import UsageError
from curriculum.experiment import Experiment
from curriculum.learn.certifying import Certifier
from curriculum.learn.learner import Learner, weights_sha256
from curriculum.plan import Stage
from curriculum.record.checkpoint import load_learner
from curriculum.record.history import History

__all__ = ["Retest"]


class Retest:
    """Retests the models of a run on the stream `certificate`."""

    def __init__(self, experiment: Experiment, history: History, *, seed: int) -> None:
        self.experiment = experiment
        self.path = experiment.growth.path()
        self._history = history
        self._certifier = Certifier(experiment.task, experiment.criterion, seed)

    def of_final(self, learner: Learner) -> Iterator[dict[str, Any]]:
        """A finding on each stage of the path that the model can be asked about, and beyond it."""
        settings = self.experiment.certificate
        for stage in self.path:
            if self._certifier.takes(learner, stage):
                found = self._certifier.test(learner, stage, target=stage == self.path[-1])
                yield {"stage": stage.key, "beyond": False, **found.as_json()}
        for stage in self._beyond(learner):
            found = self._certifier.test_beyond(learner, stage, settings.examples)
            yield {"stage": stage.key, "beyond": True, **found.as_json()}

    def of_visits(
        self, checkpoints: Mapping[Path, str], device: torch.device
    ) -> Iterator[dict[str, Any]]:
        """For each stage that was mastered, how the model then did on all of the path.

        Args:
            checkpoints: at which stages were mastered, and these stages' keys.
            device: where the models are asked.
        """
        known: dict[str, dict[str, float]] = {}  # many stages are mastered without training
        for folder, key in checkpoints.items():
            learner = load_learner(folder, self.experiment, device)
            weights = weights_sha256(learner.model)
            if weights not in known:
                known[weights] = {
                    stage.key: self._certifier.glance(learner, stage)
                    for stage in self.path
                    if self._certifier.takes(learner, stage)
                }
            yield {"visit": int(folder.name) - 1, "stage": key, "scores": known[weights]}

    def _beyond(self, learner: Learner) -> list[Stage]:
        """The lengths beyond what was trained or mastered that task and model can take."""
        reach = self._history.reach
        if reach is None:
            return []
        longest = max(self._history.trained, reach.length)
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
