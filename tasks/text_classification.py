"""TextClassification: which class a text of one's own is of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from curriculum.data import Choice, Examples, Labelled, Part, load_tokenizer
from curriculum.errors import UsageError, check_fields
from curriculum.learn import (
    IGNORED,
    PADDING,
    Batch,
    EvaluationSet,
    EvaluationStream,
    Shape,
    Task,
)
from curriculum.plan import Stage
from curriculum.tasks.labelled_stages import EvaluateOn, check_stage


@dataclass(frozen=True, kw_only=True, slots=True)
class TextClassification(Task):
    """The class of a text.

    A stage takes the texts of at most its length, in symbols, and of at most its level: level k of
    `levels` takes the k/`levels` of them that are least difficult, by their data's `difficulty`. So the last
    stage has all that the ones before have. The vocabulary is the tokenizer's: 257 for bytes.

    Held-out texts are evaluated as they are in number; `exact_match` is the share that is classified correctly.

    Attributes:
        data: the labelled texts.
        levels: how many levels of difficulty there are.
        balanced: whether texts of each class are drawn equally often in training, however many there
            are. Nothing else is weighted: losses and scores stay what they say.
        cut: whether longer texts are cut at the stage's length; else they are left out.
        evaluation_examples: so many held-out texts are taken at most.
        evaluate_on: the held-out texts for stages (`gate`), for trials of a search (`tuning`), for
            the `target` ahead of its turn, or for the final model (`certificate`).
    """

    output = "symbol"
    level_name = "difficulty"

    data: Labelled
    levels: Annotated[int, "[1, inf)"] = 1
    balanced: bool = False
    cut: bool = False
    evaluation_examples: Annotated[int, "[1, inf)"] = 1024
    evaluate_on: EvaluateOn = "gate"

    def __post_init__(self) -> None:
        check_fields(self, "task")

    @property
    def length_name(self) -> str:
        return "bytes" if self.data.tokenizer == "bytes" else "tokens"

    @property
    def data_digest(self) -> str:
        return self.data.load(anew=True).digest

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self.data.load().notes())

    def check(self, stage: Stage) -> None:
        size = load_tokenizer(self.data.tokenizer).vocab_size
        if stage.vocab_size != size:
            raise UsageError(
                f"the texts have a vocabulary of {size}, got {stage.vocab_size}; say so in the stages of the "
                f"path, as Stage({stage.length}, {size})"
            )
        at = f"{stage.length:,} {self.length_name} and difficulty {stage.level} of {self.levels}"
        check_stage(
            self._examples,
            stage,
            self.levels,
            self._chosen(stage, "train"),
            self._chosen(stage, self.evaluate_on),
            at=at,
        )

    def shape(self, last: Stage) -> Shape:
        return Shape.of(
            "symbol",
            last,
            input_vocab_size=load_tokenizer(self.data.tokenizer).vocab_size,
            output_vocab_size=len(self._examples.classes),
        )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        chosen = self._chosen(stage, "train")
        return self._batch(chosen.draw(rng, batch_size, balanced=self.balanced), stage)

    def for_stream(self, stream: EvaluationStream) -> TextClassification:
        return replace(self, evaluate_on=stream)

    def evaluation_set(self, stage: Stage) -> EvaluationSet:
        count = len(self._chosen(stage, self.evaluate_on).members)
        return EvaluationSet(examples=min(count, self.evaluation_examples), source="held_out")

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        return self._batch(self._chosen(stage, self.evaluate_on).members[start:stop], stage)

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return load_tokenizer(self.data.tokenizer).words(symbols)

    def decode_output(self, symbols: NDArray[np.int64]) -> list[str]:
        """Each as the name of its class."""
        return [self._examples.classes[symbol] for symbol in symbols]

    def encode(self, text: str, stage: Stage) -> Batch:
        if not text:
            raise UsageError("an input is a text of at least one symbol, got none")
        (found,) = load_tokenizer(self.data.tokenizer).encode([text.encode()])
        return Batch(inputs=found.astype(np.int64)[None], targets=np.full(1, IGNORED))

    @property
    def _examples(self) -> Examples:
        return self.data.load()

    def _chosen(self, stage: Stage, part: Part) -> Choice:
        longest = None if self.cut else stage.length
        return self._examples.choose(part, longest, stage.level, self.levels)

    def _batch(self, members: NDArray[np.int64], stage: Stage) -> Batch:
        symbols, inside = self._examples.padded(members, stage.length)
        inputs = np.where(inside, symbols.astype(np.int64), PADDING)
        return Batch(inputs=inputs, targets=self._examples.labels[members])
