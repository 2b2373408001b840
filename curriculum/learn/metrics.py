"""From a model's outputs to predictions and metrics, for each kind of output.

Legend: B batch, T length of the output, V its vocabulary, K values.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from curriculum.learn.batch import IGNORED, Batch
from curriculum.learn.shape import OutputKind
from curriculum.learn.task import Task, has_own_loss
from curriculum.plan import LOSSES


def example_losses(task: Task, outputs: Tensor, targets: Tensor) -> Tensor | None:
    """Each example's mean loss, (B,): over the symbols to be predicted, or over its values.

    None for a bit, which is not measured. A task's own loss is given as the batch's mean.
    """
    if has_own_loss(task):
        return task.loss(outputs, targets).detach().expand(len(targets))
    if task.output == "bit":
        return None
    if task.output == "values":
        return ((outputs - targets.view_as(outputs)) ** 2).mean(dim=1)
    flat = outputs.flatten(0, -2)
    each = cross_entropy(flat, targets.flatten(), ignore_index=IGNORED, reduction="none")
    each = each.view(len(targets), -1)  # (B, T), zero where nothing is predicted
    count = (targets != IGNORED).view(len(targets), -1).sum(dim=1)
    return each.sum(dim=1) / count.clamp(min=1)


def loss_values(task: Task, metric: str, outputs: Tensor, batch: Batch) -> NDArray[np.float64]:
    """Each example's mean loss, (B,): in nats a symbol (also of a perplexity), or in bits per byte.

    Of values it is the squared error. A loss of a task's own is the same for all of a batch, and
    so is none of its examples': a criterion that takes one is refused before.
    """
    targets = torch.from_numpy(batch.targets).to(outputs.device)
    if task.output == "bit" and not has_own_loss(task):
        logits = outputs.float().view_as(targets)
        losses = binary_cross_entropy_with_logits(logits, targets.float(), reduction="none")
    else:
        found = example_losses(task, outputs, targets)
        assert found is not None  # it is no bit
        losses = found
    values: NDArray[np.float64] = losses.detach().double().cpu().numpy()
    if metric != "bits_per_byte":
        return values
    assert batch.byte_counts is not None  # the first batch was checked
    return values * _predicted(batch) / np.maximum(1, batch.byte_counts) / math.log(2)


def sizes_in_unit(metric: str, batch: Batch) -> NDArray[np.float64]:
    """How much each example counts, (B,), in the mean of the unit that it belongs to.

    For a loss its symbols, or its bytes.
    """
    if metric == "bits_per_byte" and batch.byte_counts is not None:
        return batch.byte_counts.astype(np.float64)
    return _predicted(batch) if metric in LOSSES else np.ones(len(batch.targets))


def _predicted(batch: Batch) -> NDArray[np.float64]:
    """How many of each example's targets are predicted, (B,)."""
    wanted = (batch.targets != IGNORED).reshape(len(batch.targets), -1)
    found: NDArray[np.float64] = wanted.sum(axis=1).astype(np.float64)
    return found


def predict(output: OutputKind, outputs: Tensor) -> Tensor:
    """The likeliest output: (B,) for a bit or a symbol, (B, T) for symbols, int64; values as they are."""
    if output == "values":
        return outputs
    return (outputs > 0).long() if output == "bit" else torch.argmax(outputs, dim=-1)


def is_comparable(task: Task, batch: Batch) -> bool:
    """Whether targets are what the task's kind of output says, so that predictions may equal them.

    Those of a task with a loss of its own may be something else, such as a set of allowed symbols.
    """
    targets, output = batch.targets, task.output
    if output == "values":
        return targets.dtype.kind == "f" and targets.ndim <= 2
    return targets.dtype.kind == "i" and targets.ndim == (2 if output == "symbols" else 1)


def correct_and_wanted(
    task: Task, predictions: NDArray[Any], targets: NDArray[Any]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of an example's symbols, bits or values are correct, and which are asked for, each (B, N)."""
    count = len(targets)
    predicted, expected = predictions.reshape(count, -1), targets.reshape(count, -1)
    if task.output == "values":
        near: NDArray[np.bool_] = np.abs(predicted - expected) <= task.tolerance
        return near, np.ones_like(near)
    wanted: NDArray[np.bool_] = expected != IGNORED
    return (predicted == expected) & wanted, wanted


def correct_count(task: Task, outputs: Tensor, targets: Tensor) -> Tensor:
    """How many symbols, bits or values are correct, of those that are asked for; stays on the device."""
    found = predict(task.output, outputs)
    if task.output == "values":
        return ((found - targets.view_as(found)).abs() <= task.tolerance).sum()
    return (found == targets).sum()  # nothing is predicted as what is ignored


def standard_metric(
    task: Task, metric: str, predictions: NDArray[Any], batch: Batch
) -> NDArray[np.float64]:
    """Each example's `exact_match`, the whole output correct, or `symbol_accuracy`, (B,), in [0, 1].

    Symbol accuracy is the share of the symbols that are correct, or of the values within the
    task's tolerance.
    """
    correct, wanted = correct_and_wanted(task, predictions, batch.targets)
    if metric == "exact_match":
        whole: NDArray[np.bool_] = (correct == wanted).all(axis=1)
        return whole.astype(np.float64)
    share: NDArray[np.float64] = correct.sum(axis=1) / np.maximum(wanted.sum(axis=1), 1)
    return share


def own_metrics(task: Task, outputs: Tensor, batch: Batch) -> dict[str, NDArray[np.float64]]:
    """The task's own metrics, each example's value, (B,), in [0, 1]."""
    if not task.metrics:
        return {}
    found = task.metric_values(outputs.detach().float().cpu().numpy(), batch)
    return {name: np.asarray(found[name], dtype=np.float64) for name in task.metrics}
