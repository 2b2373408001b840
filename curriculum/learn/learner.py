"""All that training changes: a model and its optimizer."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from curriculum.errors import UsageError
from curriculum.learn.model import Widens
from curriculum.learn.randomness import forked
from curriculum.learn.recipe import Recipe
from curriculum.learn.task import Answer
from curriculum.learn.widening import Placement, placed_moment, widen
from curriculum.plan import Stage

__all__ = ["Learner", "Snapshot", "resolve_device", "weights_sha256"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of a learner's state: what it is made of, and all that training changed."""

    answer: Answer
    recipe: Recipe
    last: Stage
    trial: int
    model: dict[str, Tensor]
    optimizer: dict[str, Any]


class Learner:
    """A model and its optimizer on a device.

    Attributes:
        answer: the form of the model's answer.
        recipe: the settings that it is made and trained by.
        last: the greatest length and vocabulary that the model was built for.
        trial: the number of the trial that it comes from; part of its randomness.
        parameters: how many trainable numbers the model has.
    """

    def __init__(
        self,
        module: nn.Module,
        recipe: Recipe,
        device: torch.device,
        *,
        answer: Answer,
        last: Stage,
        trial: int = 0,
    ) -> None:
        self.answer = answer
        self.recipe = recipe
        self.last = last
        self.trial = trial
        self.model = module.to(device)
        self.optimizer: Optimizer = recipe.optimizer.build(module.parameters())
        self.device = device
        self.parameters = sum(p.numel() for p in module.parameters() if p.requires_grad)

    @classmethod
    def start(
        cls, answer: Answer, recipe: Recipe, *, last: Stage, seed: int, device: torch.device
    ) -> Self:
        """A fresh learner for stages up to `last`, its weights a function of `seed`."""
        with forked(seed, "initialisation"):
            module = recipe.model.build(answer, last)
        return cls(module, recipe, device, answer=answer, last=last)

    @classmethod
    def of(cls, snapshot: Snapshot, device: torch.device) -> Self:
        """The learner that the snapshot was taken of."""
        with forked("initialisation"):  # the weights are replaced
            module = snapshot.recipe.model.build(snapshot.answer, snapshot.last)
        found = cls(
            module,
            snapshot.recipe,
            device,
            answer=snapshot.answer,
            last=snapshot.last,
            trial=snapshot.trial,
        )
        found.model.load_state_dict(snapshot.model)
        found._restore_optimizer(copy.deepcopy(snapshot.optimizer))
        return found

    @classmethod
    def continuing(
        cls,
        parent: Snapshot,
        recipe: Recipe,
        device: torch.device,
        *,
        last: Stage | None = None,
        seed: int,
        visit: int,
        trial: int = 0,
        cold: bool = False,
    ) -> Self:
        """A learner of another recipe, or for larger stages, that starts from a parent's function.

        The optimizer's moments come along: of what is new, the first begin at zero, and
        the second at the parameter's mean. Its settings are the recipe's.

        Args:
            parent: what it continues.
            recipe: what it is made and trained by.
            device: where it shall live.
            last: the greatest length and vocabulary, if not the parent's.
            seed: the run's.
            visit: the visit that it is made for.
            trial: the trial that it is.
            cold: whether a model that can't be widened may start from scratch.

        Raises:
            UsageError: where the model must grow, can't be widened, and may not start cold.
        """
        last = parent.last if last is None else last
        with forked(seed, "initialisation", visit, trial):
            module = recipe.model.build(parent.answer, last)
        found = cls(module, recipe, device, answer=parent.answer, last=last, trial=trial)
        if recipe.model == parent.recipe.model and last == parent.last:
            found.model.load_state_dict(parent.model)
            found._restore_optimizer(copy.deepcopy(parent.optimizer))
            return found
        if not isinstance(recipe.model, Widens):
            if cold:
                return found
            raise UsageError(
                f"{type(recipe.model).__name__} can't be widened: it has no `placements`"
            )
        with forked("shapes"):
            small = parent.recipe.model.build(parent.answer, parent.last)
        placements = recipe.model.placements(small, found.model)
        found.model.load_state_dict(widen(parent.model, found.model.state_dict(), placements))
        found._carry_moments(parent.optimizer, placements)
        return found

    def grown(self, last: Stage, *, seed: int, visit: int) -> Self:
        """A learner with the same function, for stages up to `last` too; itself where it is one."""
        largest = Stage(
            max(self.last.length, last.length), max(self.last.vocab_size, last.vocab_size)
        )
        if largest == self.last:
            return self
        return type(self).continuing(
            self.snapshot(),
            self.recipe,
            self.device,
            last=largest,
            seed=seed,
            visit=visit,
            trial=self.trial,
        )

    def snapshot(self) -> Snapshot:
        """A copy that later training leaves alone."""
        return Snapshot(
            answer=self.answer,
            recipe=self.recipe,
            last=self.last,
            trial=self.trial,
            model={name: value.clone() for name, value in self.model.state_dict().items()},
            optimizer=copy.deepcopy(self.optimizer.state_dict()),
        )

    def _restore_optimizer(self, state: dict[str, Any]) -> None:
        """Take over an optimizer's moments, and keep the recipe's settings."""
        self.optimizer.load_state_dict(
            state | {"param_groups": self.optimizer.state_dict()["param_groups"]}
        )

    def _carry_moments(self, state: dict[str, Any], placements: Mapping[str, Placement]) -> None:
        """Take over the moments of a smaller model's optimizer."""
        found = {}
        for number, (name, parameter) in enumerate(self.model.named_parameters()):
            if number in state["state"]:
                found[number] = {
                    key: placed_moment(key, value, parameter, placements[name])
                    if name in placements and isinstance(value, Tensor) and value.dim() > 0
                    else copy.deepcopy(value)
                    for key, value in state["state"][number].items()
                }
        self._restore_optimizer({"state": found})


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
