"""Addition and multiplication of two binary numbers, as their digits.

Legend: B batch, L length, T length of the output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import add, mul

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn import IGNORED, Batch, EvaluationSet
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.binary_numbers import to_bits, to_integers
from curriculum.tasks.every_string import set_of

SHORTEST = 3
OPERATOR = END = 2
OUTPUTS = Alphabet(("0", "1", "end"))


@dataclass(frozen=True, slots=True)
class Operation:
    """Two numbers of at least one bit each, lowest bit first, joined by an operator.

    The output is the result, lowest bit first and without zeros after its highest, and then an end
    symbol; what comes after that doesn't count. How many bits the first number has is drawn
    uniformly, and then each number uniformly from 1 up. After Delétang et al. 2023, arXiv
    2207.02098, appendix A.
    """

    name: str
    alphabet: Alphabet
    result: Callable[[int, int], int]

    def check(self, stage: Stage) -> None:
        """Raise `UsageError` where there is no room for two numbers."""
        self.alphabet.check(self.name, stage)
        if stage.length < SHORTEST:
            raise UsageError(
                f"{self.name} needs a length of at least {SHORTEST}, two digits and the operator "
                f"between them; got {stage.length}"
            )

    def sample(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, output_length: int
    ) -> Batch:
        """A batch of such inputs and their results."""
        places = np.arange(stage.length)
        sizes = rng.integers(1, stage.length - 1, size=(batch_size, 1))
        first, second = places < sizes, places > sizes
        inputs = rng.integers(2, size=(batch_size, stage.length))
        while (zero := ~(inputs & first).any(axis=1) | ~(inputs & second).any(axis=1)).any():
            inputs[zero] = rng.integers(2, size=inputs[zero].shape)
        inputs[places == sizes[:, 0, None]] = OPERATOR
        return self.batch(inputs, output_length)

    def count(self, stage: Stage) -> EvaluationSet | None:
        """The evaluation set of all inputs, where they are few."""
        return set_of(sum(_counts(stage.length))) if stage.length < 13 else None

    def evaluation_batch(self, stage: Stage, start: int, stop: int, output_length: int) -> Batch:
        """Inputs whose first number has 1 bit, then 2 ..., weighted as they are drawn."""
        counts = np.array(_counts(stage.length))
        ends, numbers = np.cumsum(counts), np.arange(start, stop)
        group = np.searchsorted(ends, numbers, side="right")
        within, size = numbers - (ends - counts)[group], group + 1  # of the first number, in bits
        seconds = 2 ** (stage.length - 1 - size) - 1
        written = (within // seconds + 1) + ((within % seconds + 1) << (size + 1))
        inputs = to_bits(written.tolist(), stage.length)
        inputs[np.arange(len(inputs)), size] = OPERATOR
        batch = self.batch(inputs, output_length)
        weights = 1 / (len(counts) * counts[group])
        return Batch(inputs=batch.inputs, targets=batch.targets, weights=weights)

    def encode(self, text: str, output_length: Callable[[int], int]) -> Batch:
        """What was typed, with its result."""
        inputs = np.array([self.alphabet.parse(text)], dtype=np.int64)
        inner = inputs[0, 1:-1]
        if (inner == OPERATOR).sum() != 1 or OPERATOR in inputs[0, [0, -1]]:
            raise UsageError(
                f"an input is two binary numbers with {self.alphabet.words[OPERATOR]} between them, "
                f"got {text!r}"
            )
        return self.batch(inputs, output_length(inputs.shape[1]))

    def batch(self, inputs: NDArray[np.int64], output_length: int) -> Batch:
        """The results of inputs (B, L), of which nothing after the end is predicted, (B, T)."""
        sizes = np.argmax(inputs == OPERATOR, axis=1)
        results = []
        for written, size in zip(
            to_integers(np.where(inputs == OPERATOR, 0, inputs)), sizes.tolist(), strict=True
        ):
            results.append(self.result(written & ((1 << size) - 1), written >> (size + 1)))
        ends = np.array([max(1, result.bit_length()) for result in results])[:, None]
        places, bits = np.arange(output_length), to_bits(results, output_length)
        targets = np.where(places < ends, bits, np.where(places == ends, END, IGNORED))
        return Batch(inputs=inputs, targets=targets)


ADDITION = Operation("binary addition", Alphabet(("0", "1", "+")), add)
MULTIPLICATION = Operation("binary multiplication", Alphabet(("0", "1", "*")), mul)


def _counts(length: int) -> list[int]:
    """How many inputs there are whose first number has 1 bit, 2 ..."""
    return [(2**size - 1) * (2 ** (length - 1 - size) - 1) for size in range(1, length - 1)]
