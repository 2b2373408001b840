"""Settings of BERT, a bidirectional transformer encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Shape
from curriculum.models.widened_by_network import WidenedByNetwork

if TYPE_CHECKING:
    from torch import nn

Positions = Literal["normal", "sinusoidal"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bert(WidenedByNetwork):
    """BERT (Devlin et al. 2019, arXiv 1810.04805) from scratch, with a linear head at each position.

    For the outputs `bit` and `symbol` the head reads the last position. Padding is masked out of
    attention. The defaults are small; BERT-base is `hidden_size=768, layers=12, dropout=0.1,
    initializer_range=0.02`.

    It is widened by whole heads: to two, three … times its size, at the same head size.

    Attributes:
        hidden_size: units of each layer; a multiple of `head_size`.
        layers: transformer blocks.
        head_size: units of each attention head.
        dropout: the probability of dropping attention weights and hidden units.
        initializer_range: standard deviation of the weights at the start. At BERT's own
            .02, small models hardly begin to learn to reverse.
        positions: how the trained embeddings of positions begin: `normal`, as BERT's do, or
            `sinusoidal` (Vaswani et al. 2017, arXiv 1706.03762), of the same size and alike
            for each head: what is learned of one position is then near to what the next
            one needs, and a longer sequence is not wholly new.
    """

    hidden_size: Annotated[int, "[1, inf)"] = 128
    layers: Annotated[int, "[1, inf)"] = 2
    head_size: Annotated[int, "[1, inf)"] = 64
    dropout: Annotated[float, "[0, 1)"] = 0.0
    initializer_range: Annotated[float, "(0, inf)"] = 0.1
    positions: Positions = "normal"

    def __post_init__(self) -> None:
        check_fields(self, "model")
        if self.hidden_size % self.head_size:
            raise UsageError(
                f"model.hidden_size must be a multiple of model.head_size {self.head_size}, got "
                f"{self.hidden_size}"
            )

    def check(self, shape: Shape) -> None:
        shape.check_output_at_each_position("BERT")
        shape.check_not_causal("BERT")

    def build(self, shape: Shape) -> nn.Module:
        """The network, with positions and vocabularies for all of `shape`."""
        from curriculum.models.bert_network import BertNetwork

        settings = {name: getattr(self, name) for name in Bert.__slots__}
        return BertNetwork(shape, **settings)

    def check_widened(self, hidden_size: int) -> None:
        if hidden_size % self.hidden_size:
            raise UsageError(
                f"BERT is widened by whole copies of its heads: to a multiple of "
                f"{self.hidden_size}, got {hidden_size}"
            )
