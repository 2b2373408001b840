"""What a model must offer: to be built for a task, from settings without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from curriculum.errors import UsageError
from curriculum.learn.shape import Shape

if TYPE_CHECKING:
    from torch import nn

    from curriculum.learn.widening import Placement

FARTHEST_SEARCHED = 4096


@runtime_checkable
class Model(Protocol):
    """Settings of a model. Be a frozen dataclass: its fields are what can be overridden."""

    @property
    def hidden_size(self) -> int:
        """Units of the hidden layer."""

    def check(self, shape: Shape) -> None:
        """Raise `UsageError` where the model can't take a stage of that shape."""

    def build(self, shape: Shape) -> nn.Module:
        """A module for all stages within `shape`, initialised from torch's global generator.

        Its `forward` takes symbols, (B, L) int64, and gives logits: (B,) for the output
        `bit`, (B, V) for `symbol`, (B, T, V) for `symbols`. See `learn.network_protocols` for
        modules that decode symbol by symbol, or carry a state from batch to batch.
        """


@runtime_checkable
class Widenable(Protocol):
    """A model whose function a larger one of its kind can continue."""

    def check_widened(self, hidden_size: int) -> None:
        """Raise `UsageError` where it can't be widened to that size."""

    def placements(self, small: nn.Module, large: nn.Module) -> Mapping[str, Placement]:
        """For each tensor that grows, where its entries come from; see `learn.widening`.

        Both modules were built by models of this kind, the larger one for at least as
        many hidden units, symbols and positions.
        """


@runtime_checkable
class HasMinBatchSize(Protocol):
    """A model that can't be trained on batches of any size."""

    @property
    def min_batch_size(self) -> int:
        """How many examples a step takes at least."""


@runtime_checkable
class HasPretrained(Protocol):
    """A model whose weights at the start may be read from elsewhere."""

    def build_empty(self, shape: Shape) -> nn.Module:
        """The module that `build` makes, without reading them: for one whose weights are replaced."""

    def weights_digest(self) -> str | None:
        """A digest of the weights that `build` reads, as they are now; None where it reads none.

        A run records it, and a resume under other weights is refused.
        """


def build_empty(model: Model, shape: Shape) -> nn.Module:
    """The model's module, whose weights don't count."""
    if isinstance(model, HasPretrained):
        return model.build_empty(shape)
    return model.build(shape)


def pretrained_digest(model: Model) -> str | None:
    """The digest of the weights that a model starts from; None where it starts from scratch."""
    return model.weights_digest() if isinstance(model, HasPretrained) else None


def why_not_widened(model: Model) -> str:
    """That a model which is not `Widenable` can't be widened, and why: what it says, if it does."""
    reason = getattr(model, "not_widened", "it has no `placements`")
    return f"{type(model).__name__} can't be widened, as {reason}"


def resized(model: Model, hidden_size: int) -> Model:
    """The same model at another hidden size.

    Raises:
        UsageError: where it doesn't take that size, or can't be widened to it.
    """
    from dataclasses import replace

    try:
        changed = cast("Model", replace(cast("Any", model), hidden_size=hidden_size))
    except TypeError as error:  # a size that follows from other settings
        raise UsageError(f"{type(model).__name__} has no field hidden_size to change") from error
    if isinstance(model, Widenable) and hidden_size != model.hidden_size:
        model.check_widened(hidden_size)
    return changed


def nearest_sizes(model: Model, hidden_size: int) -> list[int]:
    """The hidden sizes nearest below and above that the model takes; at most one of each."""
    found = []
    for direction in (-1, 1):
        for distance in range(1, FARTHEST_SEARCHED):
            size = hidden_size + direction * distance
            if size < model.hidden_size:
                break
            try:
                resized(model, size)
            except UsageError:
                continue
            found.append(size)
            break
    return found
