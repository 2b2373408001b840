"""Bucket sort: the symbols in ascending order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn import Batch, EvaluationSet, Task, parse_symbols
from curriculum.plan import Stage
from curriculum.tasks.every_string import every_string, strings


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketSort(Task):
    """A sequence of uniformly drawn symbols; the output is the same symbols in ascending order.

    "Bucket Sort" of Delétang et al. 2023, arXiv 2207.02098, appendix A; context-sensitive. In the
    paper the vocabulary is 5.

    >>> batch = BucketSort().sample(np.random.default_rng(0), Stage(8, 5), 1)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[4, 3, 2, 1, 1, 0, 0, 0]], [[0, 0, 0, 1, 1, 2, 3, 4]])
    """

    output = "symbols"

    def check(self, stage: Stage) -> None:
        if stage.vocab_size < 2:
            raise UsageError(f"sorting needs a vocabulary of at least 2, got {stage.vocab_size}")

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return _batch(rng.integers(stage.vocab_size, size=(batch_size, stage.length)))

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        return every_string(stage.length, stage.vocab_size)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        return _batch(strings(start, stop, stage.length, stage.vocab_size))

    def encode(self, text: str, stage: Stage) -> Batch:
        return _batch(np.array([parse_symbols(text, stage.vocab_size)], dtype=np.int64))


def _batch(inputs: NDArray[np.int64]) -> Batch:
    return Batch(inputs=inputs, targets=np.sort(inputs, axis=1))
