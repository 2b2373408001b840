"""A task on held-out documents, for criteria that take a loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from curriculum import Batch, EvaluationSet, Shape, Stage, Task
from curriculum.learn import EvaluationStream


@dataclass(frozen=True, kw_only=True, slots=True)
class Documents(Task):
    """Says of each symbol of a document whether it is the one before, one higher, modulo 4.

    Of one symbol in eight the answer is a coin's, so that the loss can't be 0. Document d is a
    function of d alone, and is cut into `windows` windows.
    """

    output = "symbols"
    documents: int = 120
    windows: int = 2
    source: Any = "held_out"
    counts_bytes: bool = True
    tuning_documents: int = 120
    evaluated_on: str = "gate"

    def shape(self, last: Stage) -> Shape:
        return Shape.of("symbols", last, input_vocab_size=4, output_vocab_size=2)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        size = (batch_size, stage.length)
        steps = rng.integers(2, size=size)
        inputs = np.cumsum(steps, axis=1) % 4
        coins = rng.random(size) < 1 / 8
        targets = np.where(coins, rng.integers(2, size=size), steps)
        targets[:, 0] = -100
        counts = np.full(batch_size, stage.length - 1)
        return Batch(
            inputs=inputs, targets=targets, byte_counts=counts if self.counts_bytes else None
        )

    def for_stream(self, stream: EvaluationStream) -> Documents:
        if stream == "target":
            return self
        documents = self.tuning_documents if stream == "tuning" else self.documents
        return replace(self, evaluated_on=stream, documents=documents)

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        examples = self.documents * self.windows
        return EvaluationSet(examples=examples, source=self.source, units=self.documents)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        every = self.sample(
            np.random.default_rng(len(self.evaluated_on)), stage, self.documents * self.windows
        )
        units = np.arange(self.documents * self.windows) % self.documents  # windows lie apart
        return Batch(
            inputs=every.inputs[start:stop],
            targets=every.targets[start:stop],
            units=units[start:stop],
            byte_counts=None if every.byte_counts is None else every.byte_counts[start:stop],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn(Documents):
    """The same, evaluated on fresh examples."""

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        return None
