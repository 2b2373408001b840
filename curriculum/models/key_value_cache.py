"""What a network of transformers reads on with: keys and values, and which places were padding.

Legend: B batch, L places read before, P further places.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

OLD_NAME = "past_key_values"
"""What earlier versions of the library call the argument for the cache."""

Cache = tuple[DynamicCache, Tensor | None]
"""Keys and values, which the network adds to, and which places are not padding, (B, L); None for all."""


def read_on(
    transformer: nn.Module, real: Tensor | None, cache: Cache | None
) -> tuple[dict[str, Any], Cache]:
    """What the network is called with besides further symbols, and the cache that it leaves.

    Args:
        transformer: a model of the library that takes `position_ids`.
        real: which of the further places are not padding, (B, P); None for all.
        cache: that was left before; None where nothing was read yet.
    """
    keys, known = cache or (DynamicCache(), None)
    name = "cache" if "cache" in inspect.signature(transformer.forward).parameters else OLD_NAME
    given: dict[str, Any] = {name: keys, "use_cache": True}
    mask = real if known is None or real is None else torch.cat([known, real], dim=1)
    if real is not None and mask is not None:  # the library would count padding too
        places = positions(mask)[:, -real.shape[1] :]
        given |= {"attention_mask": mask.long(), "position_ids": places}
    return given, (keys, mask)


def positions(real: Tensor) -> Tensor:
    """The position of each place, (B, L), where padding takes none.

    >>> positions(torch.tensor([[True, False, True], [True, True, True]])).tolist()
    [[0, 0, 1], [0, 1, 2]]
    """
    return (real.cumsum(dim=1) - 1).clamp(min=0)
