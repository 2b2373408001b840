"""Picks examples that are worth a look, and has a model answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn.examiner import predictions_of
from curriculum.learn.learner import Learner
from curriculum.learn.network import Streaming
from curriculum.learn.randomness import batch_generator, batch_of, generator
from curriculum.learn.settings import Training
from curriculum.learn.shape import Shape
from curriculum.learn.streaming import PIECE, Ends, pieces_of, predictions_at_end
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

__all__ = [
    "Answered",
    "answered",
    "answered_examples",
    "examples_to_show",
    "shape_of_typed",
    "typed_example",
]

SEARCHED = 64
SEARCHED_PLACES = 2**22

MOST_NUMBERS = 2**26
"""Of all places' hidden states that are held at once: some 1.3 GB with an LSTM's gates."""

END = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """Examples, and a model's answers to them.

    Attributes:
        batch: the examples; of inputs that were read in pieces, the two ends side by side.
        predictions: in the shape of the targets, int64.
        notes: on each example, such as "hard"; empty for none.
        left_out: how many places of each input there are between the ends.
    """

    batch: Batch
    predictions: NDArray[np.int64]
    notes: Sequence[str]
    left_out: int = 0


def answered(learner: Learner, task: Task, batch: Batch, notes: Sequence[str]) -> Answered:
    """The model's answers to examples that fit into memory.

    Raises:
        UsageError: where they hold a symbol that it doesn't know.
    """
    learner.check_takes(batch.inputs)
    predictions = predictions_of(learner, task, batch)
    return Answered(batch=batch, predictions=predictions, notes=notes)


def answered_examples(
    learner: Learner, task: Task, stage: Stage, *, seed: int, count: int, training: Training
) -> Answered:
    """The model's answers to examples worth a look, or where those are too long, to fresh ones.

    Raises:
        UsageError: where they are too long, and the model can't be read in pieces.
    """
    most = MOST_NUMBERS // learner.recipe.hidden_size
    if count * stage.length <= most:
        batch, notes = examples_to_show(task, stage, seed, count, training)
        return answered(learner, task, batch, notes)
    if not (isinstance(learner.model, Streaming) and learner.model.streams):
        raise UsageError(
            f"the model has to read all examples at once, which may have {most} places together, "
            f"got {count} of length {stage.length}; ask for fewer or shorter ones"
        )
    rng = batch_generator(stage, count, seed=seed, stream="show", index=0)
    targets, pieces = pieces_of(task, rng, stage, count, PIECE)
    ends = Ends(pieces, count, END)
    predictions = predictions_at_end(learner, task.answer, count, iter(ends))
    shown = np.concatenate([ends.first, ends.last], axis=1)
    return Answered(
        batch=Batch(inputs=shown, targets=targets),
        predictions=predictions,
        notes=[""] * count,
        left_out=ends.length - shown.shape[1],
    )


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
        searched = min(SEARCHED, max(count, SEARCHED_PLACES // stage.length))
        batch = task.exam_batch(stage, 0, min(exam.examples, searched))
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
