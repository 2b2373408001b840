"""Continues a model's function in a larger one: more hidden units, more symbols, more places.

New units have no outgoing weights at first, so that the old ones compute what they did; and
fresh incoming weights, so that they compute something of their own. At the first backward pass
their outgoing weights get gradient, and once these are no longer zero, their incoming weights
do. The idea is Net2Net's (Chen, Goodfellow & Shlens 2016, arXiv 1511.05641), but with silent
new units in place of copies of old ones: in a recurrent layer the function is kept up to
rounding, and no noise is needed to tell copies apart.

Legend: V vocabulary, E embedding, H hidden, G gates (1 for an RNN, 3 for a GRU, 4 for an LSTM),
D directions (2 where a second net reads backwards).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

NEW_SYMBOL_BIAS = -10.0
"""The logit of a symbol that the model has not met yet, lest it be the answer by chance."""

NEW = -1
"""Stands in a source for an entry that the smaller tensor doesn't have."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the entries of a larger tensor come from in a smaller one.

    Attributes:
        rows: for each row of the larger tensor the row of the smaller one, or `NEW`.
        columns: the same for columns; None for a vector.
        new_rows: what new rows are filled with; None leaves them as they are initialised.
        new_columns: what old rows get in new columns; None leaves them.
        split: whether columns that come from the same one share its weight, unequally, so
            that units which are copies of each other do not stay alike.
        split_rows: the same for rows, where they are what is read and columns what is given.
    """

    rows: Tensor
    columns: Tensor | None = None
    new_rows: float | None = None
    new_columns: float | None = 0.0
    split: bool = False
    split_rows: bool = False


Placements = Mapping[str, Placement]


def kept(small: int, large: int, groups: int = 1) -> Tensor:
    """The source of an axis whose old entries come first in each of `groups` equal groups.

    >>> kept(2, 3, groups=2).tolist()
    [0, 1, -1, 2, 3, -1]
    """
    one = torch.cat([torch.arange(small), torch.full((large - small,), NEW)])
    return torch.cat([torch.where(one == NEW, NEW, one + group * small) for group in range(groups)])


def linear(
    small: nn.Linear, large: nn.Linear, *, new_outputs: float | None = None, parts: int = 1
) -> Placements:
    """A linear layer: old outputs take nothing from new inputs.

    With `new_outputs`, new outputs have no weights, and that bias: for a head whose
    vocabulary grows. Inputs may be several `parts` of equal size, one after another.
    """
    rows = kept(small.out_features, large.out_features)
    silent = None if new_outputs is None else 0.0
    columns = kept(small.in_features // parts, large.in_features // parts, parts)
    found = {"weight": Placement(rows, columns, new_rows=silent)}
    if small.bias is not None:
        found["bias"] = Placement(rows, new_rows=new_outputs)
    return found


def head(small: nn.Linear, large: nn.Linear, *, parts: int = 1) -> Placements:
    """A linear layer that gives the logits of a vocabulary, as `linear` with its new symbols."""
    return linear(small, large, new_outputs=NEW_SYMBOL_BIAS, parts=parts)


def embedding(small: nn.Embedding, large: nn.Embedding) -> Placements:
    """An embedding (V, E): new symbols, places and dimensions as they are initialised."""
    rows = kept(small.num_embeddings, large.num_embeddings)
    columns = kept(small.embedding_dim, large.embedding_dim)
    return {"weight": Placement(rows, columns, new_columns=None)}


def recurrent(small: nn.RNNBase, large: nn.RNNBase) -> Placements:
    """An RNN, LSTM or GRU of any layers: old units, gate by gate, take nothing from new ones."""
    gates = dict(small.named_parameters())["weight_hh_l0"].shape[0] // small.hidden_size
    units = kept(small.hidden_size, large.hidden_size)
    rows = kept(small.hidden_size, large.hidden_size, gates)  # (G * H,)
    directions = ("", "_reverse") if small.bidirectional else ("",)
    below = kept(small.hidden_size, large.hidden_size, len(directions))  # (D * H,)
    found = {}
    for layer in range(small.num_layers):
        inputs = kept(small.input_size, large.input_size) if layer == 0 else below
        for direction in directions:
            name = f"l{layer}{direction}"
            found[f"weight_ih_{name}"] = Placement(rows, inputs)
            found[f"weight_hh_{name}"] = Placement(rows, units)
            if small.bias:
                found[f"bias_ih_{name}"] = found[f"bias_hh_{name}"] = Placement(rows)
    return found


def batch_norm(small: nn.BatchNorm1d, large: nn.BatchNorm1d) -> Placements:
    """Batch normalisation over features: each feature is normalised by itself."""
    features = Placement(kept(small.num_features, large.num_features))
    names = [*dict(small.named_parameters()), *dict(small.named_buffers())]
    return {name: features for name in names if name != "num_batches_tracked"}


def prefixed(prefix: str, placements: Placements) -> Placements:
    """The placements of a part, by their names in the whole."""
    return {f"{prefix}.{name}": placement for name, placement in placements.items()}


KINDS: Mapping[type[nn.Module], Callable[[Any, Any], Placements]] = {
    nn.Linear: linear,
    nn.Embedding: embedding,
    nn.RNNBase: recurrent,
    nn.BatchNorm1d: batch_norm,
}


def of_parts(small: nn.Module, large: nn.Module, **special: Placements) -> Placements:
    """A whole network, by its parts: each as others of its kind, but for `special` ones."""
    found: dict[str, Placement] = {}
    for name, part in small.named_children():
        of_kind = next((of_kind for kind, of_kind in KINDS.items() if isinstance(part, kind)), None)
        if name in special:
            found |= prefixed(name, special[name])
        elif of_kind is not None:
            found |= prefixed(name, of_kind(part, large.get_submodule(name)))
    return found


@torch.no_grad()
def placed(small: Tensor, large: Tensor, placement: Placement) -> Tensor:
    """The larger tensor, (rows, columns) or (rows,), with the smaller one's entries in place."""
    found = large.clone()
    small = small.to(found.device)
    rows = placement.rows.to(small.device)
    old = rows != NEW
    if placement.new_rows is not None:
        found[~old] = placement.new_rows
    if placement.columns is None:
        found[old] = small[rows[old]]
        return found
    columns = placement.columns.to(small.device)
    known = columns != NEW
    if placement.new_columns is not None:
        found[old.unsqueeze(1) & ~known] = placement.new_columns
    at = (old.nonzero(), known.nonzero().squeeze(1))  # broadcast to all pairs
    found[at] = small[rows[old].unsqueeze(1), columns[known]]
    if placement.split:
        found[:, known] *= _shares(columns[known]).to(found)
    if placement.split_rows:
        found[old] *= _shares(rows[old]).to(found).unsqueeze(1)
    return found


