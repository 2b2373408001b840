"""First bit: is there a zero in the sequence, or none?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Batch, EvaluationSet, Task, parse_symbols
from curriculum.plan import Stage

Zeros = Literal["hard", "anywhere", "mixture"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstBit(Task):
    """Tells a sequence of ones (target 1) from one with a single zero in it (target 0).

    The hard pair is all ones against a zero in the first position, which has to be
    remembered to the end: there the target is the first bit. Half of every batch has no zero.

    Every input of a stage is evaluated, weighted half to "no zero": there are length + 1,
    and unweighted a constant prediction would score length / (length + 1).

    Attributes:
        zeros: `hard` for the hard pair alone; `anywhere` to draw the zero's position
            uniformly; `mixture` of both, with every other zero first.

    >>> rng = np.random.default_rng(0)
    >>> FirstBit(zeros="hard").sample(rng, Stage(4), 2).inputs.tolist()
    [[1, 1, 1, 1], [0, 1, 1, 1]]
    """

    output = "bit"

    zeros: Zeros = "mixture"

    def __post_init__(self) -> None:
        check_fields(self, "task", zeros=("hard", "anywhere", "mixture"))

    def check(self, stage: Stage) -> None:
        if stage.length < 2:
            raise UsageError(f"first bit needs a length of at least 2, got {stage.length}")
        if stage.vocab_size != 2:
            raise UsageError(f"first bit has a vocabulary of 2, got {stage.vocab_size}")

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        positions = self._positions(rng, stage, batch_size)
        return _batch(stage.length, batch_size - len(positions), positions)

    def sample_pieces(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, size: int
    ) -> tuple[NDArray[np.int64], Iterator[NDArray[np.int64]]]:
        positions = self._positions(rng, stage, batch_size)
        rows = np.arange(batch_size - len(positions), batch_size)

        def piece(start: int) -> NDArray[np.int64]:
            stop = min(start + size, stage.length)
            within = (start <= positions) & (positions < stop)
            return _inputs(batch_size, stop - start, rows[within], positions[within] - start)

        targets = _targets(batch_size, len(positions))
        return targets, map(piece, range(0, stage.length, size))

    def _positions(
        self, rng: np.random.Generator, stage: Stage, batch_size: int
    ) -> NDArray[np.int64]:
        """Where the zeros of a batch are; its last sequences have them."""
        with_zero = batch_size // 2
        if batch_size % 2:
            with_zero += int(rng.integers(2))
        positions = np.zeros(with_zero, dtype=np.int64)
        if self.zeros != "hard":
            first = with_zero // 2 if self.zeros == "mixture" else 0
            positions[first:] = rng.integers(stage.length, size=with_zero - first)
        return positions

    def evaluation_set(self, stage: Stage) -> EvaluationSet:
        return EvaluationSet(examples=2 if self.zeros == "hard" else stage.length + 1)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Number 0 has no zero; number k has it at the k-th position."""
        zeros = self.evaluation_set(stage).examples - 1
        numbers = np.arange(start, stop)
        batch = _batch(stage.length, int((numbers == 0).sum()), numbers[numbers > 0] - 1)
        return Batch(
            inputs=batch.inputs,
            targets=batch.targets,
            weights=np.where(numbers == 0, 0.5, 0.5 / zeros),
            slices={"hard pair": numbers <= 1},
        )

    def encode(self, text: str, stage: Stage) -> Batch:
        inputs = np.array([parse_symbols(text, stage.vocab_size)], dtype=np.int64)
        return Batch(inputs=inputs, targets=inputs.min(axis=1))


def _batch(length: int, without_zero: int, positions: NDArray[np.int64]) -> Batch:
    """So many sequences of ones, and after them one with a zero at each of `positions`."""
    size = without_zero + len(positions)
    return Batch(
        inputs=_inputs(size, length, np.arange(without_zero, size), positions),
        targets=_targets(size, len(positions)),
    )


def _inputs(
    size: int, length: int, rows: NDArray[np.int64], positions: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Ones, (size, length), with a zero at each of `positions` in its row."""
    inputs = np.ones((size, length), dtype=np.int64)
    inputs[rows, positions] = 0
    return inputs


def _targets(size: int, with_zero: int) -> NDArray[np.int64]:
    targets = np.zeros(size, dtype=np.int64)
    targets[: size - with_zero] = 1
    return targets
