"""Even pairs: are the places where a string changes an even number?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.string_task import StringTask

LETTERS = Alphabet(("a", "b"))


@dataclass(frozen=True, kw_only=True, slots=True)
class EvenPairs(StringTask):
    """Counts the pairs "ab" and "ba" together: target 0 where they are even, else 1.

    That is to say whether the first and the last letter differ, which a network has to find out.
    "Even Pairs" of Delétang et al. 2023, arXiv 2207.02098, appendix A; a regular language.

    >>> batch = EvenPairs().encode("aabba", Stage(5))
    >>> batch.inputs.tolist(), batch.targets.tolist()  # one "ab", one "ba"
    ([[0, 0, 1, 1, 0]], [0])
    """

    output = "bit"

    def check(self, stage: Stage) -> None:
        LETTERS.check("even pairs", stage)
        if stage.length < 2:
            raise UsageError(f"even pairs needs a length of at least 2, got {stage.length}")

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return LETTERS.decode(symbols)

    def decode_output(self, symbols: NDArray[np.int64]) -> list[str]:
        return ["odd" if symbol else "even" for symbol in symbols]

    def targets(self, inputs: NDArray[np.int64]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = (inputs[:, 1:] != inputs[:, :-1]).sum(axis=1) % 2
        return found

    def parse(self, text: str, stage: Stage) -> list[int]:
        return LETTERS.parse(text)
