"""Picks examples that are worth a look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn.randomness import batch_of, generator
from curriculum.learn.task import (
    IGNORED,
    Batch,
    Examined,
    Sliced,
    Task,
    Worded,
    exam_of,
    joined,
    shape_of,
)
from curriculum.learn.typed import symbols_below
from curriculum.plan import Stage

__all__ = ["examples_to_show", "typed_example"]

SEARCHED = 64


def examples_to_show(
    task: Task, stage: Stage, seed: int, count: int
) -> tuple[Batch, NDArray[np.bool_]]:
    """So many examples of a stage, hard cases first, and which of them are hard, (B,)."""
    hard = _hard(task, stage, seed, count)
    found = [batch for batch in hard if len(batch.targets)]
    taken = sum(len(batch.targets) for batch in found)
    if taken < count:
        found.append(batch_of(task, stage, count - taken, seed=seed, stream="show", index=0))
    whole = joined(found)
    shown = Batch(inputs=whole.inputs[:count], targets=whole.targets[:count])
    return shown, np.arange(len(shown.targets)) < taken


def typed_example(task: Task, stage: Stage, text: str) -> Batch:
    """What a user typed, as an example; its answer is known where the task says how to read it.

    Raises:
        UsageError: where it is no input of that stage's alphabet.
    """
    if isinstance(task, Worded):
        return task.read(text, stage)
    shape = shape_of(task, stage)
    if shape.answer == "symbols" and shape.answer_length != shape.length:
        raise UsageError(
            f"{type(task).__name__} doesn't say how to read an input: it has no `read` and `text`"
        )
    inputs = np.array([symbols_below(text, shape.symbols)], dtype=np.int64)
    size = inputs.shape if shape.answer == "symbols" else (1,)
    return Batch(inputs=inputs, targets=np.full(size, IGNORED))


def _hard(task: Task, stage: Stage, seed: int, count: int) -> list[Batch]:
    """Examples of the slices that must hold by themselves."""
    exam = exam_of(task, stage)
    if exam is not None and isinstance(task, Examined):
        batch = task.exam_batch(stage, 0, min(exam.examples, SEARCHED))
        member = np.zeros(len(batch.targets), dtype=bool)
        for chosen in (batch.slices or {}).values():
            member |= chosen
        return [Batch(inputs=batch.inputs[member], targets=batch.targets[member])]
    if isinstance(task, Sliced):
        share = -(-count // (len(task.slices) + 1))
        return [
            task.sample_slice(generator(seed, "show", name, stage.key), stage, share, name)
            for name in task.slices
        ]
    return []
