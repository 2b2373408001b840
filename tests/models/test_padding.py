"""Padded sequences are read as torch reads packed ones."""

from typing import Any

import pytest
import torch
from torch import nn
from waiting import counting_waits

from curriculum.models.padding import at_end, read

LENGTHS = torch.tensor([3, 6, 1, 6])


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_states_and_gradients_are_those_of_a_packed_sequence(
    kind: Any, *, bidirectional: bool
) -> None:
    torch.manual_seed(0)
    network = kind(2, 5, 2, batch_first=True, bidirectional=bidirectional)
    features = torch.randn(4, 6, 2, requires_grad=True)
    packed = nn.utils.rnn.pack_padded_sequence(
        features, LENGTHS, batch_first=True, enforce_sorted=False
    )
    found, last = network(packed)
    states, _ = nn.utils.rnn.pad_packed_sequence(found, batch_first=True, total_length=6)
    last = last[0] if kind is nn.LSTM else last
    expected = (states, last)
    wanted = torch.autograd.grad(
        (states.sum() + last.square().sum()), [features, *network.parameters()]
    )
    with counting_waits() as waits:
        ours = read(network, features, LENGTHS)
    assert waits.count == 0
    assert all(torch.equal(*pair) for pair in zip(ours, expected, strict=True))
    gradients = torch.autograd.grad(
        ours[0].sum() + ours[1].square().sum(), [features, *network.parameters()]
    )
    assert all(torch.equal(*pair) for pair in zip(gradients, wanted, strict=True))


def test_without_padding_the_last_states_are_the_last_ones() -> None:
    network = nn.LSTM(2, 5, batch_first=True)
    states, last = read(network, torch.randn(3, 4, 2), None)
    assert torch.equal(last[0], states[:, -1])
    assert torch.equal(at_end(states, None), states[:, -1])


def test_the_last_state_of_each_is_where_it_ends() -> None:
    states = torch.arange(24.0).view(4, 6, 1)
    assert at_end(states, LENGTHS)[:, 0].tolist() == [2.0, 11.0, 12.0, 23.0]
