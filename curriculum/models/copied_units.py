"""Widening by whole copies of all units, which leaves the statistics of layer normalisation as they are.

Each unit is copied the same whole number of times; what reads the copies splits its weights among
them, unequally, so that they don't stay alike (bert2BERT: Chen et al. 2022, arXiv 2110.07143).

Legend: V vocabulary, H hidden.
"""

import torch
from torch import Tensor, nn

from curriculum.learn import widening


def copied(small: int, large: int, parts: int = 1) -> Tensor:
    """The source of an axis that consists of so many parts, in each whole copies one after another.

    >>> copied(2, 4).tolist(), copied(4, 8, parts=2).tolist()
    ([0, 1, 0, 1], [0, 1, 0, 1, 2, 3, 2, 3])
    """
    one = torch.arange(small // parts).repeat(large // small)
    return torch.cat([one + part * (small // parts) for part in range(parts)])


def vector(small: Tensor, large: Tensor, parts: int = 1) -> widening.Placement:
    """A parameter with one entry for each unit."""
    return widening.Placement(copied(len(small), len(large), parts))


def linear(small: nn.Linear, large: nn.Linear, *, parts: int = 1) -> widening.Placements:
    """A linear layer from units to units, those that it gives in so many parts."""
    rows = copied(small.out_features, large.out_features, parts)
    columns = copied(small.in_features, large.in_features)
    found = {"weight": widening.Placement(rows, columns, split=True)}
    if small.bias is not None:
        found["bias"] = widening.Placement(rows)
    return found


def layer_norm(small: nn.LayerNorm, large: nn.LayerNorm) -> widening.Placements:
    """Layer normalisation over all units."""
    return {name: vector(getattr(small, name), value) for name, value in large.named_parameters()}


def embedding(small: nn.Embedding, large: nn.Embedding) -> widening.Placements:
    """An embedding (V, H): new symbols and places as they are initialised."""
    rows = widening.kept(small.num_embeddings, large.num_embeddings)
    columns = copied(small.embedding_dim, large.embedding_dim)
    return {"weight": widening.Placement(rows, columns)}


def head(small: nn.Linear, large: nn.Linear) -> widening.Placements:
    """A linear layer that gives the logits of a vocabulary: new symbols get no weights."""
    rows = widening.kept(small.out_features, large.out_features)
    columns = copied(small.in_features, large.in_features)
    return {
        "weight": widening.Placement(rows, columns, new_rows=0.0, split=True),
        "bias": widening.Placement(rows, new_rows=widening.NEW_SYMBOL_BIAS),
    }


def input_layer(small: nn.Module, large: nn.Module) -> widening.Placements:
    """Of what reads symbols or channels."""
    if isinstance(small, nn.Linear) and isinstance(large, nn.Linear):
        return linear(small, large)
    if isinstance(small, nn.Embedding) and isinstance(large, nn.Embedding):
        return embedding(small, large)
    raise TypeError(f"no input layers: {small}, {large}")
