"""One optimizer step: forward, backward, clipping, update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from curriculum.learn import target_counts
from curriculum.learn.device import on_device
from curriculum.learn.network_protocols import (
    Inputs,
    State,
    forward_train,
    input_tensors,
)
from curriculum.learn.precision import autocast, deterministic
from curriculum.learn.randomness import Key, reseed

if TYPE_CHECKING:
    from curriculum.learn.batch import Batch
    from curriculum.learn.learner import Learner
    from curriculum.learn.task import Task


class Pass(NamedTuple):
    """A part of a batch on the device, and the model's outputs on it before the step.

    Attributes:
        inputs: see `input_tensors`.
        targets: see `Batch.targets`.
        outputs: of the model, as float32.
        loss: its mean loss, in nats.
        share: of the batch's targets that it has.
    """

    inputs: Inputs
    targets: Tensor
    outputs: Tensor
    loss: Tensor
    share: float


class StepResult(NamedTuple):
    """What a step saw, all of it on the device.

    Attributes:
        passes: over the parts of its batch; one, where nothing is accumulated.
        loss: the batch's mean loss before the step, in nats.
        gradient_norm: before clipping; None where gradients aren't clipped.
    """

    passes: list[Pass]
    loss: Tensor
    gradient_norm: Tensor | None

    @property
    def outputs(self) -> Tensor:
        """Of the model on the whole batch, before the step."""
        return _joined([passed.outputs for passed in self.passes])

    @property
    def targets(self) -> Tensor:
        """Of the whole batch."""
        return _joined([passed.targets for passed in self.passes])


class GradientStep:
    """Takes optimizer steps with one learner on one task. Nothing in it waits for the device."""

    def __init__(self, task: Task, learner: Learner) -> None:
        self.task, self.learner = task, learner
        self._settings = learner.recipe.training
        self._parameters = list(learner.model.parameters())

    def take(self, batch: Batch, key: Key) -> StepResult:
        """Take a step on a batch; `key` is what dropout and teacher forcing are drawn by."""
        optimizer, settings = self.learner.optimizer, self._settings
        reseed(*key, device=self.learner.device)
        optimizer.zero_grad()
        norm = None
        with deterministic(settings.deterministic):
            passes = [self._backward(part, share) for part, share in self.parts(batch)]
            if settings.clip_norm is not None:
                norm = nn.utils.clip_grad_norm_(self._parameters, settings.clip_norm)
            optimizer.step()
        return StepResult(passes, _whole([each.loss.detach() for each in passes], passes), norm)

    def loss_again(self, passes: Sequence[Pass], key: Key) -> Tensor:
        """The mean loss on a batch now, as training sees it, with the same dropout, without a step."""
        reseed(*key, device=self.learner.device)
        with torch.no_grad():
            outputs = [self._outputs(each.inputs, each.targets, None)[0] for each in passes]
            pairs = zip(outputs, passes, strict=True)
            return _whole([self.task.loss(found, each.targets) for found, each in pairs], passes)

    def parts(self, batch: Batch) -> Iterator[tuple[Batch, float]]:
        """The parts of a batch that gradients are added up over, and the share of its targets in each."""
        examples = len(batch.targets)
        count = min(self._settings.accumulate, examples)
        if count == 1:
            yield batch, 1.0
            return
        for number in range(count):
            part = batch.rows(examples * number // count, examples * (number + 1) // count)
            yield part, part.target_count / batch.target_count

    def _backward(self, batch: Batch, share: float) -> Pass:
        """Pass forward and backward over a part of a batch, whose gradients are added up."""
        learner = self.learner
        inputs = input_tensors(batch, learner.device)
        targets = on_device(batch.targets, learner.device)
        target_counts.attach(targets, batch)
        outputs, learner.state = self._outputs(inputs, targets, learner.state)
        loss = self.task.loss(outputs, targets)
        (loss if share == 1 else loss * share).backward()  # type: ignore[no-untyped-call]
        return Pass(inputs, targets, outputs, loss, share)

    def _outputs(
        self, inputs: Inputs, targets: Tensor, state: State | None
    ) -> tuple[Tensor, State | None]:
        """The model's outputs in training, and the state that it carries on."""
        learner, precision = self.learner, self._settings.precision
        with autocast(precision, learner.device):
            outputs, after = forward_train(
                learner.model, learner.forward_mode, inputs, targets, state
            )
        return (outputs if precision == "float32" else outputs.float()), after


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Tensors of the parts of a batch, as one of the whole."""
    return parts[0] if len(parts) == 1 else torch.cat([*parts])


def _whole(losses: Sequence[Tensor], passes: Sequence[Pass]) -> Tensor:
    """The mean loss of the batch that the passes are over."""
    if len(losses) == 1:
        return losses[0]
    return torch.stack([loss * each.share for loss, each in zip(losses, passes, strict=True)]).sum()
