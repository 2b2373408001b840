"""Reads inputs that are too long for memory piece by piece, and answers at their end.

Legend: B batch, L length, P places of a piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn.answers import predict
from curriculum.learn.learner import Learner
from curriculum.learn.network import Streaming
from curriculum.learn.shape import Answer
from curriculum.learn.task import PADDING, Streamed, Task
from curriculum.plan import Stage

__all__ = ["PIECE", "Ends", "pieces_of", "predictions_at_end", "streamed_predictions"]

PIECE = 256
"""Places of a piece: longer ones are hardly faster on a CPU, and take more memory."""


def streamed_predictions(
    learner: Learner,
    task: Task,
    rng: np.random.Generator,
    stage: Stage,
    batch_size: int,
    *,
    piece: int = PIECE,
    heard: Callable[[int], None] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The model's answers to the batch that `task.sample` draws, and the targets, each (B,).

    Memory doesn't grow with the length where the task is `Streamed`; else by the inputs alone.

    Args:
        learner: whose model is asked, in evaluation mode and without gradients.
        task: what is drawn from, without padding.
        rng: what it is drawn with.
        stage: of what length.
        batch_size: how many examples.
        piece: how many places are read at a time.
        heard: called with the number of tokens of each piece, as it is read.

    Raises:
        UsageError: where the network doesn't stream, or the inputs are not for it.
    """
    targets, pieces = pieces_of(task, rng, stage, batch_size, piece)
    if heard is not None:
        pieces = _heard(pieces, heard)
    return predictions_at_end(learner, task.answer, batch_size, pieces), targets


def pieces_of(
    task: Task, rng: np.random.Generator, stage: Stage, batch_size: int, size: int
) -> tuple[NDArray[np.int64], Iterator[NDArray[np.int64]]]:
    """The targets (B,) of the batch that `task.sample` draws, and its inputs in pieces (B, P).

    Raises:
        UsageError: where a piece would have no place.
    """
    if size < 1:
        raise UsageError(f"a piece has at least 1 place, got {size}")
    if isinstance(task, Streamed):
        return task.pieces(rng, stage, batch_size, size)
    batch = task.sample(rng, stage, batch_size)
    starts = range(0, batch.inputs.shape[1], size)
    return batch.targets, (batch.inputs[:, start : start + size] for start in starts)


def predictions_at_end(
    learner: Learner, answer: Answer, rows: int, pieces: Iterator[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """The model's answers, (B,), after it has read so many rows to the end of the last piece.

    Raises:
        UsageError: where the network doesn't stream, or the inputs are not for it.
    """
    model = learner.model
    if not (isinstance(model, Streaming) and model.streams):
        raise UsageError(
            "this model can't be read piece by piece: take one that reads from left to right "
            "and answers at the end"
        )
    model.eval()
    try:
        with torch.inference_mode():
            state = model.blank(rows)
            for piece in pieces:
                _check_takes(learner, piece)
                state = model.read_on(torch.from_numpy(piece).to(learner.device), state)
            answers: NDArray[np.int64] = predict(answer, model.conclude(state)).cpu().numpy()
    finally:
        model.train()
    return answers


def _heard(
    pieces: Iterator[NDArray[np.int64]], heard: Callable[[int], None]
) -> Iterator[NDArray[np.int64]]:
    for piece in pieces:
        yield piece
        heard(piece.size)


def _check_takes(learner: Learner, piece: NDArray[np.int64]) -> None:
    learner.check_takes(piece)
    if piece.min() == PADDING:
        raise UsageError("inputs that are read piece by piece have one length, got padded ones")


class Ends:
    """Hands pieces on, and keeps the first and the last places of what they make up.

    Attributes:
        first: the first places, (B, at most `kept`) int64.
        last: the last of those that come after them, (B, at most `kept`) int64.
        length: how many places were handed on.
    """

    def __init__(self, pieces: Iterator[NDArray[np.int64]], rows: int, kept: int) -> None:
        self.first = np.empty((rows, 0), dtype=np.int64)
        self.last = self.first
        self.length = 0
        self._pieces = pieces
        self._kept = kept

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        for piece in self._pieces:
            room = self._kept - self.first.shape[1]
            self.first = np.concatenate([self.first, piece[:, :room]], axis=1)
            rest = piece[:, room:][:, -self._kept :]
            self.last = np.concatenate([self.last, rest], axis=1)[:, -self._kept :]
            self.length += piece.shape[1]
            yield piece
