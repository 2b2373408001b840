"""Sequences of several lengths side by side, the shorter ones padded at their ends.

Legend: B batch, L length, H hidden, N layers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from curriculum.learn.task import PADDING

__all__ = ["at_end", "is_padded", "read"]


def is_padded(inputs: Tensor) -> bool:
    """Whether any of the sequences (B, L) is shorter than the rest."""
    return bool((inputs[:, -1] == PADDING).any())


def at_end(states: Tensor, inputs: Tensor) -> Tensor:
    """The state at each sequence's last real place, (B, H), of states (B, L, H)."""
    if not is_padded(inputs):
        return states[:, -1]
    lengths = (inputs != PADDING).sum(dim=1)  # (B,)
    return states[torch.arange(len(states), device=states.device), lengths - 1]


def read(recurrent: nn.RNNBase, features: Tensor, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """A recurrent net's states, (B, L, H), and the last ones of its layers, (N, B, H).

    Padding is not read: each last state is that of a sequence's last real place.

    Args:
        recurrent: batch first.
        features: (B, L, E), one for each of the inputs.
        inputs: (B, L) int64, with `PADDING` after the end of shorter sequences.
    """
    if not is_padded(inputs):
        states, last = recurrent(features)
        return states, last
    lengths = (inputs != PADDING).sum(dim=1)
    packed = nn.utils.rnn.pack_padded_sequence(
        features, lengths.cpu(), batch_first=True, enforce_sorted=False
    )
    found, last = recurrent(packed)
    states, _ = nn.utils.rnn.pad_packed_sequence(
        found, batch_first=True, total_length=inputs.shape[1]
    )
    return states, last
