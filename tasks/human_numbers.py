"""Human numbers: predict the next word of "one , two , three ..."."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, did_you_mean
from curriculum.learn.shape import Answer, Shape
from curriculum.learn.task import IGNORED, Batch, Exam
from curriculum.plan import Stage

__all__ = ["ExamOn", "HumanNumbers", "Predict"]

Predict = Literal["last", "every"]
ExamOn = Literal["held_out", "trained"]

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
"""The largest number that each vocabulary can say."""

HELD_OUT = 5
"""One in so many numbers is held out: the last."""

ROWS = 64
WORDS_A_ROW = 200
"""The exam is read in `ROWS` contiguous segments, or in fewer where they would be shorter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HumanNumbers:
    """A language model's document: all numbers in English, from "one" up to a limit.

    A stage's vocabulary says how far the numbers go: 19 symbols to 9, 29 to 19, 37 to 99,
    38 to 999, 39 to 9,999. Its length is how many words are read at a time, which is where
    back-propagation is truncated. The document is a circle, read in as many rows as a batch
    has, which begin at equal distances.

    The last fifth of the numbers is held out, and is the exam. Where some of its words occur
    nowhere else (up to 99, where "ninety" would not be trained on), nothing can be held out:
    the exam is then the document itself, and called memorised.

    Attributes:
        predict: after `every` word, or the `last` of those read.
        exam_on: the `held_out` numbers, or the last fifth of those that are `trained` on (of
            which trials take their exams, lest settings be chosen to suit the other).
    """

    predict: Predict = "every"
    exam_on: ExamOn = "held_out"

    def __post_init__(self) -> None:
        if self.exam_on not in ("held_out", "trained"):
            raise UsageError(f"task.exam_on must be held_out or trained, got {self.exam_on!r}")
        if self.predict not in ("last", "every"):
            raise UsageError(f"task.predict must be last or every, got {self.predict!r}")

    @property
    def answer(self) -> Answer:
        return "symbol" if self.predict == "last" else "symbols"

    def check(self, stage: Stage) -> None:
        if stage.vocab_size not in LIMITS:
            sizes = ", ".join(f"{size} (to {limit:,})" for size, limit in LIMITS.items())
            raise UsageError(f"human numbers have a vocabulary of {sizes}, got {stage.vocab_size}")

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        """Passages from anywhere in the document that is trained on."""
        document = trained_on(stage)
        return self._batch(document, rng.integers(len(document), size=batch_size), stage.length)

    def passages(self, stage: Stage, batch_size: int) -> int:
        return -(-len(trained_on(stage)) // (batch_size * stage.length))

    def passage(self, stage: Stage, batch_size: int, index: int) -> Batch:
        document = trained_on(stage)
        rows = np.arange(batch_size) * len(document) // batch_size
        return self._batch(document, rows + index * stage.length, stage.length)

    def exam(self, stage: Stage) -> Exam:
        rows, count, _ = self._segments(stage)
        memorised = self.exam_on == "trained" or is_memorised(stage)
        return Exam(examples=rows * count, source="document", memorised=memorised, rows=rows)

    def exam_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Windows number `start` to `stop`, counted over the rows first; every word once."""
        document = self._examined(stage)
        rows, _, edges = self._segments(stage)
        numbers = np.arange(start, stop)
        at = edges[numbers % rows] + numbers // rows * stage.length
        places = at[:, None] + np.arange(stage.length)  # (B, L), of the words that are read
        beyond = places >= edges[numbers % rows + 1][:, None]
        batch = self._batch(document, at, stage.length)
        if self.predict == "last":
            targets = np.where(beyond[:, -1], IGNORED, batch.targets)
            asked = (targets != IGNORED).astype(np.float64)
        else:
            targets = np.where(beyond, IGNORED, batch.targets)
            asked = (targets != IGNORED).sum(axis=1).astype(np.float64)
        return Batch(inputs=batch.inputs, targets=targets, weights=asked)

    def rehearsal(self) -> HumanNumbers:
        return replace(self, exam_on="trained")

    def shape(self, last: Stage) -> Shape:
        return replace(Shape.of(self.answer, last), causal=self.predict == "every")

    def _examined(self, stage: Stage) -> NDArray[np.int64]:
        """The document that the exam is on."""
        if self.exam_on == "held_out" or is_memorised(stage):
            return examined(stage)
        last = _last_trained(stage)
        return document(last - last // HELD_OUT + 1, last)

    def _segments(self, stage: Stage) -> tuple[int, int, NDArray[np.int64]]:
        """The exam's rows, the windows that each takes, and where the rows begin and end."""
        words = len(self._examined(stage)) - 1  # the last word has none after it
        rows = max(1, min(ROWS, words // WORDS_A_ROW))
        edges = np.arange(rows + 1) * words // rows
        return rows, -(-int(np.diff(edges).max()) // stage.length), edges

    def _batch(self, document: NDArray[np.int64], at: NDArray[np.int64], length: int) -> Batch:
        """What stands at these places of the circle, and the words that follow."""
        places = (at[:, None] + np.arange(length + 1)) % len(document)
        words = document[places]  # (B, L + 1)
        targets = words[:, -1] if self.predict == "last" else words[:, 1:]
        return Batch(inputs=words[:, :-1], targets=np.ascontiguousarray(targets))

    def text(self, symbols: NDArray[np.int64]) -> list[str]:
        return [VOCABULARY[symbol] for symbol in symbols]

    def read(self, text: str, stage: Stage) -> Batch:
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


def examined(stage: Stage) -> NDArray[np.int64]:
    """The document that a stage is examined on."""
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
