"""Settings of the training loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from curriculum.errors import UsageError

__all__ = ["Training"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """How a learner is trained.

    Attributes:
        batch_size: examples of a step.
        clip_norm: gradients are scaled down to this norm; None leaves them.
        look_every: optimizer steps from look to look.
        online: take a step on each example of a batch in turn, in place of one on all.
        sized_for: whether the model has the vocabulary and the positions of the whole
            `path` from the start, or grows them with each `stage`: it then keeps its
            function on what it knows, and the early stages cost less.
    """

    batch_size: int = 32
    clip_norm: float | None = 1.0
    look_every: int = 10
    online: bool = False
    sized_for: Literal["path", "stage"] = "path"

    def __post_init__(self) -> None:
        for name in ("batch_size", "look_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"training.{name} must be at least 1, got {getattr(self, name)}")
        if self.sized_for not in ("path", "stage"):
            raise UsageError(f"training.sized_for must be path or stage, got {self.sized_for!r}")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise UsageError(f"training.clip_norm must be above 0, got {self.clip_norm}")
