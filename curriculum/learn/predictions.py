"""A learner's outputs and predictions on a batch, in evaluation mode.

Legend: B batch, T length of the output, K values.
"""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from curriculum.learn.batch import Batch
from curriculum.learn.learner import Learner
from curriculum.learn.metrics import predict
from curriculum.learn.network_protocols import State, forward_eval, input_tensors
from curriculum.learn.task import Task


def predict_batch(learner: Learner, task: Task, batch: Batch) -> NDArray[Any]:
    """The model's predictions, in evaluation mode, in the shape of the targets.

    (B,) for a bit or symbol, (B, T) for symbols, int64; (B,) or (B, K) for values, float32.
    """
    outputs, _ = evaluated_outputs(learner, batch, None)
    return predict_outputs(task, outputs, batch)


def predict_outputs(task: Task, outputs: Tensor, batch: Batch) -> NDArray[Any]:
    """What outputs predict, as `predict_batch` gives it."""
    found: NDArray[Any] = predict(task.output, outputs.detach()).cpu().numpy()
    return found.reshape(batch.targets.shape) if task.output == "values" else found


def evaluated_outputs(
    learner: Learner, batch: Batch, state: State | None
) -> tuple[Tensor, State | None]:
    """The model's outputs in evaluation mode, and the state that it carries on."""
    model = learner.model
    model.eval()
    length = learner.shape.length_of(batch)
    with learner.evaluating():
        inputs = input_tensors(batch, learner.device)
        outputs, after = forward_eval(model, learner.forward_mode, inputs, length, state)
    model.train()
    return (outputs.float() if outputs.dtype == torch.bfloat16 else outputs), after
