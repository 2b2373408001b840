"""What a model must take and give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from curriculum.errors import UsageError
from curriculum.plan.stage import Stage

__all__ = ["Answer", "Shape", "check_place_by_place", "check_sees_all"]

Answer = Literal["bit", "symbol", "symbols"]
"""What a model answers: one logit for the sequence, one symbol for it, or several symbols."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """The form of a task's questions and answers, for stages up to some largest one.

    Attributes:
        answer: the form of the answer.
        length: places of the longest input.
        symbols: the input's alphabet is 0 to `symbols` - 1.
        answers: the answer's alphabet is 0 to `answers` - 1; for a bit it isn't used.
        answer_length: symbols of the longest answer; 1 but for the answer `symbols`.
        causal: whether each symbol of the answer has to be found from the inputs up to its
            place: what comes after would give it away, as in a language model.
    """

    answer: Answer
    length: int
    symbols: int
    answers: int
    answer_length: int = 1
    causal: bool = False

    @property
    def logits(self) -> int:
        """How many logits an answer has: one for a bit, or one for each of its alphabet."""
        return 1 if self.answer == "bit" else self.answers

    @classmethod
    def of(cls, answer: Answer, last: Stage) -> Self:
        """Of a task whose alphabets and lengths are the stage's own."""
        return cls(
            answer=answer,
            length=last.length,
            symbols=last.vocab_size,
            answers=last.vocab_size,
            answer_length=last.length if answer == "symbols" else 1,
        )

    def covering(self, other: Shape) -> Self:
        """The shape that holds both."""
        return type(self)(
            answer=self.answer,
            length=max(self.length, other.length),
            symbols=max(self.symbols, other.symbols),
            answers=max(self.answers, other.answers),
            answer_length=max(self.answer_length, other.answer_length),
            causal=self.causal or other.causal,
        )


def check_sees_all(model: str, shape: Shape) -> None:
    """Check that a model which sees the whole input may do so.

    Raises:
        UsageError: where later inputs give the answer away.
    """
    if shape.causal:
        raise UsageError(
            f"{model} sees the whole input, and the task asks for what comes next: it would copy "
            f"the answer; take a model that reads from left to right"
        )


def check_place_by_place(model: str, shape: Shape) -> None:
    """Check that a model which answers several symbols at their own places is asked for that.

    Raises:
        UsageError: where the answer is longer or shorter than the input.
    """
    if shape.answer == "symbols" and shape.answer_length != shape.length:
        raise UsageError(
            f"{model} answers at each place, and here {shape.length} places ask for "
            f"{shape.answer_length} symbols; take an encoder-decoder such as Seq2Seq"
        )
