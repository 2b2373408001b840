"""From logits to a loss and to predictions, for each form of answer.

Legend: B batch, L length, V vocabulary.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from curriculum.learn.task import IGNORED, Answer, Batch, Scored, Task

__all__ = ["loss_of", "predict", "results"]


def loss_of(answer: Answer, logits: Tensor, targets: Tensor) -> Tensor:
    """The mean loss in nats: binary cross-entropy of a bit, cross-entropy of symbols.

    Args:
        answer: the form of the answer.
        logits: (B,) for a bit, (B, L, V) for symbols.
        targets: (B,) or (B, L) int64.
    """
    if answer == "bit":
        return binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))
    return cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


def predict(answer: Answer, logits: Tensor) -> Tensor:
    """The likeliest answer: (B,) for a bit, (B, L) for symbols, int64."""
    return (logits > 0).long() if answer == "bit" else torch.argmax(logits, dim=-1)


def results(
    task: Task, metric: str, predictions: NDArray[np.int64], batch: Batch
) -> NDArray[np.float64]:
    """Each example's result under `metric`, (B,), in [0, 1]."""
    if metric == "exact_match":
        right = (predictions == batch.targets) | (batch.targets == IGNORED)
        whole: NDArray[np.bool_] = right.reshape(len(right), -1).all(axis=1)
        return whole.astype(np.float64)
    if isinstance(task, Scored):
        return np.asarray(task.scores(predictions, batch)[metric], dtype=np.float64)
    raise KeyError(metric)
