"""Duplicate: the sequence twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn import Shape
from curriculum.plan import Stage
from curriculum.tasks.string_task import StringTask


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate(StringTask):
    """A sequence of uniformly drawn symbols; the output is the sequence twice.

    "Duplicate String" of Delétang et al. 2023, arXiv 2207.02098, appendix A; context-sensitive. In
    the paper the vocabulary is 2.

    >>> batch = Duplicate().sample(np.random.default_rng(0), Stage(3, 10), 1)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[8, 6, 5]], [[8, 6, 5, 8, 6, 5]])
    """

    output = "symbols"

    def check(self, stage: Stage) -> None:
        if stage.vocab_size < 2:
            raise UsageError(
                f"duplication needs a vocabulary of at least 2, got {stage.vocab_size}"
            )

    def shape(self, last: Stage) -> Shape:
        return Shape.of("symbols", last, output_length=2 * last.length)

    def targets(self, inputs: NDArray[np.int64]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.tile(inputs, 2)
        return found
