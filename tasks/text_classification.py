"""TextClassification: which class a text of one's own is of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.data import Labelled, load_tokenizer
from curriculum.errors import UsageError
from curriculum.learn import (
    IGNORED,
    PADDING,
    Batch,
    Shape,
)
from curriculum.plan import Stage
from curriculum.tasks.labelled_task import LabelledTask


@dataclass(frozen=True, kw_only=True, slots=True)
class TextClassification(LabelledTask):
    """The class of a text.

    A stage takes the texts of at most its length, in symbols, and of at most its level: level k of
    `levels` takes the k/`levels` of them that are least difficult, by their data's `difficulty`. So the last
    stage has all that the ones before have. The vocabulary is the tokenizer's: 257 for bytes.

    Held-out texts are evaluated as they are in number; `exact_match` is the share that is classified correctly.

    Attributes:
        data: the labelled texts.
    """

    data: Labelled

    @property
    def length_name(self) -> str:
        return "bytes" if self.data.tokenizer == "bytes" else "tokens"

    def check(self, stage: Stage) -> None:
        size = load_tokenizer(self.data.tokenizer).vocab_size
        if stage.vocab_size != size:
            raise UsageError(
                f"the texts have a vocabulary of {size}, got {stage.vocab_size}; say so in the stages of the "
                f"path, as Stage({stage.length}, {size})"
            )
        LabelledTask.check(self, stage)

    def shape(self, last: Stage) -> Shape:
        return Shape.of(
            "symbol",
            last,
            input_vocab_size=load_tokenizer(self.data.tokenizer).vocab_size,
            output_vocab_size=len(self._examples.classes),
        )

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return load_tokenizer(self.data.tokenizer).words(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        if not text:
            raise UsageError("an input is a text of at least one symbol, got none")
        (found,) = load_tokenizer(self.data.tokenizer).encode([text.encode()])
        return Batch(inputs=found.astype(np.int64)[None], targets=np.full(1, IGNORED))

    def _batch(self, members: NDArray[np.int64], stage: Stage) -> Batch:
        symbols, inside = self._examples.padded(members, stage.length)
        inputs = np.where(inside, symbols.astype(np.int64), PADDING)
        return Batch(inputs=inputs, targets=self._examples.labels[members])
