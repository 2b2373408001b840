"""Passes a first batch through a network: what comes out, with and without padding, and a gradient.

Legend: B batch, L length of the input, T length of the output, V its vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from curriculum.learn.batch import IGNORED, PADDING, Batch
from curriculum.learn.model import Model
from curriculum.learn.network_protocols import (
    ForwardMode,
    Inputs,
    forward_eval,
    forward_mode_of,
    forward_train,
    input_tensors,
)
from curriculum.learn.shape import Shape
from curriculum.learn.task import Task, axis_names, metric_scales
from curriculum.learn.user_code import contract_error, user_errors
from curriculum.plan import MetricScale, Stage

MOST_DECODED = 256
"""Symbols that are written one by one; a longer output is tried in training alone."""


@dataclass(frozen=True)
class FirstPass:
    """A network that a model was built into, for a shape, to be tried on a device."""

    task: Task
    model: Model
    network: nn.Module
    shape: Shape
    device: torch.device
    mode: ForwardMode

    @classmethod
    def of(cls, task: Task, model: Model, shape: Shape, stage: Stage, device: torch.device) -> Self:
        """The network of a model.

        Raises:
            UsageError: where it can't be built, or is none.
        """
        at = axis_names(task).words(stage)
        with user_errors(model, at):
            network: Any = model.build(shape)
        if not isinstance(network, nn.Module):
            problem = f"must give a torch.nn.Module, got {type(network).__name__}"
            raise contract_error(model, model.build, at, problem)
        with user_errors(model, at):
            network = network.to(device)
        return cls(task, model, network, shape, device, forward_mode_of(network))

    def at(self, stage: Stage) -> str:
        """A stage in words."""
        return axis_names(self.task).words(stage)

    def check_outputs(self, stage: Stage, batch: Batch) -> None:
        """Check the outputs in training and evaluation, and that the loss has a gradient."""
        inputs, targets = self._moved(batch)
        network: Any = self.network
        network.zero_grad(set_to_none=True)
        network.train()
        method = network.forward_with_state if self.mode == "stateful" else network.forward
        with user_errors(self.model, self.at(stage)):
            if self.mode == "stateful":
                logits = self._logits_of_pair(method, method(*inputs, None), stage)
            else:
                logits, _ = forward_train(network, self.mode, inputs, targets, None)
        self._check_logits(method, logits, stage, batch)
        with user_errors(self.task, self.at(stage)):
            loss = self.task.loss(logits, targets)
        if not isinstance(loss, Tensor) or loss.ndim or not loss.is_floating_point():
            found = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
            problem = f"must give the mean loss as a tensor of one number, got {found}"
            raise contract_error(self.task, self.task.loss, self.at(stage), problem)
        if loss.requires_grad:
            with user_errors(self.model, self.at(stage)):
                loss.backward()  # type: ignore[no-untyped-call]
        if not torch.isfinite(loss):
            raise contract_error(
                network,
                method,
                self.at(stage),
                f"gives a loss that is no finite number: {loss:g}",
            )
        if all(parameter.grad is None for parameter in network.parameters()):
            problem = "gives an output from which no parameter gets a gradient"
            raise contract_error(network, method, self.at(stage), problem)
        length = self.shape.length_of(batch)
        if self.mode == "autoregressive":
            method = network.greedy_decode
        if self.mode != "autoregressive" or length <= MOST_DECODED:
            outputs = self._evaluated(inputs, length, stage)
            self._check_logits(method, outputs, stage, batch)
            self._check_metrics(outputs, stage, batch)

    def _logits_of_pair(self, method: Callable[..., object], found: object, stage: Stage) -> Any:
        match found:
            case (logits, _):
                return logits
        problem = f"must give logits and a state, got {type(found).__name__}"
        raise contract_error(self.network, method, self.at(stage), problem)

    def check_padding(self, stage: Stage, batch: Batch) -> None:
        """Check that an example has the same outputs with padding after its end as without."""
        present, length = batch.present, self.shape.length_of(batch)
        predicted = (batch.targets != IGNORED).reshape(len(present), length, -1)
        several = predicted.any(axis=2)  # (B, T)
        padded = np.flatnonzero(~present.all(axis=1) & several.any(axis=1))
        if len(padded) == 0 or (self.mode == "autoregressive" and length > MOST_DECODED):
            return
        row, (inputs, _) = int(padded[0]), self._moved(batch)
        own = int(np.flatnonzero(several[row])[-1]) + 1  # the output's length without padding
        alone_inputs = tuple(part[row : row + 1, : int(present[row].sum())] for part in inputs)
        together: Tensor = self._evaluated(inputs, length, stage)[row]
        alone: Tensor = self._evaluated(alone_inputs, own, stage)[0]
        if self.shape.output == "symbols":
            chosen = torch.from_numpy(several[row, :own]).to(self.device)
            together, alone = together[:own][chosen], alone[:own][chosen]
        if not torch.allclose(together, alone, rtol=1e-3, atol=1e-4):
            problem = (
                f"gives other outputs where {_padding(batch)} an example's end; have it leave padding "
                f"out, or take a task and a strategy whose batches have one length"
            )
            raise contract_error(self.network, self.network.forward, self.at(stage), problem)

    def check_causal(self, stage: Stage, batch: Batch) -> None:
        """Check that a model which may not see what comes next gives it no weight.

        Each output of a causal task has to follow from the inputs up to its position, so those
        before the last are the same whatever the last input is.
        """
        symbols = self.task.shape(stage).input_vocab_size
        length = batch.inputs.shape[1]
        if not self.shape.causal or self.mode == "autoregressive" or symbols < 2 or length < 2:
            return
        if self.shape.output != "symbols" or not batch.present.all():
            return
        (inputs,), changed = self._moved(batch)[0], batch.inputs.copy()
        changed[:, -1] = (changed[:, -1] + 1) % symbols
        other = torch.from_numpy(changed).to(self.device)
        one = self._evaluated((inputs,), length, stage)[:, :-1]
        two = self._evaluated((other,), length, stage)[:, :-1]
        if not torch.allclose(one, two, rtol=1e-3, atol=1e-4):
            problem = (
                "sees inputs after the one that it outputs at, and the task asks for what comes "
                "next, so that it would copy it; have it read from left to right"
            )
            raise contract_error(self.network, self.network.forward, self.at(stage), problem)

    def _check_metrics(self, outputs: Tensor, stage: Stage, batch: Batch) -> None:
        """Check that the task gives the metrics that it names, one within its range for each example."""
        task, method, count = self.task, self.task.metric_values, len(batch.targets)
        if not task.metrics:
            return
        with user_errors(task, self.at(stage)):
            found = method(outputs.float().cpu().numpy(), batch)
            values = {name: np.asarray(value, dtype=np.float64) for name, value in found.items()}
            scales = metric_scales(task)
        for name in task.metrics:
            problem: str | None = None
            if name not in values:
                problem = f"gives no {name!r}, which is one of the task's metrics"
            elif values[name].shape != (count,):
                problem = f"must give a {name!r} for each example, got shape {values[name].shape}"
            else:
                problem = _out_of_range(name, values[name], scales.get(name, MetricScale()))
            if problem is not None:
                raise contract_error(task, method, self.at(stage), problem)

    def _moved(self, batch: Batch) -> tuple[Inputs, Tensor]:
        targets = torch.from_numpy(batch.targets).to(self.device)
        return input_tensors(batch, self.device), targets

    def _evaluated(self, inputs: Inputs, length: int, stage: Stage) -> Any:
        """The logits in evaluation mode."""
        self.network.eval()
        with user_errors(self.model, self.at(stage)), torch.inference_mode():
            return forward_eval(self.network, self.mode, inputs, length, None)[0]

    def _check_logits(
        self, method: Callable[..., object], logits: object, stage: Stage, batch: Batch
    ) -> None:
        """Check that there is a logit for each target, or one for each symbol that it may be.

        A network that is built for a larger stage may know more symbols than this one has.
        """
        least, most = self.task.shape(stage).logit_count, self.shape.logit_count
        bit, size = self.shape.output == "bit", len(batch.targets)
        each = (size, self.shape.length_of(batch)) if self.shape.output == "symbols" else (size,)
        expected = (*each, *(() if bit else (most,)))
        if not isinstance(logits, Tensor):
            problem = f"must give logits as one tensor, got {type(logits).__name__}"
        elif not logits.is_floating_point():
            problem = f"must give logits as floating-point numbers, got {logits.dtype}"
        elif logits.ndim != len(expected) or logits.shape[: len(each)] != each:
            problem = f"must give logits of shape {expected}, got {tuple(logits.shape)}"
        elif not bit and not least <= logits.shape[-1] <= most:
            problem = f"must give {most} logits for each output, got {logits.shape[-1]}"
        else:
            return
        raise contract_error(self.network, method, self.at(stage), problem)


def _padding(batch: Batch) -> str:
    """What pads a batch, in words."""
    return "the mask ends before" if batch.inputs.ndim > 2 else f"{PADDING} pads"


def _out_of_range(name: str, values: NDArray[np.float64], scale: MetricScale) -> str | None:
    """That a metric's values lie outside its range, or are no numbers; None where all are within."""
    within = np.isfinite(values) & (values >= scale.low) & (values <= scale.high)
    if within.all():
        return None
    if scale.is_rate:
        return (
            f"must give a {name!r} in [0, 1], got {values.tolist()}; for another range, or where "
            f"lower is better, say so in `metric_scales`"
        )
    return (
        f"must give a {name!r} that is {scale.range}, as metric_scales says, got {values.tolist()}"
    )
