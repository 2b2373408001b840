"""Sequences of several lengths in a batch, the shorter ones padded at their ends.

Legend: B batch, L length, H hidden, N layers.
"""

import torch
from torch import Tensor, nn

from curriculum.learn import to_device


def at_end(states: Tensor, lengths: Tensor | None) -> Tensor:
    """The state at each sequence's last position, (B, H), of states (B, L, H)."""
    if lengths is None:
        return states[:, -1]
    last = to_device(lengths - 1, states.device)
    return states[torch.arange(len(states), device=states.device), last]


def read(recurrent: nn.RNNBase, features: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """A recurrent network's states, (B, L, H), and the last ones of its layers, (N, B, H).

    Padding is not read: each last state is that at a sequence's last position.

    Args:
        recurrent: batch first.
        features: (B, L, E), one for each position.
        lengths: of the sequences, on the CPU; None where all fill the batch.
    """
    if lengths is None:
        states, last = recurrent(features)
        return states, _hidden(last)
    # The longest first: torch would sort them too, and then ask the device for their order.
    lengths, order = torch.sort(lengths, descending=True)
    place = to_device(order.argsort(), features.device)
    features = features.index_select(0, to_device(order, features.device))
    packed = nn.utils.rnn.pack_padded_sequence(features, lengths, batch_first=True)
    found, last = recurrent(packed)
    states, _ = nn.utils.rnn.pad_packed_sequence(
        found, batch_first=True, total_length=features.shape[1]
    )
    return states.index_select(0, place), _hidden(last).index_select(1, place)


def _hidden(last: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    """Of an LSTM's state, which has a cell's besides, the part that is its output."""
    return last[0] if isinstance(last, tuple) else last
