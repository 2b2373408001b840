"""Bucket sort: the symbols in ascending order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.plan import Stage
from curriculum.tasks.string_task import StringTask


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketSort(StringTask):
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

    def targets(self, inputs: NDArray[np.int64]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.sort(inputs, axis=1)
        return found
