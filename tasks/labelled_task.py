"""What tasks on labelled examples of one's own have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray

from curriculum.data import Choice, Examples, Labelled, Part, Series
from curriculum.errors import UsageError, check_fields, counted
from curriculum.learn import Batch, EvaluationSet, EvaluationStream, Task
from curriculum.plan import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledTask(Task):
    """The class of an example, by stages of length and of difficulty.

    Attributes:
        levels: how many levels of difficulty there are.
        balanced: whether examples of each class are drawn equally often in training, however many there
            are. Nothing else is weighted: losses and scores stay what they say.
        cut: whether longer examples are cut at the stage's length; else they are left out.
        evaluation_examples: so many held-out examples are taken at most.
        evaluate_on: the held-out examples for stages (`gate`), for trials of a search (`tuning`), for
            the `target` ahead of its turn, or for the final model (`certificate`).
    """

    output = "symbol"
    level_name = "difficulty"

    if TYPE_CHECKING:  # a field of each kind

        @property
        def data(self) -> Labelled | Series: ...

    levels: Annotated[int, "[1, inf)"] = 1
    balanced: bool = False
    cut: bool = False
    evaluation_examples: Annotated[int, "[1, inf)"] = 1024
    evaluate_on: Literal["gate", "tuning", "target", "certificate"] = "gate"

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
            at=f"{self.length_name} {stage.length:,} and difficulty {stage.level} of {self.levels}",
        )

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        chosen = self._chosen(stage, "train")
        return self._batch(chosen.draw(rng, batch_size, balanced=self.balanced), stage)

    def for_stream(self, stream: EvaluationStream) -> Self:
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

    @abstractmethod
    def _batch(self, members: NDArray[np.int64], stage: Stage) -> Batch:
        """The examples of these numbers, padded at the stage's length."""


def check_stage(
    examples: Examples, stage: Stage, levels: int, trained: Choice, held_out: Choice, *, at: str
) -> None:
    """Check that a stage can be learned and evaluated.

    Args:
        examples: all that there are.
        stage: of the path.
        levels: how many levels there are.
        trained: those of the stage that are trained on.
        held_out: those that it is evaluated on.
        at: what they have at most, in words.

    Raises:
        UsageError: where it has no such level or length, no examples, or a class that is never trained on.
    """
    if stage.level > levels:
        raise UsageError(
            f"the level of difficulty must be at most {levels}, got {stage.level}; raise task.levels"
        )
    longest = int(examples.lengths.max())
    if stage.length > longest:
        raise UsageError(
            f"the longest of all examples has a length of {longest:,}, got a stage of {stage.length:,}; end the path "
            f"at {longest:,}"
        )
    if len(trained.classes) < 2 or not len(held_out.members):
        raise UsageError(
            f"up to {at} there are {counted(len(trained.members), 'example')} of "
            f"{counted(len(trained.classes), 'class', 'classes')} to train on and {len(held_out.members):,} held out; it takes 2 classes and one held out: take "
            f"a larger stage, or more examples"
        )
    unknown = np.setdiff1d(held_out.classes, trained.classes)
    if len(unknown):
        raise UsageError(
            f"up to {at} the class {examples.classes[unknown[0]]!r} has held-out examples and none to train "
            f"on; take a larger stage, or leave the class out"
        )
