"""The current stage, where the worker processes of a data loader can read it."""

from typing import Any, Protocol

import torch
from torch import Tensor

from curriculum.plan import Scheduler, Stage


class HasStage(Protocol):
    """What knows the current stage: a scheduler, or a `SharedStage` of one."""

    @property
    def stage(self) -> Stage:
        """The stage to train on."""


class SharedStage:
    """A scheduler's stage in memory that processes share.

    Give it to the dataset or its collator in place of the scheduler, and to the callback as
    `shared_stage`, which keeps it up to date. Workers hold batches that they have made in advance, so
    the first ones of a visit are of the stage before.

    >>> from curriculum.plan import Arithmetic
    >>> scheduler = Scheduler(Arithmetic(start=Stage(2), end=Stage(4)))
    >>> SharedStage(scheduler).stage
    Stage(length=2, vocab_size=2, level=1)
    """

    def __init__(self, scheduler: Scheduler) -> None:
        # A version and a stage's three numbers. The version is odd while they are written.
        numbers: Any = torch.zeros(4, dtype=torch.int64)
        self._numbers: Tensor = numbers.share_memory_()
        self.follow(scheduler)

    @property
    def stage(self) -> Stage:
        """The stage to train on, whatever is being written."""
        while True:
            version, *numbers = self._numbers.tolist()
            if version % 2 == 0 and int(self._numbers[0]) == version:
                return Stage(*numbers)

    def follow(self, scheduler: Scheduler) -> None:
        """Take over the scheduler's stage."""
        if int(self._numbers[0]) and self.stage == scheduler.stage:
            return
        self._numbers[0] += 1
        stage = scheduler.stage
        self._numbers[1:] = torch.tensor([stage.length, stage.vocab_size, stage.level])
        self._numbers[0] += 1
