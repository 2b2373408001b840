"""Copy memory: repeat some symbols after a long delay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields
from curriculum.learn import IGNORED, Batch, EvaluationSet, Shape, Task, parse_numbers
from curriculum.plan import Stage

BLANK, RECALL = 0, 1
FIRST = 2
"""The first of the symbols that are to be remembered."""

MOST_LISTED = 4096
"""With at most so many different inputs, a stage is evaluated on all of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyMemory(Task):
    """Symbols to remember, blanks, a sign to recall them, and blanks again, at which they are due.

    A stage's length is the delay T, its vocabulary the symbols that are to be remembered. After
    them come T - 1 blanks and the sign, so that each is due T + `remembered` positions after it
    was read; the input has T + 2 `remembered` positions, and nothing is predicted but at the last.

    The copying memory problem of Arjovsky et al. 2016, "Unitary evolution recurrent neural
    networks", arXiv 1511.06464 (10 symbols of 8; the blanks are predicted there, too), after
    Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735.

    Attributes:
        remembered: how many symbols are to be remembered.

    >>> task = CopyMemory(remembered=3)
    >>> batch = task.sample(np.random.default_rng(0), Stage(3, 8), 1)
    >>> task.decode(batch.inputs[0])
    ['7', '6', '5', 'blank', 'blank', 'recall', 'blank', 'blank', 'blank']
    >>> batch.targets.tolist()
    [[-100, -100, -100, -100, -100, -100, 8, 7, 6]]
    """

    length_name = "delay"
    output = "symbols"

    remembered: Annotated[int, "[1, inf)"] = 10

    def __post_init__(self) -> None:
        check_fields(self, "task")

    def check(self, stage: Stage) -> None:
        if stage.vocab_size < 2:
            raise UsageError(
                f"copying needs a vocabulary of at least 2, got {stage.vocab_size}: with one symbol "
                f"there is nothing to remember"
            )

    def shape(self, last: Stage) -> Shape:
        size = FIRST + last.vocab_size
        return Shape.of(
            "symbols",
            last,
            length=last.length + 2 * self.remembered,
            input_vocab_size=size,
            output_vocab_size=size,
        )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        size = (batch_size, self.remembered)
        return self._batch(rng.integers(FIRST, FIRST + stage.vocab_size, size=size), stage.length)

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        count = stage.vocab_size**self.remembered
        return EvaluationSet(examples=count) if count <= MOST_LISTED else None

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """The number of an example, written with the vocabulary's digits, is what to remember."""
        places = stage.vocab_size ** np.arange(self.remembered)[::-1]
        numbers = np.arange(start, stop)[:, None] // places % stage.vocab_size
        return self._batch(FIRST + numbers, stage.length)

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        special = {BLANK: "blank", RECALL: "recall"}
        return [special.get(int(symbol), str(symbol - FIRST + 1)) for symbol in symbols]

    def encode(self, text: str, stage: Stage) -> Batch:
        """The symbols to remember; the rest is added."""
        numbers = parse_numbers(text)
        if len(numbers) != self.remembered or not all(
            1 <= number <= stage.vocab_size for number in numbers
        ):
            raise UsageError(
                f"an input is {self.remembered} symbols to remember, each from 1 to "
                f"{stage.vocab_size}, got {text!r}"
            )
        return self._batch(np.array([numbers]) + FIRST - 1, stage.length)

    def _batch(self, symbols: NDArray[np.int64], delay: int) -> Batch:
        """The batch of symbols (B, remembered)."""
        length = delay + 2 * self.remembered
        inputs = np.full((len(symbols), length), BLANK)
        inputs[:, : self.remembered] = symbols
        inputs[:, self.remembered + delay - 1] = RECALL
        targets = np.full(inputs.shape, IGNORED)
        targets[:, -self.remembered :] = symbols
        return Batch(inputs=inputs, targets=targets)
