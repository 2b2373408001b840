"""Human numbers: predict the next word of "one , two , three ..."."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields, did_you_mean
from curriculum.learn import (
    IGNORED,
    Batch,
    EvaluationSet,
    EvaluationStream,
    OutputKind,
    Shape,
    Task,
)
from curriculum.plan import Stage

Predict = Literal["last", "every"]
EvaluateOn = Literal["held_out", "trained"]

SPECIAL = ("xxunk", "xxpad", "xxbos", "xxeos", "xxfld", "xxmaj", "xxup", "xxrep", "xxwrep")
"""Tokens that the original's tokenizer has besides words; of these only `xxbos` occurs."""

BEGIN = "xxbos"
SEPARATOR = ","


def _words(number: int) -> list[str]:
    """A number in words, without "and", hyphens and commas.

    >>> _words(1234)
    ['one', 'thousand', 'two', 'hundred', 'thirty', 'four']
    """
    from num2words import num2words

    return [word for word in re.findall(r"[a-z]+", num2words(number)) if word != "and"]


VOCABULARY = (
    *SPECIAL,
    SEPARATOR,
    *["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    *[
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ],
    *["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
    "hundred",
    "thousand",
)
"""Words in the order in which numbers need them, so that a smaller vocabulary is a prefix."""

SYMBOLS = {word: symbol for symbol, word in enumerate(VOCABULARY)}
LIMITS = {19: 9, 29: 19, 37: 99, 38: 999, 39: 9999}
"""The largest number that each vocabulary can spell."""

HELD_OUT = 5
"""One in so many numbers is held out: the last."""

ROWS = 64
WORDS_A_ROW = 200
"""Evaluation reads `ROWS` contiguous segments, or fewer where they would be shorter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HumanNumbers(Task):
    """A language model's document: all numbers in English, from "one" up to a limit.

    A stage's vocabulary says how far the numbers go: 19 symbols to 9, 29 to 19, 37 to 99,
    38 to 999, 39 to 9,999. Its length is how many words are read at a time, which is where
    back-propagation is truncated. The document is a circle, read in as many rows as a batch
    has, which begin at equal distances.

    The last fifth of the numbers is held out for evaluation. Where some of its words occur
    nowhere else (up to 99, where "ninety" would not be trained on), nothing can be held out:
    the model is then evaluated on the document itself, and that is called memorised.

    Attributes:
        predict: after `every` word, or after the `last` of those read.
        evaluate_on: the `held_out` numbers, or the last fifth of those that are `trained` on
            (as trials of a search are, so that settings are not chosen to suit the former).
    """

    libraries = ("num2words",)

    predict: Predict = "every"
    evaluate_on: EvaluateOn = "held_out"

    def __post_init__(self) -> None:
        check_fields(self, "task", evaluate_on=("held_out", "trained"), predict=("last", "every"))

    @property
    def output(self) -> OutputKind:
        return "symbol" if self.predict == "last" else "symbols"

    @property
    def is_language_model(self) -> bool:
        return self.predict == "every"

    def check(self, stage: Stage) -> None:
        if stage.vocab_size not in LIMITS:
            sizes = ", ".join(f"{size} (to {limit:,})" for size, limit in LIMITS.items())
            raise UsageError(f"human numbers have a vocabulary of {sizes}, got {stage.vocab_size}")

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        """Windows from anywhere in the document that is trained on."""
        document = trained_on(stage)
        return self._batch(document, rng.integers(len(document), size=batch_size), stage.length)

    @property
    def reads_in_order(self) -> bool:
        return True

    def chunk_count(self, stage: Stage, batch_size: int) -> int:
        return -(-len(trained_on(stage)) // (batch_size * stage.length))

    def chunk(self, stage: Stage, batch_size: int, index: int) -> Batch:
        document = trained_on(stage)
        rows = np.arange(batch_size) * len(document) // batch_size
        return self._batch(document, rows + index * stage.length, stage.length)

    def evaluation_set(self, stage: Stage) -> EvaluationSet:
        rows, count, _ = self._segments(stage)
        memorised = self.evaluate_on == "trained" or is_memorised(stage)
        return EvaluationSet(
            examples=rows * count, source="document", memorised=memorised, rows=rows
        )

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Windows number `start` to `stop`, counted over the rows first; every word once."""
        document = self._evaluated(stage)
        rows, _, edges = self._segments(stage)
        numbers = np.arange(start, stop)
        at = edges[numbers % rows] + numbers // rows * stage.length
        positions = at[:, None] + np.arange(stage.length)  # (B, L), of the words that are read
        beyond = positions >= edges[numbers % rows + 1][:, None]
        batch = self._batch(document, at, stage.length)
        if self.predict == "last":
            targets = np.where(beyond[:, -1], IGNORED, batch.targets)
            weights = (targets != IGNORED).astype(np.float64)
        else:
            targets = np.where(beyond, IGNORED, batch.targets)
            weights = (targets != IGNORED).sum(axis=1).astype(np.float64)
        return Batch(inputs=batch.inputs, targets=targets, weights=weights)

    def for_stream(self, stream: EvaluationStream) -> HumanNumbers:
        return replace(self, evaluate_on="trained") if stream == "tuning" else self

    def shape(self, last: Stage) -> Shape:
        return Shape.of(self.output, last, causal=self.predict == "every")

    def _evaluated(self, stage: Stage) -> NDArray[np.int64]:
        """The document that the model is evaluated on."""
        if self.evaluate_on == "held_out" or is_memorised(stage):
            return evaluated_on(stage)
        last = _last_trained(stage)
        return document(last - last // HELD_OUT + 1, last)

    def _segments(self, stage: Stage) -> tuple[int, int, NDArray[np.int64]]:
        """The rows of the evaluation, the windows of each, and where the rows begin and end."""
        words = len(self._evaluated(stage)) - 1  # the last word has none after it
        rows = max(1, min(ROWS, words // WORDS_A_ROW))
        edges = np.arange(rows + 1) * words // rows
        return rows, -(-int(np.diff(edges).max()) // stage.length), edges

    def _batch(self, document: NDArray[np.int64], at: NDArray[np.int64], length: int) -> Batch:
        """The words at these positions of the circle, and those that follow."""
        positions = (at[:, None] + np.arange(length + 1)) % len(document)
        words = document[positions]  # (B, L + 1)
        targets = words[:, -1] if self.predict == "last" else words[:, 1:]
        return Batch(inputs=words[:, :-1], targets=np.ascontiguousarray(targets))

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return [VOCABULARY[symbol] for symbol in symbols]

    def encode(self, text: str, stage: Stage) -> Batch:
        words = re.findall(r"[^\s,]+|,", text.lower().replace("-", " "))
        known = VOCABULARY[: stage.vocab_size]
        for word in words:
            if word not in known:
                raise UsageError(
                    f"{word!r} is not a word of the numbers to {LIMITS[stage.vocab_size]:,}; "
                    f"{did_you_mean(word, known[len(SPECIAL) :])}"
                )
        if not words:
            raise UsageError(f"an input is numbers in words with commas, got {text!r}")
        symbols = np.array([[SYMBOLS[word] for word in words]], dtype=np.int64)
        unknown = np.full((1, 1), IGNORED)
        targets = np.concatenate([symbols[:, 1:], unknown], axis=1)
        return Batch(inputs=symbols, targets=targets[:, -1] if self.predict == "last" else targets)


def trained_on(stage: Stage) -> NDArray[np.int64]:
    """The document that a stage trains on."""
    return document(1, LIMITS[stage.vocab_size] if is_memorised(stage) else _last_trained(stage))


def evaluated_on(stage: Stage) -> NDArray[np.int64]:
    """The document that a stage is evaluated on."""
    first = 1 if is_memorised(stage) else _last_trained(stage) + 1
    return document(first, LIMITS[stage.vocab_size])


@lru_cache
def is_memorised(stage: Stage) -> bool:
    """Whether nothing can be held out, as the held-out words occur nowhere else."""
    last = _last_trained(stage)
    return not set(document(last + 1, LIMITS[stage.vocab_size])) <= set(document(1, last))


@lru_cache
def document(first: int, last: int) -> NDArray[np.int64]:
    """The numbers from `first` to `last` as symbols, with commas between and `xxbos` before.

    >>> [VOCABULARY[symbol] for symbol in document(20, 22)]
    ['xxbos', 'twenty', ',', 'twenty', 'one', ',', 'twenty', 'two']
    """
    numbers = ([*_words(number), SEPARATOR] for number in range(first, last + 1))
    words = [BEGIN, *chain.from_iterable(numbers)][:-1]
    return np.array([SYMBOLS[word] for word in words], dtype=np.int64)


def _last_trained(stage: Stage) -> int:
    """The last number that is trained on: four fifths of the way, 8,000 of 9,999."""
    return (LIMITS[stage.vocab_size] + 1) * (HELD_OUT - 1) // HELD_OUT
