"""Reversal: the sequence from its end to its beginning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn import IGNORED, PADDING, Batch, Shape, Task, parse_symbols
from curriculum.plan import Stage

MARKER = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reverse(Task):
    """A sequence of uniformly drawn symbols in reverse, a target at each position.

    Attributes:
        end_marker: ends the input with a symbol of its own, number 0; the sequence's are
            then 1 to vocab_size. Nothing is predicted at its position.
        shorter: draws each sequence's length uniformly from 1 up to the stage's, and pads
            a batch at the end: a stage is then mastered for all lengths together.

    >>> batch = Reverse().sample(np.random.default_rng(0), Stage(5, 10), 1)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[8, 6, 5, 2, 3]], [[3, 2, 5, 6, 8]])
    """

    output = "symbols"

    end_marker: bool = False
    shorter: bool = False

    def shape(self, last: Stage) -> Shape:
        more = int(self.end_marker)
        size = last.vocab_size + more
        return Shape.of(
            "symbols",
            last,
            length=last.length + more,
            input_vocab_size=size,
            output_vocab_size=size,
        )

    def check(self, stage: Stage) -> None:
        if stage.vocab_size < 2:
            raise UsageError(
                f"reversal needs a vocabulary of at least 2, got {stage.vocab_size}: with one "
                f"symbol there is nothing to reverse"
            )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        low = int(self.end_marker)
        sequences = rng.integers(low, stage.vocab_size + low, size=(batch_size, stage.length))
        lengths = np.full(batch_size, stage.length)
        if self.shorter:
            lengths = rng.integers(1, stage.length + 1, size=batch_size)
        return self._reversed(sequences, lengths)

    def _reversed(self, sequences: NDArray[np.int64], lengths: NDArray[np.int64]) -> Batch:
        """The batch of sequences (B, L), of which only the first `lengths` symbols count."""
        more = int(self.end_marker)
        ends = lengths[:, None]  # (B, 1)
        positions = np.arange(sequences.shape[1] + more)  # one more for the marker
        padded = np.pad(sequences, ((0, 0), (0, more)), constant_values=MARKER)
        inputs = np.where(positions < ends, padded, PADDING)
        if self.end_marker:
            inputs[positions == ends] = MARKER
        turned = np.take_along_axis(padded, np.maximum(ends - 1 - positions, 0), axis=1)
        return Batch(inputs=inputs, targets=np.where(positions < ends, turned, IGNORED))

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return [
            "end" if self.end_marker and symbol == MARKER else str(symbol) for symbol in symbols
        ]

    def encode(self, text: str, stage: Stage) -> Batch:
        low = int(self.end_marker)
        numbers = parse_symbols(text, stage.vocab_size + low)
        if self.end_marker and MARKER in numbers:
            raise UsageError(
                f"symbols are 1 to {stage.vocab_size}, got {MARKER}; the end marker is added for you"
            )
        return self._reversed(np.array([numbers], dtype=np.int64), np.array([len(numbers)]))
