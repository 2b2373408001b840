"""The noisy latch: which signal did the sequence begin with, before the noise?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Batch, Shape, Task
from curriculum.plan import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class NoisyLatch(Task):
    """Remembers a signal through noise on the same channel: the two-sequence problem.

    The first `signal` inputs are all 1 (target 1) or all -1 (target 0), and the rest is Gaussian
    noise (Bengio, Simard & Frasconi 1994, doi:10.1109/72.279181; with these numbers experiment 3a
    of Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, whose sequences are up to a
    tenth longer than the stage's length).

    Attributes:
        signal: how many inputs the signal has.
        variance: of the noise.

    >>> batch = NoisyLatch().sample(np.random.default_rng(0), Stage(100), 2)
    >>> batch.inputs[:, :3, 0].tolist()
    [[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]]
    >>> batch.targets.tolist(), batch.present.sum(axis=1).tolist()
    ([1, 0], [109, 107])
    """

    output = "bit"

    signal: Annotated[int, "[1, inf)"] = 3
    variance: Annotated[float, "[0, inf)"] = 0.2

    def __post_init__(self) -> None:
        check_fields(self, "task")

    def check(self, stage: Stage) -> None:
        if stage.length < self.signal:
            raise UsageError(
                f"the signal takes a length of at least {self.signal}, got {stage.length}"
            )
        if stage.vocab_size != 2:
            raise UsageError(
                f"the noisy latch has no symbols: leave the vocabulary at 2, got {stage.vocab_size}"
            )

    def shape(self, last: Stage) -> Shape:
        return Shape.of(self.output, last, length=_longest(last), channels=1)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        longest = _longest(stage)
        lengths = rng.integers(stage.length, longest + 1, size=batch_size)
        noise = rng.standard_normal((batch_size, longest), dtype=np.float32)
        inputs = noise * np.float32(np.sqrt(self.variance))
        # Half of every batch is of each class; of an odd one, the last is drawn.
        targets = 1 - np.arange(batch_size, dtype=np.int64) % 2
        if batch_size % 2:
            targets[-1] = rng.integers(2)
        inputs[:, : self.signal] = 2 * targets[:, None] - 1
        present = np.arange(longest) < lengths[:, None]  # (B, L)
        return Batch(
            inputs=(inputs * present)[..., None],
            targets=targets,
            mask=present if longest > stage.length else None,
        )


def _longest(stage: Stage) -> int:
    return stage.length + stage.length // 10
