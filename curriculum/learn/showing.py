"""Picks examples that are worth a look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from curriculum.errors import UsageError
from curriculum.learn.randomness import batch_of, generator
from curriculum.learn.settings import Training
from curriculum.learn.shape import Shape
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

__all__ = ["examples_to_show", "shape_of_typed", "typed_example"]

SEARCHED = 64


def examples_to_show(
    task: Task, stage: Stage, seed: int, count: int, training: Training
) -> tuple[Batch, list[str]]:
    """So many examples of a stage, and a note on each.

    One that is trained on over and over comes first, where there are such; then hard cases,
    and then fresh ones: of a document that is read in order, the beginning of the exam.
    """
    found = [("seen", batch) for batch in _seen(task, stage, seed, training)]
    found += [("hard", batch) for batch in _hard(task, stage, seed, count)]
    taken = sum(len(batch.targets) for _, batch in found)
    if taken < count:
        found.append(("", _fresh(task, stage, seed, count - taken)))
    notes = [note for note, batch in found for _ in range(len(batch.targets))]
    whole = joined([batch for _, batch in found])
    shown = Batch(inputs=whole.inputs[:count], targets=whole.targets[:count])
    return shown, notes[: len(shown.targets)]


def _seen(task: Task, stage: Stage, seed: int, training: Training) -> list[Batch]:
    """The first of the examples that are trained on over and over."""
    if training.distinct_examples is None:
        return []
    batch = batch_of(task, stage, training.batch_size, seed=seed, stream="train", index=0)
    return [Batch(inputs=batch.inputs[:1], targets=batch.targets[:1])]


def _fresh(task: Task, stage: Stage, seed: int, count: int) -> Batch:
    exam = exam_of(task, stage)
    if exam is not None and exam.rows is not None and isinstance(task, Examined):
        return task.exam_batch(stage, 0, min(count, exam.examples))
    return batch_of(task, stage, count, seed=seed, stream="show", index=0)


def shape_of_typed(task: Task, stage: Stage, batch: Batch) -> Shape:
    """What a model must take to answer what was typed."""
    size = batch.targets.shape[1] if batch.targets.ndim > 1 else 1
    return replace(shape_of(task, stage), length=batch.inputs.shape[1], answer_length=size)


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
        hard = Batch(inputs=batch.inputs[member], targets=batch.targets[member])
        return [hard] if member.any() else []
    if isinstance(task, Sliced):
        share = -(-count // (len(task.slices) + 1))
        return [
            task.sample_slice(generator(seed, "show", name, stage.key), stage, share, name)
            for name in task.slices
        ]
    return []
