"""Settings of recurrent encoder-decoders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from curriculum.errors import UsageError
from curriculum.learn.shape import Shape, check_sees_all

if TYPE_CHECKING:
    from torch import nn

    from curriculum.learn.widening import Placement

__all__ = ["Attention", "Seq2Seq"]

Attention = Literal["none", "dot"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seq2Seq:
    """A GRU reads the input; another, from the first one's last state, writes the answer.

    After Cho et al. 2014, arXiv 1406.1078, and Sutskever et al. 2014, arXiv 1409.3215. All
    that the decoder knows of the input has to pass through that one state, unless it
    attends to the states along the way.

    Attributes:
        hidden_size: units of each layer, of the encoder and of the decoder.
        embedding_size: dimensions that symbols are embedded in, on both sides.
        layers: of each GRU.
        attention: `none`, or `dot`: at each symbol the decoder's state, linearly mapped, is
            compared with all of the encoder's by dot products, and their weighted mean is
            read beside it (Luong et al. 2015, arXiv 1508.04025, score "general").
        dropout: of embeddings, and between layers.
        teacher_forcing: the probability that in training the decoder is shown the right
            symbol in place of its own, decided for a whole batch at each symbol. At 1 all
            symbols are decoded in one fused call.
        init_range: all weights are drawn uniformly from minus it to it; None leaves torch's.
    """

    hidden_size: int = 128
    embedding_size: int = 128
    layers: int = 1
    attention: Attention = "none"
    dropout: float = 0.0
    teacher_forcing: float = 1.0
    init_range: float | None = None

    def __post_init__(self) -> None:
        for name in ("hidden_size", "embedding_size", "layers"):
            if getattr(self, name) < 1:
                raise UsageError(f"model.{name} must be at least 1, got {getattr(self, name)}")
        if self.attention not in ("none", "dot"):
            raise UsageError(f"model.attention must be none or dot, got {self.attention!r}")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"model.dropout must be in [0, 1), got {self.dropout}")
        if not 0 <= self.teacher_forcing <= 1:
            raise UsageError(f"model.teacher_forcing must be in [0, 1], got {self.teacher_forcing}")
        if self.init_range is not None and not self.init_range > 0:
            raise UsageError(f"model.init_range must be above 0, got {self.init_range}")

    def check(self, shape: Shape) -> None:
        check_sees_all("an encoder-decoder", shape)
        if shape.answer != "symbols":
            raise UsageError(
                f"an encoder-decoder answers with symbols, and the task asks for one "
                f"{shape.answer}; take Recurrent or Bert"
            )

    def build(self, shape: Shape) -> nn.Module:
        """The network, for the alphabets of `shape`; any length will do."""
        from curriculum.models.seq2seq_network import Seq2SeqNetwork

        return Seq2SeqNetwork(self, shape)

    def check_wider(self, hidden_size: int) -> None:
        """Any larger size will do."""

    def placements(self, small: nn.Module, large: nn.Module) -> Mapping[str, Placement]:
        from curriculum.models.seq2seq_network import placements

        return placements(small, large)
