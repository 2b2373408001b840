"""All that training changes: a model and its optimizer."""

import copy
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from curriculum.errors import UsageError
from curriculum.learn.batch import Batch
from curriculum.learn.layer_work import work_of
from curriculum.learn.model import Widenable, build_empty, why_not_widened
from curriculum.learn.network_protocols import State, forward_mode_of, widened_state
from curriculum.learn.precision import (
    allow_deterministic,
    autocast,
    check_precision,
    compile_in_place,
    deterministic,
)
from curriculum.learn.randomness import forked
from curriculum.learn.recipe import Recipe
from curriculum.learn.shape import Shape
from curriculum.learn.widening import Placement, placed_moment, widen
from curriculum.learn.work import Work, evaluation_compute, training_compute


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of a learner's state: its settings, and all that training changed."""

    shape: Shape
    recipe: Recipe
    trial: int
    model: dict[str, Tensor]
    optimizer: dict[str, Any]
    state: State | None


class Learner:
    """A model and its optimizer on a device.

    Attributes:
        shape: what the model was built for.
        recipe: the settings that it is made and trained by.
        trial: the number of the trial that it comes from; part of its randomness.
        forward_mode: how the model is called.
        state: what the model carries from one batch to the next; None for nothing yet.
        parameters: how many trainable numbers the model has.
    """

    def __init__(
        self,
        module: nn.Module,
        recipe: Recipe,
        device: torch.device,
        *,
        shape: Shape,
        trial: int = 0,
    ) -> None:
        self.shape = shape
        self.recipe = recipe
        self.trial = trial
        self.forward_mode = forward_mode_of(module)
        self.state: State | None = None
        training = recipe.training
        check_precision(training.precision, device, module)
        if training.deterministic:
            allow_deterministic(device)
        self.model = module.to(device)
        if training.compile:
            compile_in_place(self.model)
        self.optimizer: Optimizer = recipe.optimizer.build(module.parameters())
        self.device = device
        self.parameters = sum(p.numel() for p in module.parameters() if p.requires_grad)
        self._work: dict[tuple[int, int, int, bool], Work] = {}

    @classmethod
    def start(
        cls, shape: Shape, recipe: Recipe, *, seed: int, device: torch.device, number: int = 0
    ) -> Self:
        """Fresh learner `number` of a run, its weights a function of that and of `seed`."""
        key = ("fresh start", number) if number else ()
        with forked(seed, "initialisation", *key, device=device):
            module = recipe.model.build(shape)
        return cls(module, recipe, device, shape=shape)

    @classmethod
    def of(cls, snapshot: Snapshot, device: torch.device) -> Self:
        """The learner that the snapshot was taken of."""
        with forked("initialisation", device=device):  # the weights are replaced
            module = build_empty(snapshot.recipe.model, snapshot.shape)
        found = cls(module, snapshot.recipe, device, shape=snapshot.shape, trial=snapshot.trial)
        return found._restored(snapshot)

    @classmethod
    def continuing(
        cls,
        parent: Snapshot,
        recipe: Recipe,
        device: torch.device,
        *,
        shape: Shape | None = None,
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
            device: that it is put on.
            shape: what it is built for, if not what the parent is.
            seed: the run's.
            visit: the visit that it is made for.
            trial: its number.
            cold: whether a model that can't be widened may start from scratch.

        Raises:
            UsageError: where the model must grow, can't be widened, and may not start cold.
        """
        shape = parent.shape if shape is None else shape
        same = recipe.model == parent.recipe.model and shape == parent.shape
        with forked(seed, "initialisation", visit, trial, device=device):
            module = build_empty(recipe.model, shape) if same else recipe.model.build(shape)
        found = cls(module, recipe, device, shape=shape, trial=trial)
        if same:
            return found._restored(parent)
        if not isinstance(recipe.model, Widenable):
            if cold:
                return found
            raise UsageError(why_not_widened(recipe.model))
        with forked("shapes"):
            small = build_empty(parent.recipe.model, parent.shape)
        placements = recipe.model.placements(small, found.model)
        found.model.load_state_dict(widen(parent.model, found.model.state_dict(), placements))
        found._carry_moments(parent.optimizer, placements)
        found.state = widened_state(found.model, _copied(parent.state, device))
        return found

    def grown(self, shape: Shape, *, seed: int, visit: int) -> Self:
        """A learner with the same function, for that shape too; itself where it is one."""
        largest = self.shape.covering(shape)
        if largest == self.shape:
            return self
        parts = (self.snapshot(), self.recipe, self.device)
        return self.continuing(*parts, shape=largest, seed=seed, visit=visit, trial=self.trial)

    def reset_optimizer(self) -> None:
        """Forget the optimizer's moments and its count of steps; its settings stay."""
        self.optimizer.state.clear()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """A context without gradients, in the precision and by the algorithms that training has."""
        training = self.recipe.training
        with (
            torch.inference_mode(),
            autocast(training.precision, self.device),
            deterministic(training.deterministic),
        ):
            yield

    def step_compute(self, batch: Batch) -> float:
        """What is charged for an optimizer step on a batch."""
        return training_compute(self.work_on(batch, training=True), self.parameters)

    def evaluation_compute(self, batch: Batch, *, training: bool = False) -> float:
        """What is charged for a forward pass on a batch without a step, called as in `training` or not."""
        return evaluation_compute(self.work_on(batch, training=training))

    def work_on(self, batch: Batch, *, training: bool) -> Work:
        """What the model computes in a forward pass on a batch."""
        examples, length = batch.inputs.shape[:2]
        return self.work(examples, length, self.shape.length_of(batch), training=training)

    def work(self, examples: int, length: int, output_length: int, *, training: bool) -> Work:
        """What the model computes in a forward pass; see `StatesWork`."""
        key = (examples, length, output_length, training)
        if key not in self._work:
            self._work[key] = work_of(
                self.model, examples, length, output_length, training=training
            )
        return self._work[key]

    def accepts(self, shape: Shape) -> bool:
        """Whether the model can be evaluated on stages of that shape, as it is.

        So it can where a model built for them has the same parameters.
        """
        if self.shape.covering(shape) == self.shape:
            return True
        with forked("shapes"):
            larger = build_empty(self.recipe.model, self.shape.covering(shape))
        ours, theirs = self.model.state_dict(), larger.state_dict()
        return ours.keys() == theirs.keys() and all(
            ours[name].shape == value.shape for name, value in theirs.items()
        )

    def check_vocabulary(self, shape: Shape) -> None:
        """Check that the model was built for the vocabularies of that shape.

        Raises:
            UsageError: where it knows fewer symbols.
        """
        for name in ("input_vocab_size", "output_vocab_size"):
            known, wanted = getattr(self.shape, name), getattr(shape, name)
            if wanted > known:
                raise UsageError(f"the model knows {known} symbols, and the stage has {wanted}")

    def check_inputs(self, inputs: NDArray[Any]) -> None:
        """Check that the model was built for such inputs: symbols (B, L), or channels (B, L, C).

        Raises:
            UsageError: where they hold a symbol that it doesn't know, or other channels.
        """
        channels = inputs.shape[2] if inputs.ndim > 2 else 0
        if channels != self.shape.channels:
            wanted, got = (
                f"{n} channels" if n else "symbols" for n in (self.shape.channels, channels)
            )
            raise UsageError(f"the model reads {wanted}, got {got}")
        if channels:
            return
        largest, known = int(inputs.max()), self.shape.input_vocab_size
        if largest >= known:
            raise UsageError(f"the model knows the symbols 0 to {known - 1}, got {largest}")

    def snapshot(self) -> Snapshot:
        """A copy that later training leaves alone."""
        return Snapshot(
            shape=self.shape,
            recipe=self.recipe,
            trial=self.trial,
            model={name: value.clone() for name, value in self.model.state_dict().items()},
            optimizer=copy.deepcopy(self.optimizer.state_dict()),
            state=_copied(self.state, self.device),
        )

    def _restored(self, snapshot: Snapshot) -> Self:
        """The same, with all that training changed as in a snapshot of the same model."""
        self.model.load_state_dict(snapshot.model)
        self.state = _copied(snapshot.state, self.device)
        self._restore_optimizer(copy.deepcopy(snapshot.optimizer))
        return self

    def _restore_optimizer(self, state: dict[str, Any]) -> None:
        """Take over an optimizer's moments, and keep the recipe's settings."""
        self.optimizer.load_state_dict(
            state | {"param_groups": self.optimizer.state_dict()["param_groups"]}
        )

    def _carry_moments(self, state: dict[str, Any], placements: Mapping[str, Placement]) -> None:
        """Take over the moments of a smaller model's optimizer."""
        found = {}
        names = {parameter: name for name, parameter in self.model.named_parameters()}
        ours = [each for group in self.optimizer.param_groups for each in group["params"]]
        for number, (name, parameter) in enumerate((names[each], each) for each in ours):
            if number in state["state"]:
                found[number] = {
                    key: placed_moment(key, value, parameter, placements[name])
                    if name in placements and isinstance(value, Tensor) and value.dim() > 0
                    else copy.deepcopy(value)
                    for key, value in state["state"][number].items()
                }
        self._restore_optimizer({"state": found})


def _copied(state: State | None, device: torch.device) -> State | None:
    return None if state is None else tuple(part.to(device, copy=True) for part in state)


def weights_sha256(model: nn.Module) -> str:
    """A digest of a model's tensors: names, shapes, types and bytes, in the order of names."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
