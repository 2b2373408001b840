"""What is measured of each example of a batch.

Legend: B examples.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from curriculum.learn.batch import Batch
from curriculum.learn.learner import Learner
from curriculum.learn.metrics import (
    example_losses,
    is_comparable,
    loss_values,
    own_metrics,
    standard_metric,
)
from curriculum.learn.network_protocols import State
from curriculum.learn.predictions import evaluated_outputs, predict_outputs
from curriculum.learn.scores import Values
from curriculum.learn.task import METRICS, Task
from curriculum.plan import LOSSES, Criterion


def values_of_metric(
    task: Task, criterion: Criterion, metric: str, outputs: Tensor, batch: Batch
) -> NDArray[np.float64]:
    """Each example's value of a metric, (B,)."""
    if metric == criterion.measured and _takes_loss(task, criterion):
        return loss_values(task, metric, outputs, batch)
    if metric not in METRICS:
        return own_metrics(task, outputs, batch)[metric]
    return standard_metric(task, metric, predict_outputs(task, outputs, batch), batch)


def measured_values(
    learner: Learner, task: Task, criterion: Criterion, batch: Batch, state: State | None
) -> tuple[Values, State | None]:
    """Each example's values of the criterion's metric, and of what is measured besides."""
    outputs, state = evaluated_outputs(learner, batch, state)
    values = own_metrics(task, outputs, batch)
    if is_comparable(task, batch):
        predictions = predict_outputs(task, outputs, batch)
        several = task.output in ("symbols", "values")
        for name in METRICS if several else {criterion.measured} & {*METRICS}:
            values[name] = standard_metric(task, name, predictions, batch)
    losses = example_losses(task, outputs, torch.from_numpy(batch.targets).to(outputs.device))
    if losses is not None:
        values["loss"] = losses.detach().double().cpu().numpy()
    if _takes_loss(task, criterion):
        metric = criterion.measured
        values[metric] = loss_values(task, metric, outputs, batch)
    return values, state


def _takes_loss(task: Task, criterion: Criterion) -> bool:
    """Whether the criterion's metric is made of the loss, and none of the task's own."""
    metric = criterion.measured
    return metric in LOSSES and metric not in task.metrics
