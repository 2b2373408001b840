"""Subsequence: copy the part of the input that its first two symbols point to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn import Batch, Shape, Task, parse_numbers
from curriculum.plan import Stage

SHORTEST = 4
LEAST_COPIED = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Subsequence(Task):
    """The input is `(idx, len, x_0, x_1, ...)`; the output `x_idx ...`, `len` symbols, and zeros.

    A stage's length counts the two pointers, so that the output is two shorter. `idx` runs
    from 0 to length - 5 (at length 4 it is 0), `len` from 2 to the end; digits from 1 to
    vocab_size - 1, as 0 stands for the end of the output. Pointers are one symbol each,
    whatever they say: the input's vocabulary holds every number up to the longest part.

    >>> batch = Subsequence().sample(np.random.default_rng(0), Stage(8, 10), 1)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[3, 3, 5, 3, 3, 1, 1, 1]], [[1, 1, 1, 0, 0, 0]])
    """

    output = "symbols"

    def shape(self, last: Stage) -> Shape:
        return Shape.of(
            "symbols",
            last,
            input_vocab_size=max(last.vocab_size, last.length - 1),
            output_length=last.length - 2,
        )

    def check(self, stage: Stage) -> None:
        if stage.length < SHORTEST:
            raise UsageError(
                f"a subsequence needs a length of at least {SHORTEST}: two pointers, and "
                f"{LEAST_COPIED} symbols to copy; got {stage.length}"
            )
        if stage.vocab_size < 2:
            raise UsageError(
                f"a subsequence needs a vocabulary of at least 2, got {stage.vocab_size}: 0 stands "
                f"for the end of the output"
            )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        digits = stage.length - 2
        start = rng.integers(max(1, stage.length - SHORTEST), size=batch_size)
        count = rng.integers(LEAST_COPIED, digits - start + 1)
        symbols = rng.integers(1, stage.vocab_size, size=(batch_size, digits))
        inputs = np.concatenate([start[:, None], count[:, None], symbols], axis=1)
        return Batch(inputs=inputs, targets=_copied(inputs))

    def encode(self, text: str, stage: Stage) -> Batch:
        numbers = parse_numbers(text)
        given = Stage(max(len(numbers), 1), stage.vocab_size)
        self.check(given)
        (start, count), digits = numbers[:2], numbers[2:]
        if not (start >= 0 and count >= 1 and start + count <= len(digits)):
            raise UsageError(
                f"the first two numbers are where the part to copy begins and how long it is; {start} and "
                f"{count} don't fit into {len(digits)} symbols"
            )
        if not all(1 <= digit < stage.vocab_size for digit in digits):
            raise UsageError(f"symbols are 1 to {stage.vocab_size - 1}, got {digits}")
        inputs = np.array([numbers], dtype=np.int64)
        return Batch(inputs=inputs, targets=_copied(inputs))


def _copied(inputs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The targets, (B, L - 2)."""
    start, count, symbols = inputs[:, :1], inputs[:, 1:2], inputs[:, 2:]
    positions = np.arange(symbols.shape[1])
    shifted = np.take_along_axis(symbols, (start + positions) % symbols.shape[1], axis=1)
    return np.where(positions < count, shifted, 0)
