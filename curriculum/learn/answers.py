"""From logits to a loss and to predictions, for each form of answer.

Legend: B batch, T length of the answer, V its alphabet.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from curriculum.learn.shape import Answer
from curriculum.learn.task import IGNORED, METRICS, Batch, Scored, Task

__all__ = ["loss_of", "losses_of", "predict", "results", "share_right"]


def loss_of(answer: Answer, logits: Tensor, targets: Tensor) -> Tensor:
    """The mean loss in nats: binary cross-entropy of a bit, cross-entropy of symbols.

    Args:
        answer: the form of the answer.
        logits: (B,) for a bit, (B, V) for a symbol, (B, T, V) for symbols.
        targets: (B,) or (B, T) int64.
    """
    if answer == "bit":
        return binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))
    flat = logits.flatten(0, -2)
    return cross_entropy(flat, targets.flatten(), ignore_index=IGNORED)


def losses_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Each example's mean loss in nats, (B,), over the symbols that are asked."""
    flat = logits.flatten(0, -2)
    each = cross_entropy(flat, targets.flatten(), ignore_index=IGNORED, reduction="none")
    each = each.view(len(targets), -1)  # (B, T), zero where nothing is asked
    asked = (targets != IGNORED).view(len(targets), -1).sum(dim=1)
    return each.sum(dim=1) / asked.clamp(min=1)


def predict(answer: Answer, logits: Tensor) -> Tensor:
    """The likeliest answer: (B,) for a bit or a symbol, (B, T) for symbols, int64."""
    return (logits > 0).long() if answer == "bit" else torch.argmax(logits, dim=-1)


def share_right(answer: Answer, logits: Tensor, targets: Tensor) -> float:
    """The share of the symbols that are asked which the likeliest answers have right."""
    asked = targets != IGNORED
    right = (predict(answer, logits) == targets) & asked
    return float(right.sum() / asked.sum().clamp(min=1))


def results(
    task: Task, metric: str, predictions: NDArray[np.int64], batch: Batch
) -> NDArray[np.float64]:
    """Each example's result under `metric`, (B,), in [0, 1].

    `exact_match` is the whole answer right; `symbol_accuracy` the share of its symbols.
    """
    if metric in METRICS:
        asked = (batch.targets != IGNORED).reshape(len(predictions), -1)
        right = ((predictions == batch.targets).reshape(len(predictions), -1)) & asked
        share: NDArray[np.float64] = right.sum(axis=1) / np.maximum(asked.sum(axis=1), 1)
        whole: NDArray[np.bool_] = (right == asked).all(axis=1)
        return whole.astype(np.float64) if metric == "exact_match" else share
    if isinstance(task, Scored):
        return np.asarray(task.scores(predictions, batch)[metric], dtype=np.float64)
    raise KeyError(metric)
