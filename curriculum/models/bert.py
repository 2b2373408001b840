"""Settings of BERT, a bidirectional transformer encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from curriculum.errors import UsageError
from curriculum.learn.shape import Shape, check_place_by_place, check_sees_all

if TYPE_CHECKING:
    from torch import nn

    from curriculum.learn.widening import Placement

__all__ = ["Bert", "Positions"]

Positions = Literal["normal", "sinusoidal"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bert:
    """BERT (Devlin et al. 2019, arXiv 1810.04805) from scratch, with a linear head at each place.

    For the answers `bit` and `symbol` the head reads the last place. Padding is masked out of
    attention. The defaults are small; BERT-base is `hidden_size=768, layers=12, dropout=0.1,
    initializer_range=0.02`.

    It is widened by whole heads: to two, three … times its size, at the same head size.

    Attributes:
        hidden_size: units of each layer; a multiple of `head_size`.
        layers: transformer blocks.
        head_size: units of each attention head.
        dropout: of attention weights and of hidden units.
        initializer_range: standard deviation of the weights at the start. At BERT's own
            .02, small models hardly begin to learn to reverse.
        positions: how the trained embeddings of positions begin: `normal`, as BERT's do, or
            `sinusoidal` (Vaswani et al. 2017, arXiv 1706.03762), of the same size and alike
            for each head: what is learned of one position is then near to what the next
            one needs, and a longer sequence is not wholly new.
    """

    hidden_size: int = 128
    layers: int = 2
    head_size: int = 64
    dropout: float = 0.0
    initializer_range: float = 0.1
    positions: Positions = "normal"

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
        if self.positions not in ("normal", "sinusoidal"):
            raise UsageError(
                f"model.positions must be normal or sinusoidal, got {self.positions!r}"
            )
        if not self.initializer_range > 0:
            raise UsageError(
                f"model.initializer_range must be above 0, got {self.initializer_range}"
            )

    def check(self, shape: Shape) -> None:
        check_place_by_place("BERT", shape)
        check_sees_all("BERT", shape)

    def build(self, shape: Shape) -> nn.Module:
        """The network, with positions and an alphabet for all of `shape`."""
        from curriculum.models.bert_network import BertNetwork

        return BertNetwork(self, shape)

    def check_wider(self, hidden_size: int) -> None:
        if hidden_size % self.hidden_size:
            raise UsageError(
                f"BERT is widened by whole copies of its heads: to a multiple of "
                f"{self.hidden_size}, got {hidden_size}"
            )

    def placements(self, small: nn.Module, large: nn.Module) -> Mapping[str, Placement]:
        from curriculum.models.bert_network import placements

        return placements(small, large)
