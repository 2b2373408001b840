"""Passes a first batch through a network: what comes out, with and without padding, and a gradient.

Legend: B batch, L length of the input, T length of the output, V its vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from curriculum.learn.batch import IGNORED, PADDING, Batch
from curriculum.learn.metrics import mean_loss
from curriculum.learn.model import Model
from curriculum.learn.network_protocols import (
    ForwardMode,
    forward_eval,
    forward_mode_of,
    forward_train,
)
from curriculum.learn.shape import Shape
from curriculum.learn.task import Task
from curriculum.learn.user_code import contract_error, user_errors
from curriculum.plan import Stage

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
        with user_errors(model, stage):
            network: Any = model.build(shape)
        if not isinstance(network, nn.Module):
            problem = f"must give a torch.nn.Module, got {type(network).__name__}"
            raise contract_error(model, model.build, stage, problem)
        with user_errors(model, stage):
            network = network.to(device)
        return cls(task, model, network, shape, device, forward_mode_of(network))

    def check_outputs(self, stage: Stage, batch: Batch) -> None:
        """Check the outputs in training and evaluation, and that the loss has a gradient."""
        inputs, targets = self._moved(batch)
        network: Any = self.network
        network.zero_grad(set_to_none=True)
        network.train()
        method = network.forward_with_state if self.mode == "stateful" else network.forward
        with user_errors(self.model, stage):
            if self.mode == "stateful":
                logits = self._logits_of_pair(method, method(inputs, None), stage)
            else:
                logits, _ = forward_train(network, self.mode, inputs, targets, None)
        self._check_logits(method, logits, stage, targets)
        with user_errors(self.model, stage):
            loss = mean_loss(self.task.output, logits, targets)
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
        if not torch.isfinite(loss):
            raise contract_error(
                network, method, stage, f"gives a loss that is no finite number: {loss:g}"
            )
        if all(parameter.grad is None for parameter in network.parameters()):
            problem = "gives an output from which no parameter gets a gradient"
            raise contract_error(network, method, stage, problem)
        length = targets.shape[1] if targets.ndim > 1 else 1
        if self.mode == "autoregressive":
            method = network.greedy_decode
        if self.mode != "autoregressive" or length <= MOST_DECODED:
            self._check_logits(method, self._evaluated(inputs, length, stage), stage, targets)

    def _logits_of_pair(self, method: Callable[..., object], found: object, stage: Stage) -> Any:
        match found:
            case (logits, _):
                return logits
        problem = f"must give logits and a state, got {type(found).__name__}"
        raise contract_error(self.network, method, stage, problem)

    def check_padding(self, stage: Stage, batch: Batch) -> None:
        """Check that an example has the same outputs with padding after its end as without."""
        predicted = batch.targets != IGNORED  # (B,) or (B, T)
        several = predicted.reshape(len(predicted), -1)
        padded = np.flatnonzero((batch.inputs == PADDING).any(axis=1) & several.any(axis=1))
        length = batch.targets.shape[1] if batch.targets.ndim > 1 else 1
        if len(padded) == 0 or (self.mode == "autoregressive" and length > MOST_DECODED):
            return
        row, (inputs, _) = int(padded[0]), self._moved(batch)
        own = int(np.flatnonzero(several[row])[-1]) + 1  # the output's length without padding
        alone_inputs = inputs[row : row + 1, : int((batch.inputs[row] != PADDING).sum())]
        together: Tensor = self._evaluated(inputs, length, stage)[row]
        alone: Tensor = self._evaluated(alone_inputs, own, stage)[0]
        if batch.targets.ndim > 1:
            chosen = torch.from_numpy(several[row, :own]).to(self.device)
            together, alone = together[:own][chosen], alone[:own][chosen]
        if not torch.allclose(together, alone, rtol=1e-3, atol=1e-4):
            problem = (
                f"gives other outputs where {PADDING} pads an example's end; have it leave padding "
                f"out, or take a task and a strategy whose batches have one length"
            )
            raise contract_error(self.network, self.network.forward, stage, problem)

    def _moved(self, batch: Batch) -> tuple[Tensor, Tensor]:
        inputs, targets = torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets)
        return inputs.to(self.device), targets.to(self.device)

    def _evaluated(self, inputs: Tensor, length: int, stage: Stage) -> Any:
        """The logits in evaluation mode."""
        self.network.eval()
        with user_errors(self.model, stage), torch.inference_mode():
            return forward_eval(self.network, self.mode, inputs, length, None)[0]

    def _check_logits(
        self, method: Callable[..., object], logits: object, stage: Stage, targets: Tensor
    ) -> None:
        """Check that there is a logit for each target, or one for each symbol that it may be.

        A network that is built for a larger stage may know more symbols than this one has.
        """
        least, most = self.task.shape(stage).output_vocab_size, self.shape.output_vocab_size
        bit = self.shape.output == "bit"
        expected = (*targets.shape, *(() if bit else (most,)))
        if not isinstance(logits, Tensor):
            problem = f"must give logits as one tensor, got {type(logits).__name__}"
        elif not logits.is_floating_point():
            problem = f"must give logits as floating-point numbers, got {logits.dtype}"
        elif logits.ndim != len(expected) or logits.shape[: targets.ndim] != targets.shape:
            problem = f"must give logits of shape {expected}, got {tuple(logits.shape)}"
        elif not bit and not least <= logits.shape[-1] <= most:
            problem = f"must give {most} logits for each output, got {logits.shape[-1]}"
        else:
            return
        raise contract_error(self.network, method, stage, problem)
