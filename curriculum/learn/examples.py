"""Picks examples that are worth showing, and has a model predict them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn.batch import Batch, concatenate
from curriculum.learn.learner import Learner
from curriculum.learn.network_protocols import Streaming
from curriculum.learn.predictions import predict_batch
from curriculum.learn.randomness import batch_generator, batch_of, generator
from curriculum.learn.shape import Shape
from curriculum.learn.streaming import PIECE, Ends, predict_pieces
from curriculum.learn.task import Task
from curriculum.learn.training_settings import Training
from curriculum.plan import Stage

SEARCHED = 64
SEARCHED_POSITIONS = 2**22

MOST_NUMBERS = 2**26
"""Of all positions' hidden states that are held at once: some 1.3 GB with an LSTM's gates."""

END = 8
"""Positions shown of either end of an input that was read in pieces."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExamplePredictions:
    """Examples, and a model's predictions on them.

    Attributes:
        batch: the examples; of inputs that were read in pieces, the two ends side by side.
        predictions: in the shape of the targets, int64, or float32 of values; of a task whose
            targets are its own, in the shape of its outputs' kind.
        notes: on each example, such as "hard"; empty for none.
        left_out: how many positions of each input there are between the ends.
    """

    batch: Batch
    predictions: NDArray[Any]
    notes: Sequence[str]
    left_out: int = 0


def predict_examples(
    learner: Learner, task: Task, batch: Batch, notes: Sequence[str]
) -> ExamplePredictions:
    """The model's predictions on examples that fit into memory.

    Raises:
        UsageError: where they hold a symbol that it doesn't know.
    """
    learner.check_inputs(batch.inputs)
    predictions = predict_batch(learner, task, batch)
    return ExamplePredictions(batch=batch, predictions=predictions, notes=notes)


def predict_selected_examples(
    learner: Learner, task: Task, stage: Stage, *, seed: int, count: int, training: Training
) -> ExamplePredictions:
    """The model's predictions on examples worth showing, or on fresh ones if these are too long.

    Raises:
        UsageError: where they are too long, and the model can't read them in pieces.
    """
    most = MOST_NUMBERS // learner.recipe.hidden_size
    if count * stage.length <= most or task.shape(stage).channels:
        batch, notes = select_examples(task, stage, seed, count, training)
        return predict_examples(learner, task, batch, notes)
    if not (isinstance(learner.model, Streaming) and learner.model.can_stream):
        raise UsageError(
            f"the model has to read all examples at once, which may have {most} symbols together, "
            f"got {count} of length {stage.length}; ask for fewer or shorter ones"
        )
    rng = batch_generator(stage, count, seed=seed, stream="show", index=0)
    targets, pieces = task.sample_pieces(rng, stage, count, PIECE)
    ends = Ends(pieces, count, END)
    predictions = predict_pieces(learner, task.output, count, iter(ends))
    shown = np.concatenate([ends.first, ends.last], axis=1)
    return ExamplePredictions(
        batch=Batch(inputs=shown, targets=targets),
        predictions=predictions,
        notes=[""] * count,
        left_out=ends.length - shown.shape[1],
    )


def select_examples(
    task: Task, stage: Stage, seed: int, count: int, training: Training
) -> tuple[Batch, list[str]]:
    """So many examples of a stage, and a note on each.

    One that was trained on repeatedly comes first, where there are such; then hard cases,
    and then fresh ones: of a document that is read in order, the beginning of the held-out part.
    """
    found = [("seen", batch) for batch in _seen(task, stage, seed, training)]
    found += [("hard", batch) for batch in _hard(task, stage, seed, count)]
    taken = sum(len(batch.targets) for _, batch in found)
    if taken < count:
        found.append(("", _fresh(task, stage, seed, count - taken)))
    notes = [note for note, batch in found for _ in range(len(batch.targets))]
    shown = concatenate([batch for _, batch in found]).rows(0, count)
    return shown, notes[: len(shown.targets)]


def shape_of_typed(task: Task, stage: Stage, batch: Batch) -> Shape:
    """What a model must be built for, to predict what was typed."""
    shape = task.shape(stage)
    length = batch.inputs.shape[1]
    return replace(shape, length=length, output_length=shape.length_of(batch))


def _seen(task: Task, stage: Stage, seed: int, training: Training) -> list[Batch]:
    """The first of the examples that were trained on repeatedly."""
    if training.distinct_examples is None:
        return []
    batch = batch_of(task, stage, training.batch_size, seed=seed, stream="train", index=0)
    return [batch.rows(0, 1)]


def _fresh(task: Task, stage: Stage, seed: int, count: int) -> Batch:
    whole = task.evaluation_set(stage)
    if whole is not None and (whole.rows is not None or whole.source == "held_out"):
        return task.evaluation_batch(stage, 0, min(count, whole.examples))
    return batch_of(task, stage, count, seed=seed, stream="show", index=0)


def _hard(task: Task, stage: Stage, seed: int, count: int) -> list[Batch]:
    """Examples of the slices that must pass by themselves."""
    whole = task.evaluation_set(stage)
    if whole is not None:
        searched = min(SEARCHED, max(count, SEARCHED_POSITIONS // stage.length))
        batch = task.evaluation_batch(stage, 0, min(whole.examples, searched))
        member = np.zeros(len(batch.targets), dtype=bool)
        for chosen in (batch.slices or {}).values():
            member |= chosen
        mask = None if batch.mask is None else batch.mask[member]
        hard = Batch(inputs=batch.inputs[member], targets=batch.targets[member], mask=mask)
        return [hard] if member.any() else []
    share = -(-count // (len(task.slices) + 1))
    return [
        task.sample_slice(generator(seed, "show", name, stage.key), stage, share, name)
        for name in task.slices
    ]
