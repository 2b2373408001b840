"""How long the sequences of a batch are: known before it goes to the device, and not asked of it again.

Legend: B batch, L length, C channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from curriculum.learn.batch import PADDING

if TYPE_CHECKING:
    from curriculum.learn.batch import Batch

NAME = "curriculum_lengths"
"""The attribute of a tensor of inputs that holds their lengths."""


def attach(inputs: Tensor, batch: Batch) -> None:
    """Tell networks that take `inputs` how long each of the batch's sequences is."""
    if batch.inputs.ndim == 2:
        padded = (batch.inputs[:, -1] == PADDING).any()
    else:
        padded = batch.mask is not None and not batch.mask[:, -1].all()
    setattr(inputs, NAME, torch.from_numpy(batch.present.sum(axis=1)) if padded else None)


def mark_unpadded(inputs: Tensor) -> Tensor:
    """The same inputs, of which networks are told that none of the sequences is padded."""
    setattr(inputs, NAME, None)
    return inputs


def lengths_of(inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
    """How long each of the sequences is, (B,) int64 on the CPU; None where none is padded.

    Of other tensors than those of a batch it is read from the device.

    Args:
        inputs: symbols (B, L), or channels (B, L, C).
        mask: of channels, (B, L) bool; see `Batch.mask`.
    """
    if hasattr(inputs, NAME):
        found: Tensor | None = getattr(inputs, NAME)
        return found
    if mask is None:
        if inputs.ndim > 2 or not bool((inputs[:, -1] == PADDING).any()):
            return None
        mask = inputs != PADDING
    elif bool(mask[:, -1].all()):
        return None
    return mask.sum(dim=1).cpu()
