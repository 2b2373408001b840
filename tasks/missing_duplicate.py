"""Missing duplicate: the bit that is missing in a string written twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn import Batch, EvaluationSet, Task
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.every_string import set_of, strings

SYMBOLS = Alphabet(("0", "1", "?", "."))
MISSING, FILLER = 2, 3


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingDuplicate(Task):
    """A string of bits twice, one of the bits hidden; the target is that bit.

    "Missing Duplicate" of Delétang et al. 2023, arXiv 2207.02098, appendix A; context-sensitive.
    Bits and the hidden place are drawn uniformly. Of odd lengths the last symbol is a filler.

    >>> batch = MissingDuplicate().encode("101 1?1 .", Stage(7, 4))
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[1, 0, 1, 1, 2, 1, 3]], [0])
    """

    output = "bit"

    def check(self, stage: Stage) -> None:
        SYMBOLS.check("missing duplicate", stage)
        if stage.length < 2:
            raise UsageError(
                f"missing duplicate needs a length of at least 2, a string twice; got {stage.length}"
            )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        half = stage.length // 2
        words = rng.integers(2, size=(batch_size, half))
        return _batch(words, rng.integers(2 * half, size=batch_size), stage.length)

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        half = stage.length // 2
        return set_of(2 * half * 2**half) if half < 12 else None

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        half = stage.length // 2
        numbers = np.arange(start, stop)
        words = strings(0, 2**half, half, 2)[numbers // (2 * half)]
        return _batch(words, numbers % (2 * half), stage.length)

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return SYMBOLS.decode(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        inputs = np.array([SYMBOLS.parse(text)], dtype=np.int64)
        half = inputs.shape[1] // 2
        twice, end = inputs[0, : 2 * half], inputs[0, 2 * half :]
        hidden = np.flatnonzero(twice == MISSING)
        if len(hidden) == 1:
            words = twice[:half].copy()
            words[hidden % half] = twice[(hidden + half) % (2 * half)]
            batch = _batch(words[None], hidden, inputs.shape[1])
            if (words < MISSING).all() and np.array_equal(batch.inputs, inputs):
                return batch
        raise UsageError(
            f"an input is bits twice with a ? in place of one, and a . after them where the length "
            f"is odd, as in {'0 1 0 ?' if len(end) == 0 else '0 1 0 ? .'}; got {text!r}"
        )


def _batch(words: NDArray[np.int64], hidden: NDArray[np.int64], length: int) -> Batch:
    rows, inputs = np.arange(len(words)), np.full((len(words), length), FILLER)
    inputs[:, : 2 * words.shape[1]] = np.tile(words, 2)
    targets = inputs[rows, hidden]
    inputs[rows, hidden] = MISSING
    return Batch(inputs=inputs, targets=targets)
