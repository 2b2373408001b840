"""All that training changes: a model and its optimizer."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from curriculum.errors import UsageError
from curriculum.learn.model import Model
from curriculum.learn.optimizers import OptimizerSettings
from curriculum.learn.randomness import forked
from curriculum.learn.task import Task
from curriculum.plan import Stage

__all__ = ["Learner", "Snapshot", "resolve_device", "weights_sha256"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of a learner's state, to go back to."""

    model: dict[str, Tensor]
    optimizer: dict[str, Any]


class Learner:
    """A model and its optimizer on a device.

    Attributes:
        parameters: how many trainable numbers the model has.
    """

    def __init__(
        self, model: nn.Module, optimizer: OptimizerSettings, device: torch.device
    ) -> None:
        self.model = model.to(device)
        self.optimizer: Optimizer = optimizer.build(model.parameters())
        self.device = device
        self.parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)

    @classmethod
    def start(
        cls,
        task: Task,
        model: Model,
        optimizer: OptimizerSettings,
        *,
        last: Stage,
        seed: int,
        device: torch.device,
    ) -> Self:
        """A fresh learner for stages up to `last`, its weights a function of `seed`."""
        with forked(seed, "initialisation"):
            module = model.build(task.answer, last)
        return cls(module, optimizer, device)

    def snapshot(self) -> Snapshot:
        """A copy that later training leaves alone."""
        weights = {name: value.clone() for name, value in self.model.state_dict().items()}
        return Snapshot(weights, copy.deepcopy(self.optimizer.state_dict()))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this learner."""
        self.model.load_state_dict(snapshot.model)
        self.optimizer.load_state_dict(copy.deepcopy(snapshot.optimizer))


def resolve_device(name: str) -> torch.device:
    """The device of that name; `auto` is CUDA where there is one, else the CPU.

    Raises:
        UsageError: where the device isn't there.
    """
    available = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if available else "cpu")
    if name not in ("cpu", "cuda"):
        raise UsageError(f"device must be auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not available:
        raise UsageError("device cuda isn't there: torch finds no CUDA device; use cpu or auto")
    return torch.device(name)


def weights_sha256(model: nn.Module) -> str:
    """A digest of a model's tensors: names, shapes, types and bytes, in the order of names."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
