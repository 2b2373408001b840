"""What a task must offer: fresh examples of any stage, drawn by a given generator.

Legend: B batch, L length of the input, P of a piece of it, T length of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from curriculum.learn.shape import Answer, Shape
from curriculum.plan.look import Source
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "IGNORED",
    "METRICS",
    "PADDING",
    "Batch",
    "Contiguous",
    "Exam",
    "Examined",
    "Rehearsing",
    "Scored",
    "Shaped",
    "Sliced",
    "Streamed",
    "Task",
    "Worded",
    "exam_of",
    "joined",
    "rehearsed",
    "shape_of",
]

METRICS = ("exact_match", "symbol_accuracy")
"""What every task's answers are measured by: the whole right, and the share of its symbols."""

IGNORED = -100
"""The target at a place where no answer is asked for."""

PADDING = -1
"""The input at a place where there is none, after the end of a shorter sequence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Examples as numpy arrays.

    Attributes:
        inputs: symbols, (B, L) int64, with `PADDING` after the end of shorter sequences.
        targets: for the answer `bit` 0 or 1, for `symbol` a symbol, (B,) int64; for
            `symbols` (B, T) int64, with `IGNORED` where nothing is asked.
        weights: of the examples in the score of the whole, (B,) float64; None for equal ones.
        slices: for an exam, which examples belong to each slice, (B,) bool. Within a
            slice all count the same.
    """

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None
    slices: dict[str, NDArray[np.bool_]] | None = None

    @property
    def token_count(self) -> int:
        """Input positions, padding apart."""
        return int((self.inputs != PADDING).sum())

    @property
    def asked_count(self) -> int:
        """Symbols, or bits, that the answers ask for."""
        return int((self.targets != IGNORED).sum())


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


@runtime_checkable
class Shaped(Protocol):
    """A task whose alphabets or lengths are not just those of the stage."""

    def shape(self, last: Stage) -> Shape:
        """What a model needs for stages up to `last`."""
        ...


def shape_of(task: Task, last: Stage) -> Shape:
    """What a model of that task needs for stages up to `last`."""
    if isinstance(task, Shaped):
        return task.shape(last)
    return Shape.of(task.answer, last)


@runtime_checkable
class Contiguous(Protocol):
    """A task that is read in order, passage by passage, from a document: the state may be carried.

    Each row of a passage goes on where the same row of the one before ends.
    """

    def passages(self, stage: Stage, batch_size: int) -> int:
        """How many passages the document has, read in `batch_size` rows."""
        ...

    def passage(self, stage: Stage, batch_size: int, index: int) -> Batch:
        """Passage number `index`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Exam:
    """A finite exam: how many examples it has, and what they are.

    Attributes:
        examples: how many.
        source: all inputs that there are, or a document that was held out.
        memorised: whether it was trained on.
        rows: for an exam that is read in order, how many examples stand side by side:
            number k goes on where number k - rows ends.
    """

    examples: int
    source: Source = "every input"
    memorised: bool = False
    rows: int | None = None


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
class Streamed(Protocol):
    """A task whose inputs may come piece by piece, where they are too long for memory."""

    def pieces(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, size: int
    ) -> tuple[NDArray[np.int64], Iterator[NDArray[np.int64]]]:
        """The targets (B,) and inputs of the batch that `sample` draws with the same `rng`.

        The inputs come from left to right, in pieces (B, P) of `size` places, the last of
        what is left. `rng` may be drawn from until the last is there.
        """
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


@runtime_checkable
class Rehearsing(Protocol):
    """A task whose exam is one document, which trials must not see before the gate does."""

    def rehearsal(self) -> Task:
        """The same task with another exam, for trials."""
        ...


def rehearsed(task: Task) -> Task:
    """The task that trials are examined on. Where examples are drawn, a stream apart will do."""
    return task.rehearsal() if isinstance(task, Rehearsing) else task


@runtime_checkable
class Worded(Protocol):
    """A task that can be talked to: it writes symbols as text, and reads what a user types."""

    def text(self, symbols: NDArray[np.int64]) -> list[str]:
        """Each symbol as a word."""
        ...

    def read(self, text: str, stage: Stage) -> Batch:
        """One example of what was typed, with `IGNORED` where the answer isn't known.

        Raises:
            UsageError: where it is no input of that stage's alphabet.
        """
        ...


def joined(batches: Sequence[Batch]) -> Batch:
    """Batches of several lengths as one, padded at their ends; for `bit` or `symbol` answers too.

    Weights and slices are left out: an exam is not of several stages.
    """
    import numpy as np

    def stacked(parts: list[NDArray[np.int64]], filler: int) -> NDArray[np.int64]:
        if parts[0].ndim == 1:
            return np.concatenate(parts)
        width = max(part.shape[1] for part in parts)
        return np.concatenate(
            [
                np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=filler)
                for part in parts
            ]
        )

    return Batch(
        inputs=stacked([batch.inputs for batch in batches], PADDING),
        targets=stacked([batch.targets for batch in batches], IGNORED),
    )
