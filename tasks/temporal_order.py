"""Temporal order: in which order did the relevant symbols come, far apart among others?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields
from curriculum.learn import IGNORED, PADDING, Batch, Shape, Task
from curriculum.plan import Stage

SPECIAL = ("E", "B", "X", "Y")
"""The beginning, the end, and the two relevant symbols; the distractors a, b ... follow."""

FEWEST_SYMBOLS = len(SPECIAL) + 1
SHORTEST = 10

WINDOWS = {2: ((10, 20), (50, 60)), 3: ((10, 20), (33, 43), (66, 76))}
"""Where each relevant symbol stands at length 100, both ends included."""

LONGER = 10
"""Sequences are up to one in so many positions longer than the stage says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TemporalOrder(Task):
    """Classifies sequences by the order of the symbols X and Y at two, or three, places.

    A sequence begins with E and ends with B; between them are distractors, uniformly drawn, but
    for the relevant symbols, each X or Y. With two there are the classes XX, XY, YX and YY, with
    three eight. A stage's vocabulary is E, B, X, Y and the distractors; the paper has four of
    them, a to d, and so a vocabulary of 8.

    At a stage's length 100 lengths are uniform from 100 to 110, and the relevant symbols stand at
    10 to 20 and at 50 to 60 (of three: 10 to 20, 33 to 43, 66 to 76), where E stands at 0. Other
    lengths scale these.

    Hochreiter & Schmidhuber 1997, "Long short-term memory", doi:10.1162/neco.1997.9.8.1735,
    experiment 6, tasks 6a and 6b.

    Attributes:
        relevant: symbols whose order counts, 2 (task 6a) or 3 (6b).

    >>> batch = TemporalOrder().sample(np.random.default_rng(0), Stage(10, 8), 1)
    >>> TemporalOrder().decode(batch.inputs[0])
    ['E', 'c', 'Y', 'b', 'a', 'a', 'Y', 'a', 'd', 'c', 'B']
    >>> TemporalOrder().decode(batch.targets)
    ['YY']
    """

    output = "symbol"

    relevant: Literal[2, 3] = 2

    def __post_init__(self) -> None:
        check_fields(self, "task")

    def check(self, stage: Stage) -> None:
        if stage.length < SHORTEST:
            raise UsageError(
                f"temporal order needs a length of at least {SHORTEST}, so that the relevant "
                f"symbols have places of their own, got {stage.length}"
            )
        if stage.vocab_size < FEWEST_SYMBOLS:
            raise UsageError(
                f"temporal order needs a vocabulary of at least {FEWEST_SYMBOLS}, "
                f"{', '.join(SPECIAL)} and distractors, got {stage.vocab_size}"
            )

    def shape(self, last: Stage) -> Shape:
        return Shape.of(
            "symbol",
            last,
            length=last.length + last.length // LONGER,
            # Classes have numbers of their own, before those of the inputs, so that each has a name.
            input_vocab_size=self._classes + last.vocab_size,
            output_vocab_size=self._classes,
        )

    @property
    def _classes(self) -> int:
        return int(2**self.relevant)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        longest = stage.length + stage.length // LONGER
        lengths = rng.integers(stage.length, longest + 1, size=batch_size)
        inputs = rng.integers(
            self._classes + len(SPECIAL),
            self._classes + stage.vocab_size,
            size=(batch_size, longest),
        )
        windows = np.array(WINDOWS[self.relevant]) * stage.length // 100
        places = rng.integers(windows[:, 0], windows[:, 1] + 1, size=(batch_size, self.relevant))
        is_y = rng.integers(2, size=(batch_size, self.relevant))
        rows = np.arange(batch_size)
        begin, end, x, _ = range(self._classes, self._classes + len(SPECIAL))
        inputs[rows[:, None], places] = x + is_y
        inputs[:, 0] = begin
        inputs[rows, lengths - 1] = end
        inputs[np.arange(longest) >= lengths[:, None]] = PADDING
        return Batch(inputs=inputs, targets=_class(is_y))

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return [self._name(int(symbol)) for symbol in symbols]

    def encode(self, text: str, stage: Stage) -> Batch:
        """A sequence such as `E a X b Y B`, with spaces or without."""
        first = self._classes
        known = {self._name(at): at for at in range(first, first + stage.vocab_size)}
        words = re.findall(r"[^\W\d]\d*|\S", text)
        unknown = [word for word in words if word not in known]
        if unknown or not words:
            got = repr(unknown[0] if unknown else text)
            raise UsageError(f"an input is symbols {' '.join(known)}, got {got}")
        order = [int(word == "Y") for word in words if word in "XY"]
        target = _class(np.array([order])) if len(order) == self.relevant else np.array([IGNORED])
        inputs = np.array([[known[word] for word in words]], dtype=np.int64)
        return Batch(inputs=inputs, targets=target)

    def _name(self, symbol: int) -> str:
        if symbol < self._classes:
            return "".join(list(product("XY", repeat=self.relevant))[symbol])
        symbol -= self._classes
        if symbol < len(SPECIAL):
            return SPECIAL[symbol]
        letter, round_ = (symbol - len(SPECIAL)) % 26, (symbol - len(SPECIAL)) // 26
        return chr(ord("a") + letter) + (str(round_ + 1) if round_ else "")


def _class(is_y: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class, (B,), of which of the relevant symbols are Y, (B, relevant)."""
    found: NDArray[np.int64] = is_y @ (1 << np.arange(is_y.shape[1])[::-1])
    return found
