"""What networks of linear recurrences have in common: embedding, blocks, head.

Legend: B batch, L length, C channels, P positions of a piece, V output vocabulary, H hidden, N units of a state.
"""

from collections.abc import Sequence
from typing import Protocol, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, glu

from curriculum.learn import ACTIVATION, Shape, State, Work, lengths_of, linear_work, widening
from curriculum.models import copied_units
from curriculum.models.input_layer import input_features, input_layer
from curriculum.models.padding import at_end

CALLS_A_BLOCK = 4
"""Of torch's library, beside the recurrence and the linear layer: norm, GELU, gate and sum."""

SLOWDOWN = 1.5
"""How much longer a block takes than that tells: what it does unit by unit waits for memory."""


class Recurrence(Protocol):
    """A layer whose state is a linear recurrence, so that all positions are computed at once."""

    @property
    def state_size(self) -> int:
        """Numbers of its state for each example, (B, N)."""

    def __call__(self, features: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Outputs (L, B, H) for features (L, B, H), and the state (B, N) after the last.

        `before` is the state before the first; None for an empty one.
        """

    def work(self, examples: int, length: int) -> Work:
        """Of a forward pass."""

    def placements_from(self, small: Self) -> widening.Placements:
        """How it continues the function of a smaller one whose units were copied whole."""


class Block(nn.Module):
    """x + GLU(GELU(recurrence(norm(x)))), as in Orvieto et al. 2023, arXiv 2303.06349, figure 1."""

    def __init__(self, size: int, recurrence: Recurrence) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.recurrence = recurrence
        self.gate = nn.Linear(size, 2 * size)

    def forward(self, features: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Features (L, B, H) for the next block, and the recurrence's state (B, N)."""
        found, after = self.recurrence(self.norm(features), before)
        return features + glu(self.gate(gelu(found))), after

    def work(self, examples: int, length: int) -> Work:
        rows = examples * length
        activations = (
            2.0 * ACTIVATION * rows * self.gate.in_features
        )  # GELU, and the gate's sigmoid
        own = Work(operations=activations, depth=CALLS_A_BLOCK) + linear_work(self.gate, rows)
        return own + self.recurrence.work(examples, length)

    def placements_from(self, small: Self) -> widening.Placements:
        return {
            **widening.prefixed("norm", copied_units.layer_norm(small.norm, self.norm)),
            **widening.prefixed("gate", copied_units.linear(small.gate, self.gate, parts=2)),
            **widening.prefixed("recurrence", self.recurrence.placements_from(small.recurrence)),
        }


class ScannedNetwork(nn.Module):
    """Reads symbols or channels from left to right; gives outputs at the end or at each position."""

    def __init__(self, shape: Shape, size: int, recurrences: Sequence[Recurrence]) -> None:
        super().__init__()
        self.output = shape.output
        self.channels = shape.channels
        self.embedding = input_layer(shape, size)
        self.blocks = nn.ModuleList([Block(size, each) for each in recurrences])
        self.norm = nn.LayerNorm(size)
        self.head = nn.Linear(size, shape.logit_count)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits of symbols (B, L) int64: (B,) for a bit, (B, V), or (B, L, V) for symbols; or values.

        Channels (B, L, C) come with the mask (B, L) of what is no padding.
        """
        # Reading on through the padding changes nothing before it.
        features, _ = self._read(inputs, None)
        features = features.transpose(0, 1)  # (B, L, H)
        several = self.output == "symbols"
        return self._logits(features if several else at_end(features, lengths_of(inputs, mask)))

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        found = linear_work(self.head, examples * (length if self.output == "symbols" else 1))
        for block in self._blocks():
            found += block.work(examples, length) * SLOWDOWN
        return found

    @property
    def can_stream(self) -> bool:
        """Whether there is one output at the end of symbols."""
        return self.output != "symbols" and not self.channels

    def initial_state(self, batch_size: int) -> State:
        weight, size = self.head.weight, self.head.in_features
        sizes = [size, *(block.recurrence.state_size for block in self._blocks())]
        return tuple(weight.new_zeros(batch_size, each) for each in sizes)

    def update_state(self, inputs: Tensor, state: State) -> State:
        """The features (B, H) at the last of the symbols (B, P) int64, and each block's state."""
        features, after = self._read(inputs, state[1:])
        return (features[-1], *after)

    def readout(self, state: State) -> Tensor:
        """Logits of what was read: (B,) for a bit, (B, V) for a symbol."""
        return self._logits(state[0])

    def placements_from(self, small: Self) -> widening.Placements:
        """How the network continues the function of a smaller one."""
        parts = {
            "embedding": copied_units.input_layer(small.embedding, self.embedding),
            "norm": copied_units.layer_norm(small.norm, self.norm),
            "head": copied_units.head(small.head, self.head),
        }
        for number, (less, more) in enumerate(zip(small._blocks(), self._blocks(), strict=True)):
            parts[f"blocks.{number}"] = more.placements_from(less)
        found: dict[str, widening.Placement] = {}
        for name, placements in parts.items():
            found |= widening.prefixed(name, placements)
        return found

    def _blocks(self) -> list[Block]:
        return [block for block in self.blocks if isinstance(block, Block)]

    def _features(self, inputs: Tensor) -> Tensor:
        return input_features(self.embedding, inputs)  # (B, L, H)

    def _read(self, inputs: Tensor, before: State | None) -> tuple[Tensor, State]:
        """The last block's features (L, B, H), and the state (B, N) of each block."""
        features = self._features(inputs).transpose(0, 1)  # (L, B, H)
        after = []
        for number, block in enumerate(self.blocks):
            features, state = block(features, None if before is None else before[number])
            after.append(state)
        return features, tuple(after)

    def _logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.head(self.norm(features))  # (B, V) or (B, L, V)
        return logits.squeeze(-1) if self.output == "bit" else logits


def continued(decay: Tensor, values: Tensor, before: Tensor | None) -> Tensor:
    """The values (L, B, N) of a recurrence with what the state (B, N) before it adds to the first."""
    if before is None:
        return values
    return torch.cat([(values[0] + decay[0] * before).unsqueeze(0), values[1:]])
