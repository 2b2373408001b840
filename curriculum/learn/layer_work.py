"""What torch's layers compute.

Legend: B batch, L length, I inputs of a layer, H hidden, D directions.
"""

from __future__ import annotations

from torch import nn

from curriculum.learn.model import Model, build_empty
from curriculum.learn.randomness import forked
from curriculum.learn.shape import Shape
from curriculum.learn.work import StatesWork, Work

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}
"""The gates of a cell: an RNN has its hidden units alone."""

CALLS = {"RNN_TANH": 3, "RNN_RELU": 3, "GRU": 9, "LSTM": 1}
"""Calls of torch's library for each position on a CPU; those of an LSTM are fused."""

SLOWDOWNS: dict[str, float] = {"RNN_TANH": 1.4, "RNN_RELU": 1.4, "GRU": 1.1, "LSTM": 1.2}
"""How much longer a cell takes than operations and calls tell; fitted by `benchmarks/cost.py`."""

ACTIVATION = 20.0
"""Floating-point operations of a sigmoid, tanh, exponential, or an error function."""


def linear_work(layer: nn.Linear, rows: int) -> Work:
    """Of a linear layer on so many vectors."""
    return Work(operations=2.0 * rows * layer.in_features * layer.out_features, depth=1)


def recurrent_work(layer: nn.RNNBase, examples: int, length: int) -> Work:
    """Of torch's RNN, LSTM or GRU on inputs (B, L, I), all of its layers and directions."""
    directions = 2 if layer.bidirectional else 1
    units, operations = GATES[layer.mode] * layer.hidden_size, 0.0
    for number in range(layer.num_layers):
        width = directions * layer.hidden_size if number else layer.input_size
        operations += units * (2.0 * (width + layer.hidden_size) + ACTIVATION)
    found = Work(
        operations=directions * examples * length * operations,
        depth=directions * layer.num_layers * length * CALLS[layer.mode],
    )
    return found * SLOWDOWNS[layer.mode]


def attention_work(size: int, heads: int, examples: int, queries: int, keys: int) -> Work:
    """Of dot products between queries and keys of that size, their softmax, and the weighted mean."""
    scores = float(examples * queries * keys)
    return Work(operations=scores * (4 * size + ACTIVATION * heads), depth=5)


def estimated_work(model: Model, shape: Shape) -> str | None:
    """That compute is estimated, in words, where a model's network doesn't state its work; else None."""
    with forked("shapes"):
        network = build_empty(model, shape)
    if isinstance(network, StatesWork):
        return None
    return (
        f"{type(network).__name__} doesn't state its arithmetic (by a method forward_work), so its "
        f"compute is estimated from its layers, each called once on all positions of the input"
    )


def work_of(
    network: nn.Module, examples: int, length: int, output_length: int, *, training: bool
) -> Work:
    """What a network computes in a forward pass, as it states, or else as its layers do."""
    if isinstance(network, StatesWork):
        return network.forward_work(examples, length, output_length, training=training)
    return default_work(network, examples, length)


def default_work(network: nn.Module, examples: int, length: int) -> Work:
    """Of a network that doesn't state it: each layer is taken to be called once on all positions.

    Recurrent and attention layers count as such, an embedding as one call, and any other layer two
    operations for each of its parameters and each position of the input.
    """
    if isinstance(network, nn.Embedding):
        return Work(depth=1)
    if isinstance(network, nn.RNNBase):
        return recurrent_work(network, examples, length)
    rows, found = examples * length, Work()
    if isinstance(network, nn.MultiheadAttention):
        maps = 2.0 * rows * sum(p.numel() for p in network.parameters())
        size, heads = network.embed_dim, network.num_heads
        return Work(operations=maps, depth=4) + attention_work(
            size, heads, examples, length, length
        )
    own = sum(p.numel() for p in network.parameters(recurse=False))
    if own or not any(True for _ in network.children()):
        found += Work(operations=2.0 * rows * own, depth=1)
    for child in network.children():
        found += default_work(child, examples, length)
    return found
