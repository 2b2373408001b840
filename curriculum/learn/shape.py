"""The shapes of a task's inputs and outputs, which a model is built for."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal, Self

from curriculum.errors import UsageError
from curriculum.plan import Stage

OutputKind = Literal["bit", "symbol", "symbols"]
"""What a model outputs: one logit for the sequence, one symbol for it, or several symbols."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """Lengths and vocabularies of a task's inputs and outputs, for stages up to some largest one.

    Attributes:
        output: the kind of the output.
        length: of the longest input.
        input_vocab_size: input symbols are 0 to `input_vocab_size` - 1.
        output_vocab_size: output symbols are 0 to `output_vocab_size` - 1; not used for a bit.
        output_length: symbols of the longest output; 1 but for the output `symbols`.
        causal: whether each output symbol has to be found from the inputs up to its position:
            what comes after would give it away, as in a language model.
    """

    output: OutputKind
    length: int
    input_vocab_size: int
    output_vocab_size: int
    output_length: int = 1
    causal: bool = False

    @property
    def logit_count(self) -> int:
        """How many logits an output has: one for a bit, else one for each output symbol."""
        return 1 if self.output == "bit" else self.output_vocab_size

    @classmethod
    def of(
        cls,
        output: OutputKind,
        last: Stage,
        *,
        length: int | None = None,
        input_vocab_size: int | None = None,
        output_vocab_size: int | None = None,
        output_length: int | None = None,
        causal: bool = False,
    ) -> Self:
        """Of a task whose vocabularies and lengths are the stage's own, but for those that are given.

        Several output symbols are as many as the input has, where nothing else is said.

        >>> Shape.of("symbols", Stage(8, 10), length=9).output_length
        9
        """
        longest = last.length if length is None else length
        if output_length is None:
            output_length = longest if output == "symbols" else 1
        return cls(
            output=output,
            length=longest,
            input_vocab_size=last.vocab_size if input_vocab_size is None else input_vocab_size,
            output_vocab_size=last.vocab_size if output_vocab_size is None else output_vocab_size,
            output_length=output_length,
            causal=causal,
        )

    def covering(self, other: Shape) -> Self:
        """The smallest shape that holds both."""
        names = [field.name for field in fields(self) if field.name != "output"]
        largest = {name: max(getattr(self, name), getattr(other, name)) for name in names}
        return replace(self, **largest)

    def check_not_causal(self, model: str) -> None:
        """Check that a model which sees the whole input may do so.

        Raises:
            UsageError: where later inputs give the output away.
        """
        if self.causal:
            raise UsageError(
                f"{model} sees the whole input, and the task asks for what comes next, so that it "
                f"would copy it; take a model that reads from left to right"
            )

    def check_output_at_each_position(self, model: str) -> None:
        """Check that a model which outputs a symbol at each input position suits the task.

        Raises:
            UsageError: where the output is longer or shorter than the input.
        """
        if self.output == "symbols" and self.output_length != self.length:
            raise UsageError(
                f"{model} outputs a symbol at each position, and the task has {self.length} "
                f"input and {self.output_length} output symbols; take an encoder-decoder such as "
                f"Seq2Seq, or give the output after the input: AfterInput(task=...)"
            )
