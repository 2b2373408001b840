"""SeriesClassification: which class a series of one's own is of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from curriculum.data import Choice, Examples, Part, Series
from curriculum.errors import check_fields
from curriculum.learn import Batch, EvaluationSet, EvaluationStream, Shape, Task
from curriculum.plan import Stage
from curriculum.tasks.labelled_stages import EvaluateOn, check_stage


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesClassification(Task):
    """The class of a series of real numbers.

    A stage takes the series of at most its length, and of at most its level: level k of `levels` takes
    the k/`levels` of them that are least difficult, by their data's `difficulty`. So the last stage has all
    that the ones before have. There is no vocabulary.

    Attributes:
        data: the labelled series.
        levels: how many levels of difficulty there are.
        balanced: whether series of each class are drawn equally often in training.
        cut: whether longer series are cut at the stage's length; else they are left out.
        evaluation_examples: so many held-out series are taken at most.
        evaluate_on: the held-out series for stages (`gate`), for trials of a search (`tuning`), for
            the `target` ahead of its turn, or for the final model (`certificate`).
    """

    output = "symbol"
    level_name = "difficulty"

    data: Series
    levels: Annotated[int, "[1, inf)"] = 1
    balanced: bool = False
    cut: bool = False
    evaluation_examples: Annotated[int, "[1, inf)"] = 1024
    evaluate_on: EvaluateOn = "gate"

    def __post_init__(self) -> None:
        check_fields(self, "task")

    @property
    def data_digest(self) -> str:
        return self.data.load(anew=True).digest

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self.data.load().notes())

    def check(self, stage: Stage) -> None:
        check_stage(
            self._examples,
            stage,
            self.levels,
            self._chosen(stage, "train"),
            self._chosen(stage, self.evaluate_on),
            at=f"length {stage.length:,} and difficulty {stage.level} of {self.levels}",
        )

    def shape(self, last: Stage) -> Shape:
        examples = self._examples
        return Shape.of(
            "symbol",
            last,
            channels=examples.values.shape[1],
            output_vocab_size=len(examples.classes),
        )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        chosen = self._chosen(stage, "train")
        return self._batch(chosen.draw(rng, batch_size, balanced=self.balanced), stage)

    def for_stream(self, stream: EvaluationStream) -> SeriesClassification:
        return replace(self, evaluate_on=stream)

    def evaluation_set(self, stage: Stage) -> EvaluationSet:
        count = len(self._chosen(stage, self.evaluate_on).members)
        return EvaluationSet(examples=min(count, self.evaluation_examples), source="held_out")

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        return self._batch(self._chosen(stage, self.evaluate_on).members[start:stop], stage)

    def decode_output(self, symbols: NDArray[np.int64]) -> list[str]:
        """Each as the name of its class."""
        return [self._examples.classes[symbol] for symbol in symbols]

    @property
    def _examples(self) -> Examples:
        return self.data.load()

    def _chosen(self, stage: Stage, part: Part) -> Choice:
        longest = None if self.cut else stage.length
        return self._examples.choose(part, longest, stage.level, self.levels)

    def _batch(self, members: NDArray[np.int64], stage: Stage) -> Batch:
        values, inside = self._examples.padded(members, stage.length)
        inputs = np.where(inside[..., None], values, np.float32(0))
        mask = None if inside.all() else inside
        return Batch(inputs=inputs, targets=self._examples.labels[members], mask=mask)
