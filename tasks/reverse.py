"""Reversal: say the sequence from its end to its beginning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curriculum.errors import UsageError
from curriculum.learn.task import Answer, Batch
from curriculum.plan import Stage

__all__ = ["Reverse"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reverse:
    """Gives back a sequence of uniformly drawn symbols in reverse: place by place.

    >>> batch = Reverse().sample(np.random.default_rng(0), Stage(5, 10), 1)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[8, 6, 5, 2, 3]], [[3, 2, 5, 6, 8]])
    """

    @property
    def answer(self) -> Answer:
        return "symbols"

    def check(self, stage: Stage) -> None:
        if stage.vocab_size < 2:
            raise UsageError(
                f"reversal needs a vocabulary of at least 2, got {stage.vocab_size}: with one "
                f"symbol there is nothing to reverse"
            )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = rng.integers(stage.vocab_size, size=(batch_size, stage.length))
        return Batch(inputs=inputs, targets=np.ascontiguousarray(inputs[:, ::-1]))
