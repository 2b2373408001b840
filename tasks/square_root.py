"""Square root of a binary number, rounded down."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from curriculum.learn import Batch, EvaluationSet, Shape, Task
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.binary_numbers import to_bits, to_integers
from curriculum.tasks.every_string import every_string, strings

BITS = Alphabet(("0", "1"))


@dataclass(frozen=True, kw_only=True, slots=True)
class SquareRoot(Task):
    """A binary number from 1 to 2^length - 1, its highest bit first; the output is its root so.

    "Compute Sqrt" of Delétang et al. 2023, arXiv 2207.02098, appendix A; context-sensitive. The
    root is rounded down, and has half as many bits as the input, rounded up.

    >>> batch = SquareRoot().encode("100101", Stage(6))
    >>> batch.inputs.tolist(), batch.targets.tolist()  # of 37: 6
    ([[1, 0, 0, 1, 0, 1]], [[1, 1, 0]])
    """

    output = "symbols"

    def check(self, stage: Stage) -> None:
        BITS.check("the square root", stage)

    def shape(self, last: Stage) -> Shape:
        return Shape.of("symbols", last, output_length=-(-last.length // 2))

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = rng.integers(2, size=(batch_size, stage.length))
        while (zero := ~inputs.any(axis=1)).any():
            inputs[zero] = rng.integers(2, size=inputs[zero].shape)
        return _batch(inputs)

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        found = every_string(stage.length, 2)
        return found and EvaluationSet(examples=found.examples - 1)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """The numbers from 1 on."""
        return _batch(strings(start + 1, stop + 1, stage.length, 2))

    def encode(self, text: str, stage: Stage) -> Batch:
        return _batch(np.array([BITS.parse(text)], dtype=np.int64))


def _batch(inputs: NDArray[np.int64]) -> Batch:
    roots = [isqrt(number) for number in to_integers(inputs[:, ::-1])]
    return Batch(inputs=inputs, targets=to_bits(roots, -(-inputs.shape[1] // 2))[:, ::-1].copy())
