"""Modular arithmetic without brackets: what a sum of products is, modulo a number.

Legend: B batch, D digits of an expression.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Batch, EvaluationSet, Shape, Task
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.every_string import set_of

OPERATORS = "+-*"
MINUS, TIMES = OPERATORS.index("-"), OPERATORS.index("*")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModularArithmetic(Task):
    """The value of digits with +, - and * between them; * binds more strongly.

    "Modular Arithmetic (Simple)" of Delétang et al. 2023, arXiv 2207.02098, appendix A; a regular
    language. Digits and operators are drawn uniformly, and lengths are odd.

    Attributes:
        modulus: digits are 0 to modulus - 1, and so is the value.

    >>> batch = ModularArithmetic().encode("0*1+4*3-2", Stage(9, 8))
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[0, 7, 1, 5, 4, 7, 3, 6, 2]], [0])
    """

    output = "symbol"

    modulus: Annotated[int, "[2, inf)"] = 5

    def __post_init__(self) -> None:
        check_fields(self, "task")

    @property
    def alphabet(self) -> Alphabet:
        """Digits, and then operators."""
        return Alphabet.of_digits(self.modulus, OPERATORS)

    def check(self, stage: Stage) -> None:
        self.alphabet.check("modular arithmetic", stage)
        if stage.length % 2 == 0:
            raise UsageError(
                f"modular arithmetic without brackets has odd lengths, as an operator stands "
                f"between any two digits; got {stage.length}, take {stage.length - 1} or "
                f"{stage.length + 1}"
            )

    def shape(self, last: Stage) -> Shape:
        return Shape.of("symbol", last, output_vocab_size=self.modulus)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = np.empty((batch_size, stage.length), dtype=np.int64)
        inputs[:, ::2] = rng.integers(self.modulus, size=inputs[:, ::2].shape)
        inputs[:, 1::2] = self.modulus + rng.integers(len(OPERATORS), size=inputs[:, 1::2].shape)
        return self._batch(inputs)

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        digits = stage.length // 2 + 1
        return set_of(self.modulus**digits * len(OPERATORS) ** (digits - 1)) if digits < 9 else None

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        sizes = np.array([(self.modulus, len(OPERATORS))[n % 2] for n in range(stage.length)])
        after = np.cumprod([1, *sizes[:0:-1]])[::-1]  # how many inputs share what is before
        inputs = np.arange(start, stop, dtype=np.int64)[:, None] // after % sizes
        inputs[:, 1::2] += self.modulus
        return self._batch(inputs)

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return self.alphabet.decode(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        inputs = np.array([self.alphabet.parse(text)], dtype=np.int64)
        is_operator = inputs[0] >= self.modulus
        places = np.arange(inputs.shape[1]) % 2
        if inputs.shape[1] % 2 == 0 or (is_operator != (places == 1)).any():
            raise UsageError(f"an input is digits with an operator between any two, got {text!r}")
        return self._batch(inputs)

    def _batch(self, inputs: NDArray[np.int64]) -> Batch:
        return Batch(inputs=inputs, targets=_values(inputs, self.modulus))


def _values(inputs: NDArray[np.int64], modulus: int) -> NDArray[np.int64]:
    """The value of each expression, (B,), of (B, 2 D - 1) digits and operators."""
    digits, operators = inputs[:, ::2], inputs[:, 1::2] - modulus
    multiplied = np.zeros(digits.shape, dtype=bool)  # (B, D): whether the next digit is a factor
    multiplied[:, :-1] = operators == TIMES
    negative = np.zeros(digits.shape, dtype=bool)
    negative[:, 1:] = operators == MINUS
    begins = np.ones(digits.shape, dtype=bool)
    begins[:, 1:] = ~multiplied[:, :-1]
    rows, columns = np.nonzero(begins)  # of each term's first digit
    terms = np.where(negative, -digits, digits)[begins]
    # All terms take their next factor at once; few have many, so that there are few rounds.
    growing = np.arange(len(terms))
    while len(growing):
        growing = growing[multiplied[rows[growing], columns[growing]]]
        columns[growing] += 1
        terms[growing] = terms[growing] * digits[rows[growing], columns[growing]] % modulus
    firsts = np.searchsorted(rows, np.arange(len(inputs)))
    sums: NDArray[np.int64] = np.add.reduceat(terms, firsts) % modulus
    return sums
