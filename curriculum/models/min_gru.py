"""Settings of networks of minimal gated recurrent units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from curriculum.errors import check_fields
from curriculum.learn import Shape
from curriculum.models.widened_by_network import WidenedByCopies

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True, slots=True)
class MinGRU(WidenedByCopies):
    """Minimal GRUs, whose gates see the input alone (Feng et al. 2024, arXiv 2410.01201, section 3.1).

    h_t = (1 - z_t) h_{t-1} + z_t h~_t, where the gate z_t = sigmoid(linear(x_t)) and the candidate
    h~_t = linear(x_t) don't depend on h_{t-1}: all positions are computed at once, by a scan. Each
    layer is followed by GELU and a gated linear unit, within a residual block with layer
    normalisation. It reads from left to right: an output is found from the inputs up to its position.

    What the state keeps of itself is between 0 and 1, so that it can't alternate: parity, at lengths
    beyond those that were trained on, is out of its reach (Grazzi et al. 2024, arXiv 2411.12537,
    theorem 1). `LinearRecurrent(eigenvalues="real")` is what can.

    It is widened by whole copies of its units: to two, three … times its size.

    Attributes:
        hidden_size: units of each layer.
        layers: residual blocks.
    """

    hidden_size: Annotated[int, "[1, inf)"] = 64
    layers: Annotated[int, "[1, inf)"] = 2

    def __post_init__(self) -> None:
        check_fields(self, "model")

    def check(self, shape: Shape) -> None:
        shape.check_output_at_each_position("MinGRU")

    def build(self, shape: Shape) -> nn.Module:
        """The network, for the vocabularies of `shape`; any length will do."""
        from curriculum.models.min_gru_network import MinGRULayer
        from curriculum.models.scanned_network import ScannedNetwork

        layers = [MinGRULayer(self.hidden_size) for _ in range(self.layers)]
        return ScannedNetwork(shape, self.hidden_size, layers)
