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
        schedule: whether the learning rate is `constant`, or goes through `one_cycle` in each
            visit: up to itself, and down to nothing when the visit's steps are used up
            (Smith 2018, arXiv 1803.09820), while the momentum, or Adam's first beta, goes
            from .95 to .85 and back in place of the optimizer's own. Mastery may cut it short.
        warmup: the part of the cycle in which the rate rises, in (0, 1).
        distinct_examples: train on so many examples of a stage, over and over in the same
            order; None draws fresh ones at every step. Looks then measure these too, as
            `memorised`.
        sized_for: whether the model has the vocabulary and the positions of the whole
            `path` from the start, or grows them with each `stage`: it then keeps its
            function on what it knows, and the early stages cost less.
    """

    batch_size: int = 32
    clip_norm: float | None = 1.0
    look_every: int = 10
    online: bool = False
    schedule: Literal["constant", "one_cycle"] = "constant"
    warmup: float = 0.3
    distinct_examples: int | None = None
    sized_for: Literal["path", "stage"] = "path"

    @property
    def step_size(self) -> int:
        """How many examples a step is taken on."""
        return 1 if self.online else self.batch_size

    def __post_init__(self) -> None:
        for name in ("batch_size", "look_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"training.{name} must be at least 1, got {getattr(self, name)}")
        if self.schedule not in ("constant", "one_cycle"):
            raise UsageError(
                f"training.schedule must be constant or one_cycle, got {self.schedule!r}"
            )
        if not 0 < self.warmup < 1:
            raise UsageError(f"training.warmup must be in (0, 1), got {self.warmup}")
        fixed = self.distinct_examples
        if fixed is not None and (fixed < 1 or fixed % self.batch_size):
            raise UsageError(
                f"training.distinct_examples must be a multiple of training.batch_size "
                f"({self.batch_size}), got {fixed}"
            )
        if self.sized_for not in ("path", "stage"):
            raise UsageError(f"training.sized_for must be path or stage, got {self.sized_for!r}")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise UsageError(f"training.clip_norm must be above 0, got {self.clip_norm}")
