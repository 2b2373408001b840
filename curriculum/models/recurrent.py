"""Settings of recurrent networks: RNN, LSTM, GRU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from curriculum.errors import UsageError
from curriculum.learn.shape import Shape, check_place_by_place, check_sees_all

if TYPE_CHECKING:
    from torch import nn

    from curriculum.learn.widening import Placement

__all__ = ["Cell", "Recurrent", "RecurrentInit"]

Cell = Literal["rnn", "lstm", "gru"]
RecurrentInit = Literal["uniform", "orthogonal", "identity"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recurrent:
    """A recurrent network whose output goes through ReLU and a linear head.

    Attributes:
        cell: `rnn` (tanh), `lstm` or `gru`.
        hidden_size: units of each layer.
        layers: recurrent layers.
        bidirectional: whether a second net reads from the end to the beginning.
        embedding_size: None feeds each symbol as a number to one input unit; otherwise
            symbols are embedded in so many dimensions.
        forget_bias: bias of an LSTM's forget gates at the start; None keeps torch's.
            High values remember from the first step on (the idea of chrono
            initialisation, Tallec & Ollivier 2018, arXiv 1804.11188).
        recurrent_init: of the hidden-to-hidden weights: torch's `uniform`, `orthogonal`
            (Saxe et al. 2014, arXiv 1312.6120), or `identity` (Le et al. 2015, arXiv
            1504.00941), gate by gate.
    """

    cell: Cell = "lstm"
    hidden_size: int = 20
    layers: int = 1
    bidirectional: bool = False
    embedding_size: int | None = None
    forget_bias: float | None = None
    recurrent_init: RecurrentInit = "uniform"

    def __post_init__(self) -> None:
        if self.cell not in ("rnn", "lstm", "gru"):
            raise UsageError(f"model.cell must be rnn, lstm or gru, got {self.cell!r}")
        if self.recurrent_init not in ("uniform", "orthogonal", "identity"):
            raise UsageError(
                "model.recurrent_init must be uniform, orthogonal or identity, got "
                f"{self.recurrent_init!r}"
            )
        for name in ("hidden_size", "layers", "embedding_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"model.{name} must be at least 1, got {value}")
        if self.forget_bias is not None and self.cell != "lstm":
            raise UsageError(
                f"model.forget_bias is an LSTM's, and the cell is {self.cell!r}; leave it out"
            )

    def check(self, shape: Shape) -> None:
        check_place_by_place("a recurrent network", shape)
        if self.bidirectional:
            check_sees_all("a bidirectional network", shape)

    def build(self, shape: Shape) -> nn.Module:
        """The network, for the alphabets of `shape`; any length will do."""
        from curriculum.models.recurrent_network import RecurrentNetwork

        return RecurrentNetwork(self, shape)

    def check_wider(self, hidden_size: int) -> None:
        """Any larger size will do."""

    def placements(self, small: nn.Module, large: nn.Module) -> Mapping[str, Placement]:
        from curriculum.models.recurrent_network import placements

        return placements(small, large)
