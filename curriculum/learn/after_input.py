"""Lets a model that outputs a symbol at each position answer after it has read the whole input.

Legend: B batch, L length of the input, T length of the output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn.batch import IGNORED, PADDING, Batch
from curriculum.learn.shape import OutputKind, Shape
from curriculum.learn.task import EvaluationSet, EvaluationStream, Task, has_own_loss
from curriculum.plan import MetricScale, Stage

ANSWER = 0
"""The input symbol at the places where the output is asked for."""

SHIFT = ANSWER + 1
"""All other symbols are moved up by it, so that none changes its number as a vocabulary grows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AfterInput(Task):
    """Another task, whose output is given at places of its own after the input.

    Each input is followed by one symbol more, `ANSWER`, for each symbol of the output; at the
    places before nothing is predicted. So a recurrent network or BERT may take a task whose output
    is longer or shorter than its input, or has to be read whole first. (The empty tape of Delétang
    et al. 2023, arXiv 2207.02098, section 4.) `ANSWER` is number 0, and the task's own symbols are
    from 1 on.

    All else is the task's: its stages, evaluation sets, slices and metrics.

    Attributes:
        task: whose output is several symbols.

    >>> from curriculum.tasks import Duplicate
    >>> task = AfterInput(task=Duplicate())
    >>> batch = task.encode("1 0 1", Stage(3))
    >>> batch.inputs.tolist()
    [[2, 1, 2, 0, 0, 0, 0, 0, 0]]
    >>> batch.targets.tolist()
    [[-100, -100, -100, 1, 0, 1, 1, 0, 1]]
    """

    task: Task

    def __post_init__(self) -> None:
        task = self.task
        if not (isinstance(task, Task) and is_dataclass(task)):
            raise UsageError(
                f"task.task must be a dataclass that extends Task, got {type(task).__name__}"
            )
        if task.output != "symbols":
            raise UsageError(
                f"AfterInput is for an output of several symbols, and that of "
                f"{type(task).__name__} is one {task.output}: it is given at the end anyway, so "
                f"leave AfterInput out"
            )
        if has_own_loss(task):
            raise UsageError(
                f"{type(task).__name__} has a loss of its own, which would be given outputs at other "
                f"places; leave AfterInput out"
            )
        if task.reads_in_order:
            raise UsageError(
                f"{type(task).__name__} is read in order from one document, in which there is no "
                f"place after an input; leave AfterInput out"
            )

    # What is to be learned.

    @property
    def output(self) -> OutputKind:
        return "symbols"

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        return _after(self.task.sample(rng, stage, batch_size))

    def check(self, stage: Stage) -> None:
        self.task.check(stage)
        self.task.shape(stage).check_symbols("AfterInput")
        if self.task.shape(stage).causal:
            raise UsageError(
                f"{type(self.task).__name__} asks for what comes next at each position, which an "
                f"answer after the input could copy; leave AfterInput out"
            )

    @property
    def length_name(self) -> str:
        return self.task.length_name

    @property
    def level_name(self) -> str | None:
        return self.task.level_name

    @property
    def libraries(self) -> tuple[str, ...]:
        return self.task.libraries

    @property
    def data_digest(self) -> str | None:
        return self.task.data_digest

    @property
    def notes(self) -> tuple[str, ...]:
        return self.task.notes

    def shape(self, last: Stage) -> Shape:
        inner = self.task.shape(last)
        length = inner.length + inner.output_length
        size = inner.input_vocab_size + SHIFT
        return replace(inner, length=length, output_length=length, input_vocab_size=size)

    # How it is evaluated.

    @property
    def metrics(self) -> tuple[str, ...]:
        return self.task.metrics

    @property
    def metric_scales(self) -> Mapping[str, MetricScale]:
        return self.task.metric_scales

    def metric_values(self, outputs: NDArray[np.float32], batch: Batch) -> dict[str, NDArray[Any]]:
        """The task's values, of its own inputs, targets and outputs (B, T, V)."""
        lengths, size = (batch.inputs >= SHIFT).sum(axis=1), (batch.inputs == ANSWER).sum(axis=1)
        columns = np.arange(batch.inputs.shape[1])
        own = np.where(columns < lengths[:, None], batch.inputs - SHIFT, PADDING)
        places = np.arange(size.max())
        answers = np.minimum(lengths[:, None] + places, columns[-1])
        given = np.take_along_axis(outputs, answers[..., None], axis=1)
        targets = np.take_along_axis(batch.targets, answers, axis=1)
        targets = np.where(places < size[:, None], targets, IGNORED)
        inner = replace(batch, inputs=own[:, : lengths.max()], targets=targets)
        return self.task.metric_values(given, inner)

    @property
    def slices(self) -> tuple[str, ...]:
        return self.task.slices

    def sample_slice(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, name: str
    ) -> Batch:
        return _after(self.task.sample_slice(rng, stage, batch_size, name))

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        return self.task.evaluation_set(stage)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        return _after(self.task.evaluation_batch(stage, start, stop))

    def for_stream(self, stream: EvaluationStream) -> Task:
        return replace(self, task=self.task.for_stream(stream))

    # What a user reads and types.

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        """The task's words, and `_` where the output is asked for."""
        words = iter(self.task.decode(symbols[symbols != ANSWER] - SHIFT))
        return ["_" if symbol == ANSWER else next(words) for symbol in symbols]

    def decode_output(self, symbols: NDArray[np.int64]) -> list[str]:
        return self.task.decode_output(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        return _after(self.task.encode(text, stage))


def _after(batch: Batch) -> Batch:
    """A batch whose targets (B, T) are after its inputs (B, L), as (B, L + T)."""
    rows, length = batch.inputs.shape
    width = length + batch.targets.shape[1]
    inputs = np.full((rows, width), ANSWER)
    inputs[:, :length] = batch.inputs + SHIFT
    targets = np.full((rows, width), IGNORED)
    targets[:, length:] = batch.targets
    padding = (batch.inputs == PADDING).sum(axis=1)
    if padding.any():
        # Padding stays at the end, and what a shorter input is asked for comes straight after it.
        columns, shift = np.arange(width), padding[:, None]
        ends = columns >= width - shift
        own = columns < length - shift
        moved = np.where(own, columns, np.minimum(columns + shift, width - 1))
        inputs = np.where(ends, PADDING, np.take_along_axis(inputs, moved, axis=1))
        targets = np.where(ends, IGNORED, np.take_along_axis(targets, moved, axis=1))
    return replace(batch, inputs=inputs, targets=targets)
