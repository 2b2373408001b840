"""Reads inputs that are too long for memory piece by piece, and predicts at their end.

Legend: B batch, L length, P positions of a piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.learn.batch import PADDING
from curriculum.learn.distinct_inputs import DistinctInputs
from curriculum.learn.learner import Learner
from curriculum.learn.metrics import predict
from curriculum.learn.network_protocols import Streaming
from curriculum.learn.shape import OutputKind
from curriculum.learn.task import Task
from curriculum.plan import Stage

PIECE = 256
"""Positions of a piece: longer ones are hardly faster on a CPU, and take more memory."""


def streamed_predictions(
    learner: Learner,
    task: Task,
    rng: np.random.Generator,
    stage: Stage,
    batch_size: int,
    *,
    piece: int = PIECE,
    on_progress: Callable[[int], None] | None = None,
    distinct: DistinctInputs | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The model's predictions on the batch that `task.sample` draws, and the targets, each (B,).

    Memory doesn't grow with the length where the task makes its inputs piece by piece; else by the
    inputs alone.

    Args:
        learner: whose model predicts, in evaluation mode and without gradients.
        task: what is drawn from, without padding.
        rng: what it is drawn with.
        stage: of what length.
        batch_size: how many examples.
        piece: how many positions are read at a time.
        on_progress: called with the number of tokens of each piece, as it is read.
        distinct: takes the inputs into account.

    Raises:
        UsageError: where the network doesn't stream, or the inputs are not for it.
    """
    if piece < 1:
        raise UsageError(f"a piece has at least 1 position, got {piece}")
    targets, pieces = task.sample_pieces(rng, stage, batch_size, piece)
    if on_progress is not None:
        pieces = _reported(pieces, on_progress)
    if distinct is not None:
        pieces = distinct.reading(pieces)
    return predict_pieces(learner, task.output, batch_size, pieces), targets


def predict_pieces(
    learner: Learner, output: OutputKind, batch_size: int, pieces: Iterator[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """The model's predictions, (B,), once it has read the last of the pieces (B, P).

    Raises:
        UsageError: where the network doesn't stream, or the inputs are not for it.
    """
    model = learner.model
    if not (isinstance(model, Streaming) and model.can_stream):
        raise UsageError(
            "this model can't read its input piece by piece: take one that reads from left to "
            "right and gives its output at the end"
        )
    model.eval()
    try:
        with learner.evaluating():
            state = model.initial_state(batch_size)
            for piece in pieces:
                _check_piece(learner, piece)
                state = model.update_state(torch.from_numpy(piece).to(learner.device), state)
            logits = model.readout(state)
            predictions: NDArray[np.int64] = predict(output, logits).cpu().numpy()
    finally:
        model.train()
    return predictions


def _reported(
    pieces: Iterator[NDArray[np.int64]], on_progress: Callable[[int], None]
) -> Iterator[NDArray[np.int64]]:
    for piece in pieces:
        yield piece
        on_progress(piece.size)


def _check_piece(learner: Learner, piece: NDArray[np.int64]) -> None:
    learner.check_inputs(piece)
    if piece.min() == PADDING:
        raise UsageError("inputs that are read piece by piece have one length, got padded ones")


class Ends:
    """Passes pieces on, and keeps the first and the last positions of the input they make up.

    Attributes:
        first: the first positions, (B, at most `kept`) int64.
        last: the last of those that come after them, (B, at most `kept`) int64.
        length: how many positions were passed on.
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
