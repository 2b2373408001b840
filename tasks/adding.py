"""The adding problem: the sum of two marked numbers among many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Batch, Shape, Task
from curriculum.plan import Stage

EARLY = 10
"""The first marked number is one of the first so many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Adding(Task):
    """Adds two marked numbers (Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, 5.4).

    Each position has two channels: a number from [-1, 1], and a marker, which is 1 at two positions,
    -1 at the first and the last, and 0 elsewhere. One of the marked positions is among the first
    ten, the other among the first half. The target is .5 + (x + y) / 4, so that it lies in [0, 1]; it
    is correct within .04. A marked first number counts as 0. A constant output is correct in
    about 15 % of the examples.

    A stage's length is the least; each sequence's own is up to a tenth more.

    Attributes:
        tolerance: how far an output may be from its target to be correct.
        varied: whether lengths differ; without, all have the stage's.

    >>> batch = Adding().sample(np.random.default_rng(0), Stage(20), 1)
    >>> x, y = batch.inputs[0, batch.inputs[0, :, 1] == 1, 0]
    >>> bool(np.isclose(batch.targets[0], 0.5 + (x + y) / 4))
    True
    """

    output = "values"

    tolerance: float = 0.04
    varied: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "task")

    def check(self, stage: Stage) -> None:
        if stage.length < 6:
            raise UsageError(f"the adding problem needs a length of at least 6, got {stage.length}")
        if stage.vocab_size != 2:
            raise UsageError(
                f"the adding problem has no symbols: leave the vocabulary at 2, got "
                f"{stage.vocab_size}"
            )

    def shape(self, last: Stage) -> Shape:
        return Shape.of(self.output, last, length=self._longest(last), channels=2)

    def _longest(self, stage: Stage) -> int:
        return stage.length + (stage.length // 10 if self.varied else 0)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        rows, longest = np.arange(batch_size), self._longest(stage)
        lengths = rng.integers(stage.length, longest + 1, size=batch_size)
        numbers = rng.uniform(-1, 1, size=(batch_size, longest)).astype(np.float32)
        half = stage.length // 2
        first = rng.integers(min(EARLY, half), size=batch_size)
        second = rng.integers(half - 2, size=batch_size)
        # Of the half - 1 positions the one that is marked already is left out.
        second += (second >= first) & (first < half - 1)
        numbers[rows[first == 0], 0] = 0
        numbers[rows[second == 0], 0] = 0
        markers = np.zeros((batch_size, longest), dtype=np.float32)
        markers[:, 0] = markers[rows, lengths - 1] = -1
        markers[rows, first] = markers[rows, second] = 1
        present = np.arange(longest) < lengths[:, None]  # (B, L)
        inputs = np.stack([numbers, markers], axis=-1) * present[..., None]
        return Batch(
            inputs=inputs,
            targets=(0.5 + (numbers[rows, first] + numbers[rows, second]) / 4).astype(np.float32),
            mask=present if longest > stage.length else None,
        )
