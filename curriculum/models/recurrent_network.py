"""The network that `Recurrent` settings build.

Legend: B batch, L length, V alphabet of the answer, E embedding, H hidden, D directions,
N layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from curriculum.learn import widening
from curriculum.learn.network import State
from curriculum.learn.shape import Shape
from curriculum.models.padding import at_end, lengths_of, read
from curriculum.models.recurrent_state import blank_state, read_on

if TYPE_CHECKING:
    from curriculum.models.recurrent import Recurrent

__all__ = ["RecurrentNetwork", "placements"]

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentNetwork(nn.Module):
    """Reads symbols from left to right and answers at the end, or at each place."""

    def __init__(self, settings: Recurrent, shape: Shape) -> None:
        super().__init__()
        self.answer = shape.answer
        width = settings.embedding_size
        self.embedding = None if width is None else nn.Embedding(shape.symbols, width)
        self.recurrent = CELLS[settings.cell](
            width or 1,
            settings.hidden_size,
            settings.layers,
            batch_first=True,
            bidirectional=settings.bidirectional,
        )
        directions = 2 if settings.bidirectional else 1
        self.head = nn.Linear(directions * settings.hidden_size, shape.logits)
        _initialise(self.recurrent, settings)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of symbols (B, L) int64: (B,) for a bit, (B, V), or (B, L, V) for symbols."""
        lengths = lengths_of(inputs)
        states, _ = read(self.recurrent, self._features(inputs), lengths)  # (B, L, D * H)
        return self._logits(states if self.answer == "symbols" else at_end(states, lengths))

    @property
    def streams(self) -> bool:
        """Whether one answer is given at the end, and nothing is read from there."""
        return self.answer != "symbols" and not self.recurrent.bidirectional

    def blank(self, rows: int) -> State:
        """An empty state of so many rows."""
        return blank_state(self.recurrent, rows)

    def read_on(self, inputs: Tensor, state: State) -> State:
        """The states (N, B, H) after symbols (B, L) int64, of which none is padding."""
        return read_on(self.recurrent, self._features(inputs), state)[1]

    def conclude(self, state: State) -> Tensor:
        """Logits of what was read: (B,) for a bit, (B, V) for a symbol."""
        return self._logits(state[0][-1])  # the top layer's output; an LSTM's cells come second

    def _features(self, inputs: Tensor) -> Tensor:
        known = inputs.clamp(min=0)
        if self.embedding is None:
            return known.to(self.head.weight.dtype).unsqueeze(-1)  # (B, L, 1)
        return self.embedding(known)  # type: ignore[no-any-return]  # (B, L, E)

    def _logits(self, states: Tensor) -> Tensor:
        logits: Tensor = self.head(torch.relu(states))  # (B, V) or (B, L, V)
        return logits.squeeze(-1) if self.answer == "bit" else logits


def placements(small: nn.Module, large: nn.Module) -> Mapping[str, widening.Placement]:
    """How a larger network continues the function of a smaller one."""
    assert isinstance(small, RecurrentNetwork)
    assert isinstance(large, RecurrentNetwork)
    found = {
        **widening.prefixed("recurrent", widening.recurrent(small.recurrent, large.recurrent)),
        **widening.prefixed(
            "head",
            widening.linear(
                small.head,
                large.head,
                new_outputs=widening.NEW_SYMBOL_BIAS,
                parts=2 if small.recurrent.bidirectional else 1,
            ),
        ),
    }
    if small.embedding is not None and large.embedding is not None:
        grown = widening.embedding(small.embedding, large.embedding)
        found |= widening.prefixed("embedding", grown)
    return found


@torch.no_grad()
def _initialise(recurrent: nn.RNNBase, settings: Recurrent) -> None:
    size = settings.hidden_size
    for name, parameter in recurrent.named_parameters():
        if name.startswith("weight_hh") and settings.recurrent_init != "uniform":
            for gate in torch.split(parameter, size):  # (H, H) for each gate
                if settings.recurrent_init == "identity":
                    nn.init.eye_(gate)
                else:
                    nn.init.orthogonal_(gate)
        if settings.forget_bias is not None and name.startswith("bias"):
            # An LSTM's gates are laid input, forget, cell, output, and its two biases add up.
            share = settings.forget_bias if name.startswith("bias_ih") else 0.0
            parameter[size : 2 * size].fill_(share)
