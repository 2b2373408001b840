"""The network that `Recurrent` settings build.

Legend: B batch, L length, C channels, V output vocabulary, E embedding, H hidden, D directions, N layers.
"""

from typing import Self

import torch
from torch import Tensor, nn

from curriculum.learn import Shape, State, Work, lengths_of, linear_work, recurrent_work, widening
from curriculum.models.input_layer import input_features, input_layer
from curriculum.models.padding import at_end, read
from curriculum.models.recurrent_state import CELLS, initial_state, read_from


class RecurrentNetwork(nn.Module):
    """Reads symbols or channels from left to right; gives outputs at the end or at each position."""

    def __init__(
        self,
        shape: Shape,
        *,
        cell: str,
        hidden_size: int,
        layers: int,
        bidirectional: bool,
        embedding_size: int | None,
        forget_bias: float | None,
        recurrent_init: str,
    ) -> None:
        super().__init__()
        self.output = shape.output
        self.channels = shape.channels
        self.embedding: nn.Module | None = None
        if embedding_size is not None:
            self.embedding = input_layer(shape, embedding_size)
        self.recurrent = CELLS[cell](
            embedding_size or shape.channels or 1,
            hidden_size,
            layers,
            batch_first=True,
            bidirectional=bidirectional,
        )
        self.directions = 2 if bidirectional else 1
        self.head = nn.Linear(self.directions * hidden_size, shape.logit_count)
        _initialise(self.recurrent, recurrent_init, forget_bias)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits of symbols (B, L) int64: (B,) for a bit, (B, V), or (B, L, V) for symbols; or values.

        Channels (B, L, C) come with the mask (B, L) of what is no padding.
        """
        lengths = lengths_of(inputs, mask)
        # Reading on through the padding changes no state before it, and is up to eight times as
        # quick as packed sequences are; only what is read from the end has to start at the right place.
        packed = lengths if self.directions == 2 else None
        states, _ = read(self.recurrent, self._features(inputs), packed)  # (B, L, D * H)
        return self._logits(states if self.output == "symbols" else at_end(states, lengths))

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        rows = examples * (length if self.output == "symbols" else 1)
        return recurrent_work(self.recurrent, examples, length) + linear_work(self.head, rows)

    @property
    def can_stream(self) -> bool:
        """Whether there is one output at the end of symbols, and nothing is read from there."""
        one_output = self.output != "symbols" and not self.channels
        return one_output and not self.recurrent.bidirectional

    def initial_state(self, batch_size: int) -> State:
        return initial_state(self.recurrent, batch_size)

    def update_state(self, inputs: Tensor, state: State) -> State:
        """The states (N, B, H) after symbols (B, L) int64, of which none is padding."""
        return read_from(self.recurrent, self._features(inputs), state)[1]

    def readout(self, state: State) -> Tensor:
        """Logits of what was read: (B,) for a bit, (B, V) for a symbol."""
        return self._logits(state[0][-1])  # the top layer's output; an LSTM's cells come second

    def _features(self, inputs: Tensor) -> Tensor:
        if self.embedding is not None:
            return input_features(self.embedding, inputs)  # (B, L, E)
        if self.channels:
            return inputs  # (B, L, C)
        return inputs.clamp(min=0).to(self.head.weight.dtype).unsqueeze(-1)  # (B, L, 1)

    def _logits(self, states: Tensor) -> Tensor:
        logits: Tensor = self.head(torch.relu(states))  # (B, V) or (B, L, V)
        return logits.squeeze(-1) if self.output == "bit" else logits

    def placements_from(self, small: Self) -> widening.Placements:
        """How the network continues the function of a smaller one."""
        head = widening.head(small.head, self.head, parts=self.directions)
        return widening.of_parts(small, self, head=head)


@torch.no_grad()
def _initialise(recurrent: nn.RNNBase, init: str, forget_bias: float | None) -> None:
    size = recurrent.hidden_size
    for name, parameter in recurrent.named_parameters():
        if name.startswith("weight_hh") and init != "uniform":
            for gate in torch.split(parameter, size):  # (H, H) for each gate
                if init == "identity":
                    nn.init.eye_(gate)
                else:
                    nn.init.orthogonal_(gate)
        if forget_bias is not None and name.startswith("bias"):
            # An LSTM's gates are laid input, forget, cell, output, and its two biases add up.
            share = forget_bias if name.startswith("bias_ih") else 0.0
            parameter[size : 2 * size].fill_(share)
