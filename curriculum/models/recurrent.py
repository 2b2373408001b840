"""Settings of recurrent networks: RNN, LSTM, GRU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Shape
from curriculum.models.widened_by_network import WidenedByNetwork

if TYPE_CHECKING:
    from torch import nn

Cell = Literal["rnn", "lstm", "gru"]
RecurrentInit = Literal["uniform", "orthogonal", "identity"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recurrent(WidenedByNetwork):
    """A recurrent network whose output goes through ReLU and a linear head.

    Attributes:
        cell: `rnn` (tanh), `lstm` or `gru`.
        hidden_size: units of each layer.
        layers: recurrent layers.
        bidirectional: whether a second network reads from the end to the beginning.
        embedding_size: None feeds each symbol as a number to one input unit, or real channels as
            they are; otherwise either is embedded in so many dimensions.
        forget_bias: bias of an LSTM's forget gates at the start; None keeps torch's.
            High values remember from the first step on (the idea of chrono
            initialisation, Tallec & Ollivier 2018, arXiv 1804.11188).
        recurrent_init: how hidden-to-hidden weights begin: torch's `uniform`, `orthogonal`
            (Saxe et al. 2014, arXiv 1312.6120), or `identity` (Le et al. 2015, arXiv
            1504.00941), gate by gate.
    """

    cell: Cell = "lstm"
    hidden_size: Annotated[int, "[1, inf)"] = 20
    layers: Annotated[int, "[1, inf)"] = 1
    bidirectional: bool = False
    embedding_size: Annotated[int | None, "[1, inf)"] = None
    forget_bias: float | None = None
    recurrent_init: RecurrentInit = "uniform"

    def __post_init__(self) -> None:
        check_fields(self, "model")
        if self.forget_bias is not None and self.cell != "lstm":
            raise UsageError(
                f"model.forget_bias is an LSTM's, and the cell is {self.cell!r}; leave it out"
            )

    def check(self, shape: Shape) -> None:
        shape.check_output_at_each_position("a recurrent network")
        if self.bidirectional:
            shape.check_not_causal("a bidirectional network")

    def build(self, shape: Shape) -> nn.Module:
        """The network, for the vocabularies of `shape`; any length will do."""
        from curriculum.models.recurrent_network import RecurrentNetwork

        settings = {name: getattr(self, name) for name in Recurrent.__slots__}
        return RecurrentNetwork(shape, **settings)
