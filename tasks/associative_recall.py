"""Multi-query associative recall: the values of keys, in whatever order these are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields
from curriculum.learn import IGNORED, Batch, Task, parse_symbols
from curriculum.plan import Stage
from curriculum.tasks.distinct_symbols import draw_distinct

FILLER = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class AssociativeRecall(Task):
    """Pairs of a key and its value, and then each of the keys again; there its value is the target.

    A stage's level is the number of pairs. The pairs come first, side by side. Behind them each
    key stands once more, at one of the even places, with a gap that follows a power law: place i
    of them is drawn with a probability proportional to i^(power - 1), no place twice. The keys
    are different symbols from 1 to vocab_size / 2 - 1, the values different ones from the other
    half; places between are filled at random.

    MQAR of Arora et al. 2023, "Zoology: Measuring and improving recall in efficient language
    models", arXiv 2312.04927, as its code draws it (`zoology/data/multiquery_ar.py`).

    Attributes:
        power: 1 draws places uniformly; small powers put most keys soon after the pairs.
        random_filler: fills places without a key with symbols of the whole vocabulary, which may
            by chance be a key, and not with zeros.

    >>> task = AssociativeRecall(random_filler=False)
    >>> batch = task.sample(np.random.default_rng(0), Stage(12, 16, 2), 1)
    >>> batch.inputs.tolist()
    [[3, 9, 5, 14, 3, 0, 0, 0, 5, 0, 0, 0]]
    >>> batch.targets[0, 4:].tolist()
    [9, -100, -100, -100, 14, -100, -100, -100]
    """

    output = "symbols"
    level_name = "pairs"

    power: Annotated[float, "(0, 1]"] = 0.01
    random_filler: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "task")

    def check(self, stage: Stage) -> None:
        if stage.length < 4 * stage.level or stage.length % 2:
            raise UsageError(
                f"{stage.level} pairs and their queries need an even length of at least "
                f"{4 * stage.level}, got {stage.length}"
            )
        if stage.vocab_size < 2 * stage.level + 2:
            raise UsageError(
                f"{stage.level} pairs need a vocabulary of at least {2 * stage.level + 2}: as many "
                f"keys, as many values, and 0; got {stage.vocab_size}"
            )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        pairs, half = stage.level, stage.vocab_size // 2
        keys = draw_distinct(rng, 1, half, batch_size, pairs)
        values = draw_distinct(rng, half, stage.vocab_size, batch_size, pairs)
        places = self._places(rng, stage, batch_size)
        inputs = np.full((batch_size, stage.length), FILLER)
        if self.random_filler:
            inputs = rng.integers(stage.vocab_size, size=inputs.shape)
        inputs[:, 0 : 2 * pairs : 2] = keys
        inputs[:, 1 : 2 * pairs : 2] = values
        np.put_along_axis(inputs, places, keys, axis=1)
        targets = np.full(inputs.shape, IGNORED)
        np.put_along_axis(targets, places, values, axis=1)
        return Batch(inputs=inputs, targets=targets)

    def _places(self, rng: np.random.Generator, stage: Stage, size: int) -> NDArray[np.int64]:
        """Where each key is asked for, (B, pairs)."""
        weights = _weights((stage.length - 2 * stage.level) // 2, self.power)
        # Of exponential waiting times with these rates, the first are a draw without replacement.
        waiting = rng.standard_exponential((size, len(weights)), dtype=np.float32) / weights
        gaps = np.argsort(waiting, axis=1)[:, : stage.level]
        return 2 * (stage.level + gaps)

    def encode(self, text: str, stage: Stage) -> Batch:
        """Pairs as many as the stage has, and then keys that are asked for, at even places."""
        numbers = parse_symbols(text, stage.vocab_size)
        context = 2 * stage.level
        if len(numbers) < context:
            raise UsageError(
                f"an input begins with {stage.level} pairs of a key and its value, got "
                f"{len(numbers)} symbols"
            )
        value_of = dict(zip(numbers[0:context:2], numbers[1:context:2], strict=True))
        targets = [
            value_of.get(number, IGNORED) if at >= context and at % 2 == 0 else IGNORED
            for at, number in enumerate(numbers)
        ]
        return Batch(inputs=np.array([numbers]), targets=np.array([targets]))


@lru_cache
def _weights(places: int, power: float) -> NDArray[np.float32]:
    """How likely each place is, relative to the others."""
    weights = np.arange(1, places + 1, dtype=np.float64) ** (power - 1)
    return weights.astype(np.float32)
