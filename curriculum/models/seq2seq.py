"""Settings of recurrent encoder-decoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Shape
from curriculum.models.widened_by_network import WidenedByNetwork

if TYPE_CHECKING:
    from torch import nn

Attention = Literal["none", "dot"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seq2Seq(WidenedByNetwork):
    """A GRU reads the input; another, from the first one's last state, writes the output.

    After Cho et al. 2014, arXiv 1406.1078, and Sutskever et al. 2014, arXiv 1409.3215. All
    that the decoder knows of the input has to pass through that one state, unless it
    attends to the states along the way.

    Attributes:
        hidden_size: units of each layer, of the encoder and of the decoder.
        embedding_size: dimensions that symbols are embedded in, on both sides.
        layers: layers of each GRU.
        attention: `none`, or `dot`: at each symbol the decoder's state, linearly mapped, is
            compared with all of the encoder's by dot products, and their weighted mean is
            read beside it (Luong et al. 2015, arXiv 1508.04025, score "general").
        dropout: the probability of dropping units of embeddings, and between layers.
        teacher_forcing: the probability that in training the decoder is shown the target
            symbol in place of its own, decided for a whole batch at each symbol. At 1 all
            symbols are decoded in one fused call.
        init_range: all weights are drawn uniformly from minus it to it; None leaves torch's.
    """

    hidden_size: Annotated[int, "[1, inf)"] = 128
    embedding_size: Annotated[int, "[1, inf)"] = 128
    layers: Annotated[int, "[1, inf)"] = 1
    attention: Attention = "none"
    dropout: Annotated[float, "[0, 1)"] = 0.0
    teacher_forcing: Annotated[float, "[0, 1]"] = 1.0
    init_range: Annotated[float | None, "(0, inf)"] = None

    def __post_init__(self) -> None:
        check_fields(self, "model")

    def check(self, shape: Shape) -> None:
        shape.check_not_causal("an encoder-decoder")
        shape.check_symbols("an encoder-decoder")
        if shape.output != "symbols":
            raise UsageError(
                f"an encoder-decoder outputs symbols, and the task's output is one "
                f"{shape.output}; take Recurrent or Bert"
            )

    def build(self, shape: Shape) -> nn.Module:
        """The network, for the vocabularies of `shape`; any length will do."""
        from curriculum.models.seq2seq_network import Seq2SeqNetwork

        settings = {name: getattr(self, name) for name in Seq2Seq.__slots__}
        return Seq2SeqNetwork(shape, **settings)
