"""From logits to a loss, to predictions and to metrics, for each kind of output.

Legend: B batch, T length of the output, V its vocabulary.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from curriculum.learn.batch import IGNORED, Batch
from curriculum.learn.shape import OutputKind
from curriculum.learn.task import METRICS, Task


def mean_loss(output: OutputKind, logits: Tensor, targets: Tensor) -> Tensor:
    """The mean loss in nats: binary cross-entropy of a bit, cross-entropy of symbols.

    Args:
        output: the kind of output.
        logits: (B,) for a bit, (B, V) for a symbol, (B, T, V) for symbols.
        targets: (B,) or (B, T) int64.
    """
    if output == "bit":
        return binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))
    flat = logits.flatten(0, -2)
    return cross_entropy(flat, targets.flatten(), ignore_index=IGNORED)


def example_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Each example's mean loss in nats, (B,), over the symbols to be predicted."""
    flat = logits.flatten(0, -2)
    each = cross_entropy(flat, targets.flatten(), ignore_index=IGNORED, reduction="none")
    each = each.view(len(targets), -1)  # (B, T), zero where nothing is predicted
    count = (targets != IGNORED).view(len(targets), -1).sum(dim=1)
    return each.sum(dim=1) / count.clamp(min=1)


def predict(output: OutputKind, logits: Tensor) -> Tensor:
    """The likeliest output: (B,) for a bit or a symbol, (B, T) for symbols, int64."""
    return (logits > 0).long() if output == "bit" else torch.argmax(logits, dim=-1)


def symbol_accuracy(output: OutputKind, logits: Tensor, targets: Tensor) -> float:
    """The share of the symbols to be predicted that the likeliest outputs have correct."""
    wanted = targets != IGNORED
    correct = (predict(output, logits) == targets) & wanted
    return float(correct.sum() / wanted.sum().clamp(min=1))


def metric_values(
    task: Task, metric: str, predictions: NDArray[np.int64], batch: Batch
) -> NDArray[np.float64]:
    """Each example's value of `metric`, (B,), in [0, 1].

    `exact_match` is the whole output correct; `symbol_accuracy` the share of its symbols.
    """
    if metric in METRICS:
        wanted = (batch.targets != IGNORED).reshape(len(predictions), -1)
        correct = ((predictions == batch.targets).reshape(len(predictions), -1)) & wanted
        share: NDArray[np.float64] = correct.sum(axis=1) / np.maximum(wanted.sum(axis=1), 1)
        whole: NDArray[np.bool_] = (correct == wanted).all(axis=1)
        return whole.astype(np.float64) if metric == "exact_match" else share
    return np.asarray(task.metric_values(predictions, batch)[metric], dtype=np.float64)
