"""Even pairs: are the places where a string changes an even number?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn import Batch, EvaluationSet, Task
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.every_string import every_string, strings

LETTERS = Alphabet(("a", "b"))


@dataclass(frozen=True, kw_only=True, slots=True)
class EvenPairs(Task):
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

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return _batch(rng.integers(2, size=(batch_size, stage.length)))

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        return every_string(stage.length, 2)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        return _batch(strings(start, stop, stage.length, 2))

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return LETTERS.decode(symbols)

    def decode_output(self, symbols: NDArray[np.int64]) -> list[str]:
        return ["odd" if symbol else "even" for symbol in symbols]

    def encode(self, text: str, stage: Stage) -> Batch:
        return _batch(np.array([LETTERS.parse(text)], dtype=np.int64))


def _batch(inputs: NDArray[np.int64]) -> Batch:
    changes = inputs[:, 1:] != inputs[:, :-1]
    return Batch(inputs=inputs, targets=changes.sum(axis=1) % 2)
