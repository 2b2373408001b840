"""The network that `StackRNN` settings build.

Legend: B batch, L length, C channels, P positions of a piece, V output vocabulary, H hidden, G gates of the
controller (1 for an RNN, 4 for an LSTM), S stacks, D depth of a stack, W width of its vectors.
"""

from typing import Any, Self

import torch
from torch import Tensor, nn

from curriculum.learn import ACTIVATION, Shape, State, Work, lengths_of, linear_work, widening
from curriculum.models.input_layer import input_features, input_layer
from curriculum.models.padding import at_end

GATES = {"rnn": 1, "lstm": 4}

ACTIONS = 3
"""To push, to do nothing, to pop."""

CALLS = {"rnn": 18, "lstm": 24}
"""Of torch's library, for each symbol."""

SLOWDOWN = 1.2
"""How much longer it takes than that tells: the stacks' many views are slow on the way back."""


class StackRNNNetwork(nn.Module):
    """Reads symbols or channels from left to right; gives outputs at the end or at each position."""

    def __init__(
        self,
        shape: Shape,
        *,
        cell: str,
        hidden_size: int,
        stacks: int,
        stack_width: int,
        stack_depth: int | None,
    ) -> None:
        super().__init__()
        self.output = shape.output
        self.cell, self.stacks, self.width, self.depth = cell, stacks, stack_width, stack_depth
        size = GATES[cell] * hidden_size
        # What each symbol adds to the gates: a linear layer on one-hot symbols, or on channels.
        self.channels = shape.channels
        self.embedding: Any = input_layer(shape, size, bias=False)
        self.recurrent = nn.Linear(hidden_size, size)
        self.read = nn.Linear(stacks * stack_width, size, bias=False)
        self.control = nn.Linear(hidden_size, stacks * (stack_width + ACTIONS))
        self.head = nn.Linear(hidden_size, shape.logit_count)
        bound = hidden_size**-0.5  # as torch's recurrent layers begin
        for weight in self.embedding.parameters():
            nn.init.uniform_(weight, -bound, bound)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits of symbols (B, L) int64: (B,) for a bit, (B, V), or (B, L, V) for symbols; or values.

        Channels (B, L, C) come with the mask (B, L) of what is no padding.
        """
        # Reading on through the padding changes nothing before it.
        states, _ = self._read_all(inputs, self._start(len(inputs), depth=0))  # (B, L, H)
        several = self.output == "symbols"
        return self._logits(states if several else at_end(states, lengths_of(inputs, mask)))

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        size, hidden = self.recurrent.out_features, self.recurrent.in_features
        one = Work(depth=CALLS[self.cell] - 3)
        for layer in (self.recurrent, self.read, self.control):
            one += linear_work(layer, examples)
        activations = size + (hidden if self.cell == "lstm" else 0) + ACTIONS * self.stacks
        one += Work(operations=ACTIVATION * examples * activations)
        # A vector on a stack is the weighted sum of three; the stack is as deep as it may have become.
        full = min(length, self.depth or length)
        vectors = full * (full + 1) / 2 + (length - full) * full
        moved = (2 * ACTIONS - 1) * vectors * examples * self.stacks * self.width
        rows = examples * (length if self.output == "symbols" else 1)
        read = linear_work(self.recurrent, examples) + one * length + Work(operations=moved)
        return read * SLOWDOWN + linear_work(self.head, rows)

    @property
    def can_stream(self) -> bool:
        """Whether there is one output at the end of symbols, and the stacks don't grow with the input."""
        return self.output != "symbols" and self.depth is not None and not self.channels

    def initial_state(self, batch_size: int) -> State:
        return self._start(batch_size, depth=self.depth or 0)

    def update_state(self, inputs: Tensor, state: State) -> State:
        """Stacks (B, S, D, W) and units (B, H), an LSTM's cells too, after symbols (B, P) int64."""
        return self._read_all(inputs, state)[1]

    def readout(self, state: State) -> Tensor:
        """Logits of what was read: (B,) for a bit, (B, V) for a symbol."""
        return self._logits(state[1])

    def placements_from(self, small: Self) -> widening.Placements:
        """How the network continues the function of a smaller one: its stacks are of one size."""
        units = widening.kept(small.recurrent.in_features, self.recurrent.in_features)
        gates = widening.kept(len(units[units >= 0]), len(units), GATES[self.cell])
        place = widening.Placement
        if self.channels:
            embedding = place(gates, torch.arange(self.channels))
        else:
            less, more = (len(next(each.embedding.parameters())) for each in (small, self))
            symbols = widening.kept(less, more)
            embedding = place(symbols, gates, new_columns=None)
        return {
            "embedding.weight": embedding,
            "recurrent.weight": place(gates, units),
            "recurrent.bias": place(gates),
            "read.weight": place(gates, torch.arange(self.read.in_features)),
            "control.weight": place(torch.arange(self.control.out_features), units),
            **widening.prefixed("head", widening.head(small.head, self.head)),
        }

    def _start(self, batch_size: int, *, depth: int) -> State:
        weight, hidden = self.head.weight, self.head.in_features
        stack = weight.new_zeros(batch_size, self.stacks, depth, self.width)
        units = [
            weight.new_zeros(batch_size, hidden) for _ in range(2 if self.cell == "lstm" else 1)
        ]
        return (stack, *units)

    def _features(self, inputs: Tensor) -> Tensor:
        return input_features(self.embedding, inputs)  # (B, L, G * H)

    def _read_all(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """The controller's outputs (B, L, H), and the state after the last symbol."""
        stack, hidden, *cells = state
        sizes = [self.recurrent.out_features, self.stacks * self.width, self.stacks * ACTIONS]
        # What the hidden units give to the next gates and to the stacks, in one product.
        weight = torch.cat([self.recurrent.weight, self.control.weight]).t()
        bias = torch.cat([self.recurrent.bias, self.control.bias])
        read = self.read.weight.t()
        bottom = stack.new_zeros(*stack.shape[:2], 2, self.width)
        top = stack[:, :, 0] if stack.shape[2] else bottom[:, :, 0]  # (B, S, W)
        recurrent = self.recurrent(hidden)
        found = []
        for symbol in self._features(inputs).unbind(1):
            gates = torch.addmm(symbol + recurrent, top.flatten(1), read)  # (B, G * H)
            hidden, *cells = self._controlled(gates, cells)
            found.append(hidden)
            given = torch.addmm(bias, hidden, weight)
            recurrent, vectors, actions = torch.split(given, sizes, dim=1)
            shares = actions.view(-1, self.stacks, ACTIONS).softmax(-1)
            stack = _moved(
                stack, vectors.view(-1, self.stacks, 1, self.width), shares, bottom, self.depth
            )
            top = stack[:, :, 0]
        return torch.stack(found, dim=1), (stack, hidden, *cells)

    def _controlled(self, gates: Tensor, cells: list[Tensor]) -> list[Tensor]:
        """The controller's units (B, H), and an LSTM's cells, from its gates (B, G * H)."""
        if self.cell == "rnn":
            return [gates.tanh()]
        hidden = self.head.in_features
        forget, take, give = gates[:, : 3 * hidden].sigmoid().chunk(3, 1)
        cell = torch.addcmul(forget * cells[0], take, gates[:, 3 * hidden :].tanh())
        return [give * cell.tanh(), cell]

    def _logits(self, states: Tensor) -> Tensor:
        logits: Tensor = self.head(torch.relu(states))  # (B, V) or (B, L, V)
        return logits.squeeze(-1) if self.output == "bit" else logits


def _moved(
    stack: Tensor, vectors: Tensor, shares: Tensor, bottom: Tensor, depth: int | None
) -> Tensor:
    """The stacks after an action: pushed on, as they were, and popped, in these shares.

    They hold one vector more than before, as far as their depth allows: above what was pushed so far
    there is nothing to compute.

    Args:
        stack: (B, S, D, W), the top first.
        vectors: that are pushed, (B, S, 1, W).
        shares: of the three actions, (B, S, 3).
        bottom: zeros, (B, S, 2, W).
        depth: the most vectors that a stack holds; None for any number.
    """
    before = stack.shape[2]
    after = before + 1 if depth is None else min(before + 1, depth)
    # The new vector, the old ones and what lies below: each action reads them from another place on.
    cells = torch.cat([vectors, stack, bottom[:, :, : after + 1 - before]], dim=2)
    push, keep, pop = shares[..., None, None].unbind(2)  # (B, S, 1, 1)
    moved = push * cells[:, :, :after]
    moved = torch.addcmul(moved, keep, cells[:, :, 1 : after + 1])
    return torch.addcmul(moved, pop, cells[:, :, 2 : after + 2])
