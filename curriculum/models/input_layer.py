"""What a network reads its input with: an embedding of symbols, or a linear layer on channels.

Legend: B batch, L length, C channels, E features.
"""

from torch import Tensor, nn

from curriculum.learn import Shape


def input_layer(shape: Shape, size: int, *, bias: bool = True) -> nn.Module:
    """The layer that gives each position `size` features."""
    if shape.channels:
        return nn.Linear(shape.channels, size, bias=bias)
    return nn.Embedding(shape.input_vocab_size, size)


def input_features(layer: nn.Module, inputs: Tensor) -> Tensor:
    """Features (B, L, E) of symbols (B, L), of which padding counts as symbol 0, or channels (B, L, C)."""
    found: Tensor = layer(inputs if inputs.ndim > 2 else inputs.clamp(min=0))
    return found
