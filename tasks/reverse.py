"""Reversal: say the sequence from its end to its beginning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn.shape import Answer, Shape
from curriculum.learn.task import IGNORED, Batch, joined
from curriculum.learn.typed import symbols_below
from curriculum.plan import Stage

__all__ = ["Reverse"]

MARKER = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reverse:
    """Gives back a sequence of uniformly drawn symbols in reverse: place by place.

    Attributes:
        end_marker: ends the input with a symbol of its own, number 0; the sequence's are
            then 1 to vocab_size. Nothing is asked at its place.
        shorter: draws each sequence's length uniformly from 1 up to the stage's, and pads
            a batch at the end: a stage is then mastered for all lengths together.

    >>> batch = Reverse().sample(np.random.default_rng(0), Stage(5, 10), 1)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[8, 6, 5, 2, 3]], [[3, 2, 5, 6, 8]])
    """

    end_marker: bool = False
    shorter: bool = False

    @property
    def answer(self) -> Answer:
        return "symbols"

    def shape(self, last: Stage) -> Shape:
        more = int(self.end_marker)
        return Shape(
            answer="symbols",
            length=last.length + more,
            symbols=last.vocab_size + more,
            answers=last.vocab_size + more,
            answer_length=last.length + more,
        )

    def check(self, stage: Stage) -> None:
        if stage.vocab_size < 2:
            raise UsageError(
                f"reversal needs a vocabulary of at least 2, got {stage.vocab_size}: with one "
                f"symbol there is nothing to reverse"
            )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        low = int(self.end_marker)
        if not self.shorter:
            size = (batch_size, stage.length)
            return self._reversed(rng.integers(low, stage.vocab_size + low, size=size))
        lengths = rng.integers(1, stage.length + 1, size=batch_size)
        lengths[rng.integers(batch_size)] = stage.length  # one at least fills the batch
        return joined(
            [
                self._reversed(rng.integers(low, stage.vocab_size + low, size=(1, length)))
                for length in lengths
            ]
        )

    def _reversed(self, sequences: NDArray[np.int64]) -> Batch:
        targets = np.ascontiguousarray(sequences[:, ::-1])
        if self.end_marker:
            column = np.zeros((len(sequences), 1), dtype=np.int64)
            sequences = np.concatenate([sequences, column + MARKER], axis=1)
            targets = np.concatenate([targets, column + IGNORED], axis=1)
        return Batch(inputs=sequences, targets=targets)

    def text(self, symbols: NDArray[np.int64]) -> list[str]:
        return [
            "end" if self.end_marker and symbol == MARKER else str(symbol) for symbol in symbols
        ]

    def read(self, text: str, stage: Stage) -> Batch:
        low = int(self.end_marker)
        numbers = symbols_below(text, stage.vocab_size + low)
        if self.end_marker and MARKER in numbers:
            raise UsageError(f"symbols run from 1 to {stage.vocab_size}; the end is marked for you")
        return self._reversed(np.array([numbers], dtype=np.int64))
