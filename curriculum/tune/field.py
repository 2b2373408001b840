"""Where trials are trained: one after another in this process, or in several at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import torch

from curriculum.experiment import Experiment
from curriculum.learn.learner import Learner, Snapshot
from curriculum.plan import Scheduler
from curriculum.record.description import describe, rebuild
from curriculum.tune.race import ROUND, Advance
from curriculum.tune.space import Settings
from curriculum.tune.trial import Trial
from curriculum.tune.workers import Workers

__all__ = ["Field", "Here", "open_field"]


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
    """Trains the trials in this process."""

    def __init__(self, experiment: Experiment, *, seed: int, device: torch.device) -> None:
        self._experiment = experiment
        self._seed = seed
        self._device = device
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
            )
            for number, settings in entrants.items()
        }

    def advance(self, number: int) -> Advance:
        return self._trials[number].advance()

    def learner(self, number: int) -> Learner:
        return self._trials[number].learner


@contextmanager
def open_field(
    experiment: Experiment, *, seed: int, device: torch.device, jobs: int, source: Path | None
) -> Iterator[Field]:
    """Where a run's trials are trained: in this process, or in `jobs` others.

    Raises:
        UsageError: where other processes can't find what the experiment is made of.
    """
    jobs = min(jobs, ROUND)
    if jobs == 1 or not experiment.tuning.is_on:
        yield Here(experiment, seed=seed, device=device)
        return
    if source is None:
        rebuild(describe(experiment))
    with Workers(experiment, seed=seed, device=device, jobs=jobs, source=source) as workers:
        yield workers
