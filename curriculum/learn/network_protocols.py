"""How a network is called: what it may need besides its inputs, in training and evaluation.

Legend: B batch, L length of the input, C channels, P a piece's length, T length of the output, V its
vocabulary, H hidden.
"""

from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from curriculum.learn import padding_lengths
from curriculum.learn.batch import Batch
from curriculum.learn.device import on_device

Inputs = tuple[Tensor, ...]
"""What a network is called with: symbols (B, L) int64, or channels (B, L, C) and their mask (B, L)."""

State = tuple[Tensor, ...]
"""What a network carries from batch to batch: tensors whose last axis is that of hidden units."""

ForwardMode = Literal["plain", "autoregressive", "stateful"]
"""How a network is called: on its inputs alone, symbol by symbol, or with a state."""


@runtime_checkable
class Autoregressive(Protocol):
    """A network that writes its output symbol by symbol, and reads each before the next.

    In training its `forward(inputs, targets)` is shown the target symbols as its own settings
    say (teacher forcing: Williams & Zipser 1989, doi:10.1162/neco.1989.1.2.270).
    """

    def greedy_decode(self, inputs: Tensor, length: int) -> Tensor:
        """Logits (B, T, V) of an output of that length; each symbol follows its own likeliest."""


@runtime_checkable
class Stateful(Protocol):
    """A network that may carry a state from a batch to the one that continues it."""

    @property
    def carries_state(self) -> bool:
        """Whether it does."""

    def forward_with_state(self, inputs: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Logits of `forward`, and the state after them, without gradients.

        `state` is None where nothing came before.
        """

    def initial_state(self, batch_size: int) -> State:
        """The state before anything was read."""


@runtime_checkable
class HasCache(Protocol):
    """A network that reads on from where it stopped, and not from the beginning at each token."""

    def forward_with_cache(
        self, tokens: Tensor, real: Tensor | None, cache: Any
    ) -> tuple[Tensor, Any]:
        """Logits (B, P, V) of further tokens (B, P) int64, and the cache after them.

        Args:
            tokens: that follow those in the cache.
            real: which of them are not padding, (B, P) bool; None for all. Padding takes no position,
                and nothing may be read from it.
            cache: what was returned before; None where nothing came before.
        """


@runtime_checkable
class Streaming(Protocol):
    """A network that may read a long input piece by piece, and give its output at the end.

    The size of its state doesn't grow with what was read.
    """

    @property
    def can_stream(self) -> bool:
        """Whether it does."""

    def initial_state(self, batch_size: int) -> State:
        """The state before anything was read."""

    def update_state(self, inputs: Tensor, state: State) -> State:
        """The state after a further piece, (B, P) int64 without padding."""

    def readout(self, state: State) -> Tensor:
        """Logits of `forward` on all that was read: (B,) for a bit, (B, V) for a symbol."""


def forward_mode_of(network: nn.Module) -> ForwardMode:
    """How that network is called. Find it once: it takes some 15 microseconds."""
    if isinstance(network, Autoregressive):
        return "autoregressive"
    if isinstance(network, Stateful) and network.carries_state:
        return "stateful"
    return "plain"


def input_tensors(batch: Batch, device: torch.device) -> Inputs:
    """A batch's inputs on a device; channels come with the mask of what is no padding."""
    arrays = (batch.inputs,) if batch.inputs.ndim == 2 else (batch.inputs, batch.present)
    found = tuple(on_device(each, device) for each in arrays)
    padding_lengths.attach(found[0], batch)
    return found


def forward_train(
    network: nn.Module, mode: ForwardMode, inputs: Inputs, targets: Tensor, state: State | None
) -> tuple[Tensor, State | None]:
    """The network's logits in training, and the state that it carries on."""
    if mode == "autoregressive":
        return network(*inputs, targets), None
    return forward_eval(network, mode, inputs, 0, state)


def forward_eval(
    network: Any, mode: ForwardMode, inputs: Inputs, length: int, state: State | None
) -> tuple[Tensor, State | None]:
    """The network's logits without targets, and the state that it carries on.

    Args:
        network: in evaluation mode, for an evaluation.
        mode: how it is called.
        inputs: see `input_tensors`.
        length: of the output, for a network that decodes symbol by symbol.
        state: what it carries from the batch before.
    """
    if mode == "autoregressive":
        return network.greedy_decode(*inputs, length), None
    if mode == "stateful":
        logits, after = network.forward_with_state(*inputs, state)
        return logits, after
    return network(*inputs), None


def widened_state(network: nn.Module, state: State | None) -> State | None:
    """A smaller network's state for a larger one: new units begin at zero, as at the start."""
    if state is None or not isinstance(network, Stateful) or not network.carries_state:
        return None
    found = []
    for small, large in zip(state, network.initial_state(state[0].shape[-2]), strict=True):
        grown = torch.zeros_like(large).to(small)
        grown[..., : small.shape[-1]] = small
        found.append(grown)
    return tuple(found)
