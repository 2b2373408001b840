"""Odds first: the first, third, fifth symbol ..., and then the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.plan import Stage
from curriculum.tasks.string_task import StringTask


@dataclass(frozen=True, kw_only=True, slots=True)
class OddsFirst(StringTask):
    """A sequence of uniformly drawn symbols; the output is x_1 x_3 x_5 ... x_2 x_4 x_6 ...

    "Odds First" of Delétang et al. 2023, arXiv 2207.02098, appendix A; context-sensitive. In the
    paper the vocabulary is 2. The order is the paper's: its code counts from 0, and so has x_2 first.

    >>> batch = OddsFirst().sample(np.random.default_rng(0), Stage(5, 10), 1)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[8, 6, 5, 2, 3]], [[8, 5, 3, 6, 2]])
    """

    output = "symbols"

    def check(self, stage: Stage) -> None:
        if stage.vocab_size < 2:
            raise UsageError(f"odds first needs a vocabulary of at least 2, got {stage.vocab_size}")

    def targets(self, inputs: NDArray[np.int64]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.concatenate([inputs[:, ::2], inputs[:, 1::2]], axis=1)
        return found
