"""What a task must offer: fresh examples of any stage, drawn by a given generator.

Legend: B batch, L length of the input, P of a piece of it, T length of the output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from curriculum.learn.shape import OutputKind, Shape
from curriculum.plan import Source, Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METRICS = ("exact_match", "symbol_accuracy")
"""What every task's outputs are measured by: all correct, and the share of correct symbols."""

IGNORED = -100
"""The target at a position where nothing is predicted; torch calls it `ignore_index`."""

PADDING = -1
"""The input at a position after the end of a shorter sequence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Examples as numpy arrays.

    Attributes:
        inputs: symbols, (B, L) int64, with `PADDING` after the end of shorter sequences.
        targets: for the output `bit` 0 or 1, for `symbol` a symbol, (B,) int64; for
            `symbols` (B, T) int64, with `IGNORED` where nothing is predicted.
        weights: of the examples in the score of the whole, (B,) float64; None for equal ones.
        slices: in an evaluation set, which examples belong to each slice, (B,) bool. Within
            a slice all count the same.
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
    def target_count(self) -> int:
        """Symbols, or bits, that are to be predicted."""
        return int((self.targets != IGNORED).sum())

    def rows(self, start: int, stop: int) -> Batch:
        """Some of the examples, without weights and slices."""
        return Batch(inputs=self.inputs[start:stop], targets=self.targets[start:stop])


@runtime_checkable
class Task(Protocol):
    """A source of examples. Be a frozen dataclass: its fields are the task's settings."""

    @property
    def output(self) -> OutputKind:
        """The kind of output that a model gives."""

    def check(self, stage: Stage) -> None:
        """Raise `UsageError` where the task has no examples of that stage."""

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        """A batch of `stage`, drawn with `rng` alone."""


@runtime_checkable
class HasShape(Protocol):
    """A task whose vocabularies or lengths are not just those of the stage."""

    def shape(self, last: Stage) -> Shape:
        """What a model is built for, for stages up to `last`."""


def shape_of(task: Task, last: Stage) -> Shape:
    """What a model of that task is built for, for stages up to `last`."""
    if isinstance(task, HasShape):
        return task.shape(last)
    return Shape.of(task.output, last)


@runtime_checkable
class Contiguous(Protocol):
    """A task that is read in order, chunk by chunk, from a document: the state may be carried.

    Each row of a chunk continues where the same row of the one before ends.
    """

    def chunk_count(self, stage: Stage, batch_size: int) -> int:
        """How many chunks the document has, read in `batch_size` rows."""

    def chunk(self, stage: Stage, batch_size: int, index: int) -> Batch:
        """Chunk number `index`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationSet:
    """A finite evaluation set: how many examples it has, and what they are.

    Attributes:
        examples: how many.
        source: all inputs that there are, or a document, or independent examples, that were
            held out.
        memorised: whether it was trained on.
        rows: for a set that is read in order, how many examples are read side by side:
            number k continues where number k - rows ends.
    """

    examples: int
    source: Source = "every input"
    memorised: bool = False
    rows: int | None = None


@runtime_checkable
class HasEvaluationSet(Protocol):
    """A task with a finite evaluation set on some stages, evaluated whole in place of a sample."""

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        """The evaluation set of a stage; None where examples are to be sampled."""

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Examples number `start` to `stop` of the set, with weights and slices."""


def evaluation_set_of(task: Task, stage: Stage) -> EvaluationSet | None:
    """The stage's finite evaluation set, where the task has one."""
    return task.evaluation_set(stage) if isinstance(task, HasEvaluationSet) else None


@runtime_checkable
class Sliced(Protocol):
    """A task with hard slices that must pass by themselves. Each is sampled for a full test."""

    @property
    def slices(self) -> tuple[str, ...]:
        """Their names."""

    def sample_slice(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, name: str
    ) -> Batch:
        """A batch of the slice `name`."""


@runtime_checkable
class Streamed(Protocol):
    """A task whose inputs may come piece by piece, where they are too long for memory."""

    def sample_pieces(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, size: int
    ) -> tuple[NDArray[np.int64], Iterator[NDArray[np.int64]]]:
        """The targets (B,) and inputs of the batch that `sample` draws with the same `rng`.

        The inputs come from left to right, in pieces (B, P) of `size` positions, the last
        shorter. `rng` may be drawn from until the last piece is taken.
        """


@runtime_checkable
class HasMetrics(Protocol):
    """A task that reports metrics besides `exact_match` and `symbol_accuracy`."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Their names."""

    def metric_values(
        self, predictions: NDArray[np.int64], batch: Batch
    ) -> dict[str, NDArray[Any]]:
        """For each metric a value per example, (B,), in [0, 1]."""


@runtime_checkable
class HasTuningSet(Protocol):
    """A task evaluated on one document, which trials of a search must not see before the gate."""

    def for_tuning(self) -> Task:
        """The same task with another evaluation set, for trials."""


def tuning_task_of(task: Task) -> Task:
    """The task that trials are evaluated on: the same, where their own stream is enough."""
    return task.for_tuning() if isinstance(task, HasTuningSet) else task


@runtime_checkable
class HasText(Protocol):
    """A task that writes symbols as text, and reads what a user types."""

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        """Each symbol as a word."""

    def encode(self, text: str, stage: Stage) -> Batch:
        """One example of what was typed, with `IGNORED` where the target isn't known.

        Raises:
            UsageError: where it is no input of that stage's vocabulary.
        """


def concatenate(batches: Sequence[Batch]) -> Batch:
    """Batches of several lengths as one, padded at their ends.

    Weights and slices are left out: an evaluation set is not of several stages.
    """
    import numpy as np

    def padded(parts: list[NDArray[np.int64]], filler: int) -> NDArray[np.int64]:
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
        inputs=padded([batch.inputs for batch in batches], PADDING),
        targets=padded([batch.targets for batch in batches], IGNORED),
    )
