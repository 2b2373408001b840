"""Decimal addition: the digits of a sum."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Batch, EvaluationSet, Shape, Task
from curriculum.plan import Stage

BASE = 10
PLUS = 10
"""The symbol between operands; digits are themselves."""

MOST_LISTED = 4096
"""Stages with at most so many inputs are evaluated on all of them."""

LONG_CARRIES = "long carries"


@dataclass(frozen=True, kw_only=True, slots=True)
class DecimalAddition(Task):
    """Operands in decimal with a plus between them; the output is the digits of their sum.

    A stage's length is the digits of each operand, all of which are drawn: operands are uniform
    from 0 to 10^length - 1, with zeros in front. Its level is the number of pluses: level 1 adds
    two operands, level 2 three. The output has a digit more than an operand (two more from level
    10 on), again with zeros.

    The addition task of Zaremba & Sutskever 2014, "Learning to execute", arXiv 1410.4615, and of
    Keras' example "addition_rnn", where operands may be shorter. The sum in reverse, so that a
    digit depends on columns and a carry that were read before it: Lee et al. 2023, "Teaching
    arithmetic to small transformers", arXiv 2307.03381, format "reverse".

    The slice "long carries" has a carry that goes through all digits: the last column carries,
    and each of the others adds up to 9 without the carry (9, 19 ... with several operands).

    Attributes:
        reverse: writes the sum with its last digit first.

    >>> batch = DecimalAddition().sample(np.random.default_rng(0), Stage(2, 10), 1)
    >>> "".join(DecimalAddition().decode(batch.inputs[0]))
    '86+52'
    >>> batch.targets.tolist()
    [[8, 3, 1]]
    """

    output = "symbols"
    length_name = "digits"
    level_name = "pluses"
    slices = (LONG_CARRIES,)

    reverse: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "task")

    def check(self, stage: Stage) -> None:
        if stage.vocab_size != BASE:
            raise UsageError(
                f"decimal addition has a vocabulary of {BASE} digits, got {stage.vocab_size}; the "
                f"plus is added for you"
            )

    def shape(self, last: Stage) -> Shape:
        return Shape.of(
            "symbols",
            last,
            length=(last.level + 1) * last.length + last.level,
            input_vocab_size=BASE + 1,
            output_vocab_size=BASE,
            output_length=_digits_of_sum(last.length, last.level + 1),
        )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return self._batch(rng.integers(BASE, size=(batch_size, stage.level + 1, stage.length)))

    def sample_slice(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, name: str
    ) -> Batch:
        digits = rng.integers(BASE, size=(batch_size, stage.level + 1, stage.length))
        digits[:, -1] = (BASE - 1 - digits[:, :-1].sum(axis=1)) % BASE
        last = digits[:, :, -1]  # (B, operands): the column that the carry comes from
        drawn = np.arange(batch_size)
        while len(drawn):
            last[drawn] = rng.integers(BASE, size=(len(drawn), stage.level + 1))
            drawn = drawn[last[drawn].sum(axis=1) < BASE]
        return self._batch(digits)

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        digits = (stage.level + 1) * stage.length
        return EvaluationSet(examples=BASE**digits) if BASE**digits <= MOST_LISTED else None

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """The number of an example is its operands' digits, one after the other."""
        size = (stage.level + 1, stage.length)
        places = BASE ** np.arange(size[0] * size[1])[::-1]
        digits = (np.arange(start, stop)[:, None] // places % BASE).reshape(-1, *size)
        batch = self._batch(digits)
        return Batch(
            inputs=batch.inputs,
            targets=batch.targets,
            slices={LONG_CARRIES: has_long_carry(digits)},
        )

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return ["+" if symbol == PLUS else str(symbol) for symbol in symbols]

    def encode(self, text: str, stage: Stage) -> Batch:
        if not re.fullmatch(r"\s*\d+\s*(\+\s*\d+\s*)+", text, re.ASCII):
            raise UsageError(f"an input is whole numbers with + between them, got {text!r}")
        operands = re.findall(r"\d+", text)
        width = max(map(len, operands))
        digits = [[int(digit) for digit in operand.zfill(width)] for operand in operands]
        return self._batch(np.array([digits], dtype=np.int64))

    def _batch(self, digits: NDArray[np.int64]) -> Batch:
        """The batch of operands (B, operands, digits), with the first digit first."""
        size, operands, length = digits.shape
        terms = np.pad(digits, ((0, 0), (0, 0), (0, 1)), constant_values=PLUS)
        found = sums(digits)
        return Batch(
            inputs=terms.reshape(size, operands * (length + 1))[:, :-1],
            targets=found if self.reverse else np.ascontiguousarray(found[:, ::-1]),
        )


def sums(digits: NDArray[np.int64]) -> NDArray[np.int64]:
    """The digits of the sums, the last digit first.

    Args:
        digits: of the operands, (B, operands, digits), the first digit first.

    >>> sums(np.array([[[9, 7], [0, 5]]])).tolist()
    [[2, 0, 1]]
    """
    size, operands, length = digits.shape
    columns = digits.sum(axis=1).T[::-1]  # (digits, B), the last one first
    found = np.zeros((_digits_of_sum(length, operands), size), dtype=np.int64)
    carry = np.zeros(size, dtype=np.int64)
    for place in range(len(found)):
        if place < length:
            carry += columns[place]
        found[place] = carry % BASE
        carry //= BASE
    return np.ascontiguousarray(found.T)


def has_long_carry(digits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a carry goes through all digits of operands (B, operands, digits).

    >>> has_long_carry(np.array([[[6, 7], [3, 5]], [[6, 7], [4, 5]]])).tolist()
    [True, False]
    """
    columns = digits.sum(axis=1)  # (B, digits)
    found: NDArray[np.bool_] = (columns[:, :-1] % BASE == BASE - 1).all(axis=1)
    found &= columns[:, -1] >= BASE
    return found


def _digits_of_sum(length: int, operands: int) -> int:
    """Digits of the largest sum: of k operands below 10^n it is k * 10^n - k."""
    return length + len(str(operands - 1))
