"""What a task must offer: fresh examples of any stage, drawn by a given generator.

Legend: B batch, L length of the input, T length of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from curriculum.plan.look import Source
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["IGNORED", "Answer", "Batch", "Exam", "Examined", "Scored", "Sliced", "Task", "exam_of"]

Answer = Literal["bit", "symbols"]
"""What a model answers: one logit for the sequence, or logits over the vocabulary at each place."""

IGNORED = -100
"""The target at a place where no answer is asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Examples as numpy arrays.

    Attributes:
        inputs: symbols, (B, L) int64.
        targets: for the answer `bit` 0 or 1, (B,) int64; for `symbols` (B, L) int64,
            with `IGNORED` where nothing is asked.
        weights: of the examples in the score of the whole, (B,) float64; None for equal ones.
        slices: for an exam, which examples belong to each slice, (B,) bool. Within a
            slice all count the same.
        tokens: input positions, padding apart; None for all of them.
    """

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None
    slices: dict[str, NDArray[np.bool_]] | None = None
    tokens: int | None = None

    @property
    def token_count(self) -> int:
        """Input positions, padding apart."""
        return self.inputs.size if self.tokens is None else self.tokens


@runtime_checkable
class Task(Protocol):
    """A source of examples. Be a frozen dataclass: its fields are the task's settings."""

    @property
    def answer(self) -> Answer:
        """The form of a model's answer."""
        ...

    def check(self, stage: Stage) -> None:
        """Raise `UsageError` where the task has no examples of that stage."""
        ...

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        """A batch of `stage`, drawn with `rng` alone."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Exam:
    """A finite exam: how many examples it has, and what they are."""

    examples: int
    source: Source = "every input"
    memorised: bool = False


@runtime_checkable
class Examined(Protocol):
    """A task that has a finite exam on some stages. It is taken whole, in place of a sample."""

    def exam(self, stage: Stage) -> Exam | None:
        """The exam of a stage; None where examples are to be sampled."""
        ...

    def exam_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Examples number `start` to `stop` of the exam, with weights and slices."""
        ...


def exam_of(task: Task, stage: Stage) -> Exam | None:
    """The stage's finite exam, where the task has one."""
    return task.exam(stage) if isinstance(task, Examined) else None


@runtime_checkable
class Sliced(Protocol):
    """A task with hard slices that must hold by themselves. Each is sampled for a full test."""

    @property
    def slices(self) -> tuple[str, ...]:
        """Their names."""
        ...

    def sample_slice(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, name: str
    ) -> Batch:
        """A batch of the slice `name`."""
        ...


@runtime_checkable
class Scored(Protocol):
    """A task that reports metrics besides `exact_match`."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Their names."""
        ...

    def scores(self, predictions: NDArray[np.int64], batch: Batch) -> dict[str, NDArray[Any]]:
        """For each metric a result per example, (B,), in [0, 1]."""
        ...
