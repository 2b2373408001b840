"""How a network is asked: what it may need besides its inputs, in training and in an exam.

Legend: B batch, L length of the input, P of a piece of it, T length of the answer, V its
alphabet, H hidden.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

__all__ = [
    "Carrying",
    "Generating",
    "Manner",
    "State",
    "Streaming",
    "answer",
    "manner_of",
    "teach",
    "widened_state",
]

State = tuple[Tensor, ...]
"""What a network carries from batch to batch: tensors whose last axis is that of hidden units."""

Manner = Literal["plain", "generating", "carrying"]
"""How a network is asked: by its inputs alone, symbol by symbol, or with a state."""


@runtime_checkable
class Generating(Protocol):
    """A network that writes its answer symbol by symbol, and reads each before the next.

    In training its `forward(inputs, targets)` is shown the right answer as its own settings
    say (teacher forcing: Williams & Zipser 1989, doi:10.1162/neco.1989.1.2.270).
    """

    def generate(self, inputs: Tensor, length: int) -> Tensor:
        """Logits (B, T, V) of an answer of that length, by its own symbols alone."""
        ...


@runtime_checkable
class Carrying(Protocol):
    """A network that may carry a state from a batch to the one that goes on after it."""

    @property
    def carries(self) -> bool:
        """Whether it does."""
        ...

    def advance(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Logits of `forward`, and the state after them, without gradients.

        `state` is None where nothing came before.
        """
        ...

    def blank(self, rows: int) -> State:
        """The state before anything was read, of so many rows."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A network that may read a long input piece by piece, and answer at its end.

    What `read_on` keeps doesn't grow with what was read.
    """

    @property
    def streams(self) -> bool:
        """Whether it does."""
        ...

    def blank(self, rows: int) -> State:
        """The state before anything was read, of so many rows."""
        ...

    def read_on(self, inputs: Tensor, state: State) -> State:
        """The state after a further piece, (B, P) int64 without padding."""
        ...

    def conclude(self, state: State) -> Tensor:
        """Logits of `forward` on all that was read: (B,) for a bit, (B, V) for a symbol."""
        ...


def manner_of(network: nn.Module) -> Manner:
    """How that network is asked. Find it once: it takes some 15 microseconds."""
    if isinstance(network, Generating):
        return "generating"
    if isinstance(network, Carrying) and network.carries:
        return "carrying"
    return "plain"


def teach(
    network: nn.Module, manner: Manner, inputs: Tensor, targets: Tensor, state: State | None
) -> tuple[Tensor, State | None]:
    """The network's logits in training, and the state that it carries on."""
    if manner == "generating":
        return network(inputs, targets), None
    return answer(network, manner, inputs, 0, state)


def answer(
    network: Any, manner: Manner, inputs: Tensor, length: int, state: State | None
) -> tuple[Tensor, State | None]:
    """The network's logits when it stands alone, and the state that it carries on.

    Args:
        network: in evaluation mode, for an exam.
        manner: how it is asked.
        inputs: (B, L) int64.
        length: of the answer, for a network that generates it.
        state: what it carries from the batch before.
    """
    if manner == "generating":
        return network.generate(inputs, length), None
    if manner == "carrying":
        logits, after = network.advance(inputs, state)
        return logits, after
    return network(inputs), None


def widened_state(network: nn.Module, state: State | None) -> State | None:
    """A smaller network's state for a larger one: new units begin at zero, as at the start."""
    if state is None or not isinstance(network, Carrying) or not network.carries:
        return None
    found = []
    for small, large in zip(state, network.blank(state[0].shape[-2]), strict=True):
        grown = torch.zeros_like(large).to(small)
        grown[..., : small.shape[-1]] = small
        found.append(grown)
    return tuple(found)
