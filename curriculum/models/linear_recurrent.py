"""Settings of linear recurrent units, and of diagonal state spaces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Shape
from curriculum.models.widened_by_network import WidenedByCopies

if TYPE_CHECKING:
    from torch import nn

Eigenvalues = Literal["complex", "real", "positive"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearRecurrent(WidenedByCopies):
    """Residual blocks of a diagonal linear recurrence h_t = a_t h_{t-1} + b_t, computed by a scan.

    With `complex` eigenvalues a block is a linear recurrent unit (LRU: Orvieto et al. 2023, arXiv
    2303.06349, section 3): a is learned and the same at all positions, in an exponential
    parametrisation that keeps it within the unit circle. It begins uniformly on a ring.

    Otherwise it is a selective state space: a_t depends on the input at t, as in Mamba (Gu & Dao 2023,
    arXiv 2312.00752), and lies in (0, 1) where `positive`, or in (-1, 1) where `real`. Only the latter
    can alternate, which tracking a state such as parity at any length needs (Grazzi et al. 2024,
    arXiv 2411.12537, theorem 1 and section 4.1).

    Each recurrence is followed by GELU and a gated linear unit, within a residual block with layer
    normalisation. It reads from left to right: an output is found from the inputs up to its position.
    It is widened by whole copies of its units: to two, three … times its size.

    Attributes:
        hidden_size: units of each block.
        layers: residual blocks.
        state_size: eigenvalues of each block; None for as many as units.
        eigenvalues: `complex`, `real` in (-1, 1), or `positive` in (0, 1).
        r_min: the ring's inner radius: of the absolute values of a at the start.
        r_max: its outer radius.
        max_phase: the largest angle of a complex eigenvalue at the start. Less than 2 pi / 10 helps on
            very long inputs (section 3.4).
    """

    hidden_size: Annotated[int, "[1, inf)"] = 64
    layers: Annotated[int, "[1, inf)"] = 2
    state_size: Annotated[int | None, "[1, inf)"] = None
    eigenvalues: Eigenvalues = "complex"
    r_min: Annotated[float, "[0, 1)"] = 0.9
    r_max: Annotated[float, "(0, 1)"] = 0.999
    max_phase: Annotated[float, "(0, 6.2832]"] = 2 * math.pi

    def __post_init__(self) -> None:
        check_fields(self, "model")
        if self.r_min >= self.r_max:
            raise UsageError(
                f"model.r_min must be below model.r_max {self.r_max}, got {self.r_min}"
            )

    def check(self, shape: Shape) -> None:
        shape.check_output_at_each_position("LinearRecurrent")

    def build(self, shape: Shape) -> nn.Module:
        """The network, for the vocabularies of `shape`; any length will do."""
        from curriculum.models.linear_recurrent_network import LRULayer, SelectiveLayer
        from curriculum.models.scanned_network import ScannedNetwork

        units, ring = self.state_size or self.hidden_size, (self.r_min, self.r_max)
        layers: list[LRULayer | SelectiveLayer] = []
        for _ in range(self.layers):
            if self.eigenvalues == "complex":
                layers.append(LRULayer(self.hidden_size, units, ring, self.max_phase))
            else:
                signed = self.eigenvalues == "real"
                layers.append(SelectiveLayer(self.hidden_size, units, ring, signed=signed))
        return ScannedNetwork(shape, self.hidden_size, layers)
