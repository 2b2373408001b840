"""What a model must offer: to be built for a task, from settings without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from curriculum.learn.task import Answer
from curriculum.plan import Stage

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Model"]


@runtime_checkable
class Model(Protocol):
    """Settings of a model. Be a frozen dataclass: its fields are what can be overridden."""

    @property
    def hidden_size(self) -> int:
        """Units of the hidden layer."""
        ...

    def check(self, stage: Stage) -> None:
        """Raise `UsageError` where the model can't take that stage."""
        ...

    def build(self, answer: Answer, last: Stage) -> nn.Module:
        """A module for stages up to `last`, initialised from torch's global generator.

        Its `forward` takes symbols, (B, L) int64, and gives logits: (B,) for the answer
        `bit`, (B, L, V) for `symbols`.
        """
        ...
