"""Where a round of trials is trained, and how it is done in one process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch

from curriculum.experiment import Experiment
from curriculum.learn.learner import Learner, Snapshot
from curriculum.learn.stop import Stop
from curriculum.plan import Scheduler
from curriculum.tune.race import Advance
from curriculum.tune.space import Settings
from curriculum.tune.trial import Trial

__all__ = ["Field", "Here"]


class Field(Protocol):
    """A round of trials of one parent."""

    def enter(
        self, entrants: Mapping[int, Settings], parent: Snapshot, scheduler: Scheduler
    ) -> None:
        """Begin a round; what is left of the one before is dropped."""
        ...

    def advance(self, number: int) -> Advance:
        """A trial's next look."""
        ...

    def learner(self, number: int) -> Learner:
        """A trial's learner as it was at its last look."""
        ...


class Here:
    """Trains the trials in this process, until it is asked to stop."""

    def __init__(
        self,
        experiment: Experiment,
        *,
        seed: int,
        device: torch.device,
        stop: Stop | None = None,
    ) -> None:
        self._experiment = experiment
        self._seed = seed
        self._device = device
        self._stop = stop
        self._trials: dict[int, Trial] = {}

    def enter(
        self, entrants: Mapping[int, Settings], parent: Snapshot, scheduler: Scheduler
    ) -> None:
        self._trials = {
            number: Trial(
                number,
                settings,
                parent,
                experiment=self._experiment,
                scheduler=scheduler,
                seed=self._seed,
                device=self._device,
                stop=self._stop,
            )
            for number, settings in entrants.items()
        }

    def advance(self, number: int) -> Advance:
        return self._trials[number].advance()

    def learner(self, number: int) -> Learner:
        return self._trials[number].learner

    def advance_and_keep(self, number: int) -> Advance:
        """A trial's next look; `before` then gives the learner as it was at the last one."""
        return self._trials[number].advance(keep=True)

    def before(self, number: int) -> Snapshot:
        """A trial's learner as it was one look ago."""
        return self._trials[number].before
