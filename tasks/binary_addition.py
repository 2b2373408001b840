"""Binary addition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.learn import Batch, EvaluationSet, Shape, Task
from curriculum.plan import Stage
from curriculum.tasks.binary_arithmetic import ADDITION, OUTPUTS


@dataclass(frozen=True, kw_only=True, slots=True)
class BinaryAddition(Task):
    """The sum of two binary numbers, lowest bits first; how they are drawn is said in `Operation`.

    "Binary Addition" of Delétang et al. 2023, arXiv 2207.02098, appendix A; context-sensitive.

    >>> batch = BinaryAddition().encode("1001+000001", Stage(11, 3))  # 9 + 32 = 41
    >>> BinaryAddition().decode_output(batch.targets[0, :7])
    ['1', '0', '0', '1', '0', '1', 'end']
    """

    output = "symbols"

    def check(self, stage: Stage) -> None:
        ADDITION.check(stage)

    def shape(self, last: Stage) -> Shape:
        return Shape.of(
            "symbols",
            last,
            output_length=last.length + 1,
            output_vocab_size=len(OUTPUTS),
        )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return ADDITION.sample(rng, stage, batch_size, stage.length + 1)

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        return ADDITION.count(stage)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        return ADDITION.evaluation_batch(stage, start, stop, stage.length + 1)

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return ADDITION.alphabet.decode(symbols)

    def decode_output(self, symbols: NDArray[np.int64]) -> list[str]:
        return OUTPUTS.decode(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        return ADDITION.encode(text, lambda length: length + 1)
