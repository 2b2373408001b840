"""Settings of a decoder-only transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Shape
from curriculum.models.widened_by_network import WidenedByCopies

if TYPE_CHECKING:
    from torch import nn

Style = Literal["llama", "gpt2"]
Outputs = Literal["auto", "in_place", "after_input"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoder(WidenedByCopies):
    """A causal transformer from scratch, as of GPT-2 or Llama, with a linear head.

    `gpt2` (Radford et al. 2019) has trained embeddings of positions, layer normalisation and GELU;
    it has as many positions as the longest stage needs. `llama` (Touvron et al. 2023, arXiv 2302.13971)
    has rotary positions, which know no longest, RMS normalisation and SwiGLU.

    Several symbols are output in one of two ways. *In place*, there is one at each place of the input,
    found from the input up to there. *After the input*, they are written one by one, each read before the
    next, in training those of the target (teacher forcing): so each is found from all of the input, and
    the output may have any length. With `auto`, what a language model predicts (`Shape.causal`) is
    output in place, and all else after the input. A task whose inputs leave places for the output, and that
    predicts nothing at the others, is for `in_place`. A bit, or one symbol, is found at the last place.

    It is widened by whole heads: to two, three … times its size, at the same head size.

    Attributes:
        style: `llama` or `gpt2`.
        hidden_size: units of each layer; a multiple of `head_size`.
        layers: transformer blocks.
        head_size: units of each attention head; even for `llama`.
        intermediate_size: units within a block's feed-forward network; None for four times
            `hidden_size`.
        outputs: where several symbols are output: `auto`, `in_place` or `after_input`.
        dropout: the probability of dropping attention weights and, in `gpt2`, hidden units.
        initializer_range: standard deviation of the weights at the start. At the usual .02, small
            models learn to add two or three times as slowly.
    """

    style: Style = "llama"
    hidden_size: Annotated[int, "[1, inf)"] = 128
    layers: Annotated[int, "[1, inf)"] = 2
    head_size: Annotated[int, "[1, inf)"] = 32
    intermediate_size: Annotated[int | None, "[1, inf)"] = None
    outputs: Outputs = "auto"
    dropout: Annotated[float, "[0, 1)"] = 0.0
    initializer_range: Annotated[float, "(0, inf)"] = 0.1

    def __post_init__(self) -> None:
        check_fields(self, "model")
        if self.hidden_size % self.head_size:
            raise UsageError(
                f"model.hidden_size must be a multiple of model.head_size {self.head_size}, got "
                f"{self.hidden_size}"
            )
        if self.style == "llama" and self.head_size % 2:
            raise UsageError(
                f"model.head_size must be even for rotary positions, got {self.head_size}; take an "
                f"even one, or model.style gpt2"
            )

    def writes_after_input(self, shape: Shape) -> bool:
        """Whether several symbols are written one by one after the input."""
        if shape.output != "symbols" or self.outputs == "in_place":
            return False
        return self.outputs == "after_input" or not shape.causal

    def check(self, shape: Shape) -> None:
        shape.check_symbols("a decoder")
        if self.writes_after_input(shape):
            shape.check_not_causal("a decoder that writes after its input")
        elif shape.output == "symbols" and shape.output_length != shape.length:
            raise UsageError(
                f"a decoder that outputs a symbol at each place needs as many as the input has, and the "
                f"task has {shape.length} input and {shape.output_length} output symbols; set "
                f"model.outputs to after_input"
            )

    def build(self, shape: Shape) -> nn.Module:
        """The network, with positions and vocabularies for all of `shape`."""
        from curriculum.models.autoregressive_network import AutoregressiveNetwork
        from curriculum.models.decoder_network import DecoderNetwork

        settings = {name: getattr(self, name) for name in Decoder.__slots__ if name != "outputs"}
        if self.writes_after_input(shape):
            body = DecoderNetwork(AutoregressiveNetwork.body_shape(shape), **settings)
            return AutoregressiveNetwork(body)
        return DecoderNetwork(shape, **settings)
