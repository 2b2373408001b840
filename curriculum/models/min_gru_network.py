"""The layer of the network that `MinGRU` settings build.

Legend: B batch, L length, H hidden.
"""

from typing import Self

import torch
from torch import Tensor, nn

from curriculum.learn import ACTIVATION, Work, linear_work, widening
from curriculum.models import copied_units
from curriculum.models.linear_scan import linear_scan, scan_work
from curriculum.models.scanned_network import continued


class MinGRULayer(nn.Module):
    """h_t = (1 - z_t) h_{t-1} + z_t h~_t, with gate and candidate linear in the features at t."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.state_size = size
        self.map = nn.Linear(size, 2 * size)  # to the gates, and to the candidates

    def forward(self, features: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """States (L, B, H) for features (L, B, H), after the state (B, H), and the last of them."""
        logits, candidates = self.map(features).chunk(2, dim=-1)  # (L, B, H) each
        decay = torch.sigmoid(-logits)  # 1 - z
        states = linear_scan(decay, continued(decay, torch.sigmoid(logits) * candidates, before))
        return states, states[-1]

    def work(self, examples: int, length: int) -> Work:
        rows, size = examples * length, self.state_size
        gates = Work(operations=2.0 * ACTIVATION * rows * size, depth=3)
        scan = scan_work(examples, length, size, is_complex=False)
        return linear_work(self.map, rows) + gates + scan

    def placements_from(self, small: Self) -> widening.Placements:
        return widening.prefixed("map", copied_units.linear(small.map, self.map, parts=2))
