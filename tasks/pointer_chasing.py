"""Pointer chasing: follow a list of pointers from a start, several times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curriculum.errors import UsageError
from curriculum.learn import IGNORED, Batch, Shape, Task, parse_symbols
from curriculum.plan import Stage
from curriculum.tasks.distinct_symbols import draw_distinct


@dataclass(frozen=True, kw_only=True, slots=True)
class PointerChasing(Task):
    """Pairs of a symbol and the one that it points to, in any order, and then a start.

    The output is the symbol that is reached from the start after as many hops as the stage's
    level says. A stage's length is the number of pointers, so that the input has 2 length + 1
    symbols; which symbols have one is drawn from the vocabulary. They form one circle: with a
    permutation of any kind, paths would often be back at their start, and that a good guess.

    Each hop needs the one before: k-hop composition, with which Peng et al. 2024, "On limitations
    of the transformer architecture", arXiv 2402.08164, and Sanford et al. 2024, "Transformers,
    parallel computation, and logarithmic depth", arXiv 2402.09268 (k-hop induction heads), measure
    what depth buys.

    >>> batch = PointerChasing().sample(np.random.default_rng(0), Stage(3, 8, 2), 1)
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[4, 3, 3, 2, 2, 4, 2]], [3])
    """

    output = "symbol"
    length_name = "pointers"
    level_name = "hops"

    def check(self, stage: Stage) -> None:
        if stage.vocab_size < stage.length:
            raise UsageError(
                f"{stage.length} pointers need a vocabulary of as many symbols, got "
                f"{stage.vocab_size}"
            )
        if stage.level >= stage.length:
            raise UsageError(
                f"{stage.level} hops need a length of at least {stage.level + 1}, or they lead back "
                f"to the start, got {stage.length}"
            )

    def shape(self, last: Stage) -> Shape:
        return Shape.of("symbol", last, length=2 * last.length + 1)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        circle = draw_distinct(rng, 0, stage.vocab_size, batch_size, stage.length)
        start = rng.integers(stage.length, size=batch_size)
        order = np.argsort(rng.random(circle.shape), axis=1)
        rows = np.arange(batch_size)
        inputs = np.empty((batch_size, 2 * stage.length + 1), dtype=np.int64)
        inputs[:, 0:-1:2] = np.take_along_axis(circle, order, axis=1)
        inputs[:, 1:-1:2] = np.take_along_axis(circle, (order + 1) % stage.length, axis=1)
        inputs[:, -1] = circle[rows, start]
        return Batch(inputs=inputs, targets=circle[rows, (start + stage.level) % stage.length])

    def encode(self, text: str, stage: Stage) -> Batch:
        """Pairs, and then a start; the target isn't known where the way leads nowhere."""
        numbers = parse_symbols(text, stage.vocab_size)
        pointers = dict(zip(numbers[0:-1:2], numbers[1:-1:2], strict=False))
        if len(numbers) % 2 == 0 or 2 * len(pointers) + 1 != len(numbers):
            raise UsageError(
                f"an input is pairs of a symbol and the one it points to, each symbol once in the "
                f"first place, and then a start, got {text!r}"
            )
        reached = numbers[-1]
        for _ in range(stage.level):
            reached = pointers.get(reached, IGNORED)
        return Batch(inputs=np.array([numbers]), targets=np.array([reached]))
