"""a^n b^n and a^n b^n c^n: count the first symbol, and predict how the word goes on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields
from curriculum.learn import IGNORED, PADDING, Batch, EvaluationSet, Shape, Task
from curriculum.plan import Stage

NAMES = "abc"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnBn(Task):
    """Words a^n b^n, or a^n b^n c^n; the target is the next symbol, once it is determined.

    After each a another may come, or the first b, so that nothing is predicted. From the first b
    on all is determined: as many symbols b as there were a, with three symbols as many c, and
    the end. A stage's length is the largest n; n is drawn uniformly from 1 to it, and shorter
    words are padded. Its vocabulary is the number of symbols, 2 or 3; the end is one more output.

    After Gers & Schmidhuber 2001, "LSTM recurrent networks learn simple context-free and
    context-sensitive languages", doi:10.1109/72.963769; words begin with their first a, as
    nothing is to be predicted before.

    Each n up to a stage's length is evaluated once; the slice "longest" is the last.

    Attributes:
        symbols: 2 for a^n b^n, 3 for a^n b^n c^n.

    >>> batch = AnBn().evaluation_batch(Stage(2), 0, 2)  # a and b are 0 and 1, and the end is 2
    >>> batch.inputs.tolist()
    [[0, 1, -1, -1], [0, 0, 1, 1]]
    >>> batch.targets.tolist()
    [[-100, 2, -100, -100], [-100, -100, 1, 2]]
    """

    length_name = "n"
    output = "symbols"

    symbols: Literal[2, 3] = 2

    def __post_init__(self) -> None:
        check_fields(self, "task")

    def check(self, stage: Stage) -> None:
        if stage.vocab_size != self.symbols:
            raise UsageError(
                f"words of {self.symbols} symbols have a vocabulary of {self.symbols}, got "
                f"{stage.vocab_size}"
            )

    def shape(self, last: Stage) -> Shape:
        return Shape.of(
            "symbols",
            last,
            length=self.symbols * last.length,
            input_vocab_size=self.symbols,
            output_vocab_size=self.symbols + 1,
            causal=True,
        )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return self._batch(rng.integers(1, stage.length + 1, size=batch_size), stage.length)

    def evaluation_set(self, stage: Stage) -> EvaluationSet:
        return EvaluationSet(examples=stage.length)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Example number k has n = k + 1."""
        counts = np.arange(start, stop) + 1
        batch = self._batch(counts, stage.length)
        return Batch(
            inputs=batch.inputs,
            targets=batch.targets,
            slices={"longest": counts == stage.length},
        )

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        names = (*NAMES[: self.symbols], "end")
        return [names[symbol] for symbol in symbols]

    def encode(self, text: str, stage: Stage) -> Batch:
        """A word, or the beginning of one."""
        word = "".join(text.split())
        groups = [(symbol, len(list(group))) for symbol, group in groupby(word)]
        counts = [count for _, count in groups]
        in_order = "".join(symbol for symbol, _ in groups) == NAMES[: len(groups)]
        whole = bool(counts) and all(count == counts[0] for count in counts[:-1])
        if not (
            in_order and 1 <= len(groups) <= self.symbols and whole and counts[-1] <= counts[0]
        ):
            powers = " ".join(f"{name}^n" for name in NAMES[: self.symbols])
            raise UsageError(f"an input is a word {powers} or how one begins, got {text!r}")
        batch = self._batch(np.array(counts[:1]), counts[0])
        return Batch(inputs=batch.inputs[:, : len(word)], targets=batch.targets[:, : len(word)])

    def _batch(self, counts: NDArray[np.int64], most: int) -> Batch:
        """The words with these n, (B,), padded to that with n = `most`."""
        n = counts[:, None]  # (B, 1)
        positions = np.arange(self.symbols * most)
        following = (positions + 1) // n  # the symbol at the next position; the end is the last
        inputs = np.where(positions < self.symbols * n, positions // n, PADDING)
        determined = (positions >= n) & (positions < self.symbols * n)
        return Batch(inputs=inputs, targets=np.where(determined, following, IGNORED))