def _shares(columns: Tensor) -> Tensor:
    """Of each column's weight what its copies get: 1 for one, 1/3 and 2/3 for two, and so on."""
    order = torch.zeros_like(columns)
    for source in sorted(set(columns.tolist())):
        copies = columns == source
        order[copies] = torch.arange(1, int(copies.sum()) + 1, device=columns.device)
    totals = torch.zeros(int(columns.max()) + 1, dtype=torch.float64, device=columns.device)
    totals.index_add_(0, columns, order.double())
    return order.double() / totals[columns]


def placed_moment(name: str, small: Tensor, large: Tensor, placement: Placement) -> Tensor:
    """An optimizer's moment of a parameter, carried to the larger one.

    Old entries keep theirs. New entries begin with a first moment of zero, and with a
    second moment (`…_sq`) as large as the old entries' mean: from zero it would let their
    first steps be many times the learning rate.

    Args:
        name: the moment's name in the optimizer's state, e.g. `exp_avg_sq`.
        small: the moment, in the smaller parameter's shape.
        large: a tensor of the larger parameter's shape, for shape and type alone.
        placement: the parameter's.
    """
    new = float(small.mean()) if name.endswith("_sq") else 0.0
    bare = replace(placement, new_rows=None, new_columns=None, split=False, split_rows=False)
    return placed(small, torch.full_like(large, new), bare)


def widen(
    small: Mapping[str, Tensor], large: Mapping[str, Tensor], placements: Placements
) -> dict[str, Tensor]:
    """A larger model's state with the function of a smaller one.

    Tensors without a placement are copied.

    Raises:
        ValueError: where one of these differs in shape.
    """
    found = {}
    for name, value in large.items():
        if name in placements:
            found[name] = placed(small[name], value, placements[name])
        elif small[name].shape == value.shape:
            found[name] = small[name].clone()
        else:
            raise ValueError(
                f"{name} grows from {tuple(small[name].shape)} to {tuple(value.shape)}, and the "
                f"model's `placements` don't say how"
            )
    return found
