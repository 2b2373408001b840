"""What tasks have in common whose output is a function of a uniformly drawn string.

Legend: B batch, L length, T length of the output.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from curriculum.learn import Batch, EvaluationSet, Task, parse_symbols
from curriculum.plan import Stage
from curriculum.tasks.every_string import every_string, strings


class StringTask(Task):
    """Draws strings of a stage's symbols; where there are few, all of them are evaluated."""

    __slots__ = ()

    @abstractmethod
    def targets(self, inputs: NDArray[np.int64]) -> NDArray[np.int64]:
        """The targets, (B,) or (B, T), of inputs (B, L)."""

    def parse(self, text: str, stage: Stage) -> list[int]:
        """The symbols of what was typed.

        Raises:
            UsageError: where it is no string of that stage's symbols.
        """
        return parse_symbols(text, stage.vocab_size)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return self._batch(rng.integers(stage.vocab_size, size=(batch_size, stage.length)))

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        return every_string(stage.length, stage.vocab_size)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        return self._batch(strings(start, stop, stage.length, stage.vocab_size))

    def encode(self, text: str, stage: Stage) -> Batch:
        return self._batch(np.array([self.parse(text, stage)], dtype=np.int64))

    def _batch(self, inputs: NDArray[np.int64]) -> Batch:
        return Batch(inputs=inputs, targets=self.targets(inputs))
