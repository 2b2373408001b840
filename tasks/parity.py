"""Parity check: is the number of ones odd?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.learn import Batch, EvaluationSet, Task
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.every_string import every_string, strings

BITS = Alphabet(("0", "1"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Parity(Task):
    """Tells an odd number of ones (target 1) from an even one (target 0): a regular language.

    "Parity Check" of Delétang et al. 2023, arXiv 2207.02098, appendix A.

    >>> batch = Parity().sample(np.random.default_rng(0), Stage(6), 2)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], [1, 1])
    """

    output = "bit"

    def check(self, stage: Stage) -> None:
        BITS.check("parity", stage)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return _batch(rng.integers(2, size=(batch_size, stage.length)))

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        return every_string(stage.length, 2)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        return _batch(strings(start, stop, stage.length, 2))

    def encode(self, text: str, stage: Stage) -> Batch:
        return _batch(np.array([BITS.parse(text)], dtype=np.int64))


def _batch(inputs: NDArray[np.int64]) -> Batch:
    return Batch(inputs=inputs, targets=inputs.sum(axis=1) % 2)
