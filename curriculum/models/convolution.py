"""Settings of convolutional classifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True, slots=True)
class Convolution:
    """How strongly each of some patterns occurs, wherever in the input (Kim 2014, arXiv 1408.5882).

    A pattern is a filter over `width` positions; what counts is its strongest match, through ReLU. It
    gives one output for the whole input, and knows nothing of where a pattern was, or in which order.

    Attributes:
        hidden_size: patterns.
        width: positions that each spans.
        embedding_size: dimensions in which each symbol, or the channels of a position, are embedded.
        dropout: the probability of dropping a pattern in training.
    """

    hidden_size: Annotated[int, "[1, inf)"] = 128
    width: Annotated[int, "[1, inf)"] = 5
    embedding_size: Annotated[int, "[1, inf)"] = 32
    dropout: Annotated[float, "[0, 1)"] = 0.0

    def __post_init__(self) -> None:
        check_fields(self, "model")

    @property
    def not_widened(self) -> str:
        """Why a larger one can't continue the function of a smaller one."""
        return "its filters have three axes, and what is widened has two"

    def check(self, shape: Shape) -> None:
        if shape.output == "symbols":
            raise UsageError(
                "a convolution gives one output for the whole input, and the task's output is symbols; "
                "take Recurrent, Bert or Decoder"
            )

    def build(self, shape: Shape) -> nn.Module:
        """The network, for the vocabularies of `shape`; any length will do."""
        from curriculum.models.convolution_network import ConvolutionNetwork

        settings = {name: getattr(self, name) for name in Convolution.__slots__}
        return ConvolutionNetwork(shape, **settings)
