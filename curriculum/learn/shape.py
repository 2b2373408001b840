"""The shapes of a task's inputs and outputs, which a model is built for."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal, Self

from curriculum.errors import UsageError
from curriculum.learn.batch import Batch
from curriculum.plan import Stage

OutputKind = Literal["bit", "symbol", "symbols", "values"]
"""What a model outputs for a sequence: one logit, one symbol, several symbols, or real values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a task's inputs and outputs are, for stages up to some largest one.

    Attributes:
        output: the kind of the output.
        length: of the longest input.
        input_vocab_size: input symbols are 0 to `input_vocab_size` - 1; 0 for real channels.
        output_vocab_size: output symbols are 0 to `output_vocab_size` - 1; not used for a bit, and
            0 for values.
        output_length: symbols of the longest output; 1 but for the output `symbols`.
        causal: whether each output symbol has to be found from the inputs up to its position:
            what comes after would give it away, as in a language model.
        channels: how many numbers an input has at each position; 0 for symbols.
        value_count: how many numbers an output is; 0 but for the output `values`.
    """

    output: OutputKind
    length: int
    input_vocab_size: int
    output_vocab_size: int
    output_length: int = 1
    causal: bool = False
    channels: int = 0
    value_count: int = 0

    @property
    def logit_count(self) -> int:
        """How many numbers a model gives for an output.

        One logit for a bit, a logit for each symbol that there may be, or the values.
        """
        if self.output == "values":
            return self.value_count
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
        channels: int = 0,
        value_count: int | None = None,
    ) -> Self:
        """Of a task whose vocabularies and lengths are the stage's own, but for those that are given.

        Several output symbols are as many as the input has, where nothing else is said. Inputs with
        `channels`, and the output `values`, have no vocabulary.

        Raises:
            UsageError: for an alphabet and numbers in the same place.

        >>> Shape.of("symbols", Stage(8, 10), length=9).output_length
        9
        >>> Shape.of("values", Stage(8), channels=2).value_count
        1
        """
        values = output == "values"
        longest = last.length if length is None else length
        if output_length is None:
            output_length = longest if output == "symbols" else 1
        found = cls(
            output=output,
            length=longest,
            input_vocab_size=_given(input_vocab_size, 0 if channels else last.vocab_size),
            output_vocab_size=_given(output_vocab_size, 0 if values else last.vocab_size),
            output_length=output_length,
            causal=causal,
            channels=channels,
            value_count=_given(value_count, int(values)),
        )
        found.check()
        return found

    def check(self) -> None:
        """Check that inputs and outputs are each either symbols or numbers.

        Raises:
            UsageError: where they are both, or neither.
        """
        values, symbols = self.output == "values", self.output_vocab_size
        if self.channels and self.input_vocab_size:
            raise UsageError(
                f"inputs are either symbols or real channels, got input_vocab_size "
                f"{self.input_vocab_size} and channels {self.channels}; leave one out"
            )
        if values and symbols:
            raise UsageError(
                f"the output 'values' has no alphabet, got output_vocab_size {symbols}; leave it "
                f"out, or take the output 'symbol' or 'symbols'"
            )
        if bool(self.value_count) != values:
            need = "has at least 1 value" if values else "has no values"
            raise UsageError(
                f"the output {self.output!r} {need}, got value_count {self.value_count}"
            )

    def length_of(self, batch: Batch) -> int:
        """How many symbols a batch asks for in each example; 1 but for the output `symbols`."""
        return int(batch.targets.shape[1]) if self.output == "symbols" else 1

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

    def check_symbols(self, model: str) -> None:
        """Check that a model which reads symbols suits the task.

        Raises:
            UsageError: where the inputs are real channels.
        """
        if self.channels:
            raise UsageError(
                f"{model} reads symbols, and the task gives {self.channels} real channels; take a "
                f"model that reads channels, such as Recurrent"
            )


def _given(value: int | None, default: int) -> int:
    return default if value is None else value
