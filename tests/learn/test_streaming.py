"""Inputs that are too long for memory, read piece by piece."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

from curriculum import Adam, Batch, Shape, Stage, Training, UsageError
from curriculum.learn import PADDING, Learner, Model, OutputKind, Recipe, Task
from curriculum.learn.predictions import predict_batch
from curriculum.learn.streaming import Ends, predict_pieces, streamed_predictions
from curriculum.models import LanguageModel, Recurrent
from curriculum.tasks import FirstBit


@dataclass(frozen=True)
class Parity(Task):
    """Whether the ones are odd; drawn whole, for a stage's symbols 0 and 1."""

    padded: bool = False
    output: OutputKind = "bit"

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = rng.integers(2, size=(batch_size, stage.length))
        if self.padded:
            inputs[0, -1] = PADDING
        return Batch(inputs=inputs, targets=inputs.sum(axis=1) % 2)


def learner(model: Model | None = None, output: OutputKind = "bit") -> Learner:
    recipe = Recipe(
        model=model or Recurrent(cell="gru", hidden_size=7),
        optimizer=Adam(),
        training=Training(),
    )
    shape = Shape.of(output, Stage(50))
    return Learner.start(shape, recipe, seed=1, device=torch.device("cpu"))


def with_both_outputs(one: Learner) -> Learner:
    """The learner, with a head that gives both outputs."""
    assert isinstance(one.model.head, torch.nn.Linear)
    with torch.no_grad():
        one.model.head.weight.mul_(50)
        logits = one.model(torch.from_numpy(drawn(Parity(), Stage(41), 30).inputs))
        one.model.head.bias.sub_(logits.median())
    return one


def drawn(task: Task, stage: Stage, size: int) -> Batch:
    return task.sample(np.random.default_rng(5), stage, size)


@pytest.mark.parametrize("piece", [1, 3, 41, 100])
@pytest.mark.parametrize("task", [Parity(), FirstBit()])
def test_predictions_are_those_of_a_model_that_reads_all_at_once(task: Task, piece: int) -> None:
    one, stage = with_both_outputs(learner()), Stage(41)
    rng = np.random.default_rng(5)
    predictions, targets = streamed_predictions(one, task, rng, stage, 30, piece=piece)
    batch = drawn(task, stage, 30)
    assert np.array_equal(targets, batch.targets)
    assert np.array_equal(predictions, predict_batch(one, task, batch))
    if isinstance(task, Parity):
        assert 0 < predictions.mean() < 1


@pytest.mark.parametrize("size", [1, 4, 41, 100])
def test_a_batch_that_is_drawn_whole_is_cut_into_pieces(size: int) -> None:
    task, stage = Parity(), Stage(41)
    targets, pieces = task.sample_pieces(np.random.default_rng(5), stage, 3, size)
    found, whole = list(pieces), drawn(task, stage, 3)
    assert np.array_equal(np.concatenate(found, axis=1), whole.inputs)
    assert np.array_equal(targets, whole.targets)
    assert all(part.shape[1] == size for part in found[:-1])


class LargestTensor(TorchFunctionMode):
    """Records the size of the largest tensor that any function of torch gives."""

    def __init__(self) -> None:
        self.numbers = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        found = func(*args, **(kwargs or {}))
        parts = found if isinstance(found, tuple) else (found,)
        sizes = [part.numel() for part in parts if isinstance(part, Tensor)]
        self.numbers = max([self.numbers, *sizes])
        return found


def test_memory_does_not_grow_with_the_length() -> None:
    one, rows, piece = learner(Recurrent(cell="rnn", hidden_size=8)), 2, 500
    with LargestTensor() as watch:
        predict_batch(one, FirstBit(), drawn(FirstBit(), Stage(piece), rows))
    assert watch.numbers == rows * piece * 8  # the states of a piece are seen
    with LargestTensor() as watch:
        # What Python and torch keep from a first use is not of the length.
        streamed_predictions(
            one, FirstBit(), np.random.default_rng(0), Stage(2 * piece), rows, piece=piece
        )
        tracemalloc.start()
        rng = np.random.default_rng(0)
        streamed_predictions(one, FirstBit(), rng, Stage(200_000), rows, piece=piece)
        _, peak = tracemalloc.get_traced_memory()  # numpy's arrays, and Python's objects
        tracemalloc.stop()
    assert watch.numbers == rows * piece * 8
    assert peak < 100 * rows * piece


@pytest.mark.parametrize(
    ("model", "output"),
    [
        (Recurrent(hidden_size=4, bidirectional=True), "bit"),
        (Recurrent(hidden_size=4), "symbols"),
        (LanguageModel(net="gru", hidden_size=4), "symbols"),
    ],
)
def test_a_model_that_needs_the_whole_input_refuses(model: Model, output: OutputKind) -> None:
    with pytest.raises(
        UsageError, match="this model can't read its input piece by piece: take one that reads"
    ):
        streamed_predictions(
            learner(model, output), FirstBit(), np.random.default_rng(0), Stage(9), 2
        )


def test_padding_and_unknown_symbols_are_refused_and_leave_the_model_in_training() -> None:
    one, rng = learner(), np.random.default_rng(0)
    with pytest.raises(UsageError, match="have one length, got padded ones"):
        streamed_predictions(one, Parity(padded=True), rng, Stage(9), 2, piece=4)
    with pytest.raises(UsageError, match="the symbols 0 to 1, got 7"):
        predict_pieces(one, "bit", 2, iter([np.full((2, 3), 7)]))
    assert one.model.training


def test_progress_is_reported_piece_by_piece() -> None:
    tokens: list[int] = []
    rng = np.random.default_rng(5)
    streamed_predictions(
        learner(), FirstBit(), rng, Stage(41), 3, piece=20, on_progress=tokens.append
    )
    assert tokens == [60, 60, 3]


def test_a_piece_has_at_least_one_position() -> None:
    with pytest.raises(UsageError, match="at least 1 position, got 0"):
        streamed_predictions(learner(), FirstBit(), np.random.default_rng(0), Stage(9), 2, piece=0)


def test_a_model_predicts_in_evaluation_mode_and_without_gradients() -> None:
    one, modes = learner(), []
    assert isinstance(one.model.recurrent, torch.nn.Module)
    one.model.recurrent.register_forward_hook(
        lambda net, *_: modes.append((net.training, torch.is_inference_mode_enabled()))
    )
    streamed_predictions(one, FirstBit(), np.random.default_rng(0), Stage(9), 2, piece=5)
    assert modes == [(False, True)] * 2
    assert one.model.training


@pytest.mark.parametrize("kept", [1, 3, 8])
@pytest.mark.parametrize("size", [1, 2, 5, 13])
@pytest.mark.parametrize("length", [1, 4, 9, 13])
def test_the_ends_of_an_input_are_kept(length: int, size: int, kept: int) -> None:
    whole = np.arange(2 * length).reshape(2, length)

    def pieces() -> Iterator[NDArray[np.int64]]:
        for start in range(0, length, size):
            yield whole[:, start : start + size]

    ends = Ends(pieces(), 2, kept)
    assert np.array_equal(np.concatenate(list(ends), axis=1), whole)
    assert ends.length == length
    assert np.array_equal(ends.first, whole[:, :kept])
    assert np.array_equal(ends.last, whole[:, kept:][:, -kept:])
