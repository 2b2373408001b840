"""How many targets of a batch are predicted: known before they go to the device, and not asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from curriculum.learn.batch import IGNORED

if TYPE_CHECKING:
    from curriculum.learn.batch import Batch

NAME = "curriculum_target_count"
"""The attribute of a tensor of targets that holds their number."""


def attach(targets: Tensor, batch: Batch) -> None:
    """Tell networks that take `targets` how many of them are predicted."""
    setattr(targets, NAME, batch.target_count)


def target_count(targets: Tensor) -> int:
    """How many of them are predicted; of other tensors than those of a batch it is read from the device."""
    found: int | None = getattr(targets, NAME, None)
    return int((targets != IGNORED).sum()) if found is None else found
