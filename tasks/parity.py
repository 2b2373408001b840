"""Parity check: is the number of ones odd?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.string_task import StringTask

BITS = Alphabet(("0", "1"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Parity(StringTask):
    """Tells an odd number of ones (target 1) from an even one (target 0): a regular language.

    "Parity Check" of Delétang et al. 2023, arXiv 2207.02098, appendix A.

    >>> batch = Parity().sample(np.random.default_rng(0), Stage(6), 2)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], [1, 1])
    """

    output = "bit"

    def check(self, stage: Stage) -> None:
        BITS.check("parity", stage)

    def targets(self, inputs: NDArray[np.int64]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = inputs.sum(axis=1) % 2
        return found

    def parse(self, text: str, stage: Stage) -> list[int]:
        return BITS.parse(text)
