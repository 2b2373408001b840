"""Settings of BERT, a bidirectional transformer encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curriculum.errors import UsageError
from curriculum.learn.task import Answer
from curriculum.plan import Stage

if TYPE_CHECKING:
    from torch import nn

    from curriculum.learn.widening import Placement

__all__ = ["Bert"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bert:
    """BERT (Devlin et al. 2019, arXiv 1810.04805) from scratch, with a linear head at each place.

    For the answer `bit` the head reads the last place. The defaults are small; BERT-base
    is `hidden_size=768, layers=12, dropout=0.1, initializer_range=0.02`.

    It is widened by whole heads: to two, three … times its size, at the same head size.

    Attributes:
        hidden_size: units of each layer; a multiple of `head_size`.
        layers: transformer blocks.
        head_size: units of each attention head.
        dropout: of attention weights and of hidden units.
        initializer_range: standard deviation of the weights at the start. At BERT's own
            .02, small models hardly begin to learn to reverse.
    """

    hidden_size: int = 128
    layers: int = 2
    head_size: int = 64
    dropout: float = 0.0
    initializer_range: float = 0.1

    def __post_init__(self) -> None:
        for name in ("hidden_size", "layers", "head_size"):
            if getattr(self, name) < 1:
                raise UsageError(f"model.{name} must be at least 1, got {getattr(self, name)}")
        if self.hidden_size % self.head_size:
            raise UsageError(
                f"model.hidden_size must be a multiple of model.head_size {self.head_size}, got "
                f"{self.hidden_size}"
            )
        if not 0 <= self.dropout < 1:
            raise UsageError(f"model.dropout must be in [0, 1), got {self.dropout}")
        if not self.initializer_range > 0:
            raise UsageError(
                f"model.initializer_range must be above 0, got {self.initializer_range}"
            )

    def check(self, stage: Stage) -> None:
        """Any stage will do: the positions are made for the longest."""

    def build(self, answer: Answer, last: Stage) -> nn.Module:
        """The network, for the vocabulary and the length of the `last` stage."""
        from curriculum.models.bert_network import BertNetwork

        return BertNetwork(self, answer, last)

    def check_wider(self, hidden_size: int) -> None:
        if hidden_size % self.hidden_size:
            raise UsageError(
                f"BERT is widened by whole copies of its heads: to a multiple of "
                f"{self.hidden_size}, got {hidden_size}"
            )

    def placements(self, small: nn.Module, large: nn.Module) -> Mapping[str, Placement]:
        from curriculum.models.bert_network import placements

        return placements(small, large)
