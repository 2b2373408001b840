"""The layers of the network that `LinearRecurrent` settings build.

Legend: B batch, L length, H hidden, N eigenvalues.
"""

import math
from typing import Self

import torch
from torch import Tensor, nn

from curriculum.learn import ACTIVATION, Work, linear_work, widening
from curriculum.models import copied_units
from curriculum.models.linear_scan import linear_scan, scan_work
from curriculum.models.scanned_network import continued

Ring = tuple[float, float]
"""The least and the greatest absolute value that an eigenvalue begins with."""


class LRULayer(nn.Module):
    """y = Re(C h) + D x, where h_t = a h_{t-1} + gamma B x_t and a = exp(-exp(nu) + i exp(theta)).

    Orvieto et al. 2023, arXiv 2303.06349, section 3; a begins uniformly on the ring (lemma 3.2), and
    gamma at sqrt(1 - |a|²), which keeps h of the size of its inputs (section 3.4).
    """

    def __init__(self, size: int, units: int, ring: Ring, max_phase: float) -> None:
        super().__init__()
        self.state_size = 2 * units  # real and imaginary parts, side by side
        self.read = nn.Linear(size, 2 * units, bias=False)
        self.write = nn.Linear(2 * units, size, bias=False)
        self.skip = nn.Parameter(torch.randn(size))
        nn.init.normal_(self.read.weight, std=math.sqrt(0.5 / size))
        nn.init.normal_(self.write.weight, std=math.sqrt(1 / units))
        radius = _radii(units, ring)
        self.log_rate = nn.Parameter(torch.log(-torch.log(radius)))  # nu
        phase = max_phase * (1 - torch.rand(units))  # above 0
        self.log_phase = nn.Parameter(torch.log(phase))  # theta
        self.log_scale = nn.Parameter(0.5 * torch.log1p(-radius.square()))  # log gamma

    def eigenvalues(self) -> Tensor:
        """a, (N,) complex."""
        return torch.polar(torch.exp(-torch.exp(self.log_rate)), torch.exp(self.log_phase))

    def forward(self, features: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Outputs (L, B, H) for features (L, B, H), and the state (B, 2 N) after the last."""
        decay = self.eigenvalues().view(1, 1, -1)
        values = _complex(self.read(features))  # (L, B, N)
        values = values * torch.exp(self.log_scale)
        if before is not None:
            values = continued(decay, values, _complex(before))
        states = torch.view_as_real(linear_scan(decay, values)).flatten(-2)  # (L, B, 2 N)
        # The real part of a product is a real linear map of both parts; the sign is in its weights.
        return self.write(states) + self.skip * features, states[-1]

    def work(self, examples: int, length: int) -> Work:
        rows = examples * length
        maps = linear_work(self.read, rows) + linear_work(self.write, rows) + Work(depth=3)
        return maps + scan_work(examples, length, self.state_size // 2, is_complex=True)

    def placements_from(self, small: Self) -> widening.Placements:
        names = ("skip", "log_rate", "log_phase", "log_scale")
        return {
            **{
                name: copied_units.vector(getattr(small, name), getattr(self, name))
                for name in names
            },
            **widening.prefixed("read", copied_units.linear(small.read, self.read)),
            **widening.prefixed("write", copied_units.linear(small.write, self.write)),
        }


class SelectiveLayer(nn.Module):
    """y = C h + D x, where h_t = a_t h_{t-1} + gamma B x_t, and a_t is found from x_t.

    It is sigmoid(linear(x_t)), in (0, 1), or 2 sigmoid(linear(x_t)) - 1, in (-1, 1) (Grazzi et al.
    2024, arXiv 2411.12537, section 4.1).
    """

    def __init__(self, size: int, units: int, ring: Ring, *, signed: bool) -> None:
        super().__init__()
        self.state_size = units
        self.signed = signed
        self.decay = nn.Linear(size, units)
        self.read = nn.Linear(size, units, bias=False)
        self.write = nn.Linear(units, size, bias=False)
        self.skip = nn.Parameter(torch.randn(size))
        nn.init.normal_(self.read.weight, std=math.sqrt(1 / size))
        nn.init.normal_(self.write.weight, std=math.sqrt(1 / units))
        radius = _radii(units, ring)
        self.log_scale = nn.Parameter(0.5 * torch.log1p(-radius.square()))  # log gamma
        share = radius
        if signed:  # as many of each sign
            share = (1 + radius * torch.where(torch.rand(units) < 0.5, -1.0, 1.0)) / 2
        with torch.no_grad():
            self.decay.bias.copy_(torch.logit(share))

    def forward(self, features: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Outputs (L, B, H) for features (L, B, H), and the state (B, N) after the last."""
        decay = torch.sigmoid(self.decay(features))  # (L, B, N)
        if self.signed:
            decay = 2 * decay - 1
        values = self.read(features) * torch.exp(self.log_scale)
        states = linear_scan(decay, continued(decay, values, before))
        return self.write(states) + self.skip * features, states[-1]

    def work(self, examples: int, length: int) -> Work:
        rows, found = examples * length, Work(depth=3)
        for layer in (self.decay, self.read, self.write):
            found += linear_work(layer, rows)
        found += Work(operations=ACTIVATION * rows * self.state_size, depth=1)
        return found + scan_work(examples, length, self.state_size, is_complex=False)

    def placements_from(self, small: Self) -> widening.Placements:
        names = ("skip", "log_scale")
        return {
            **{
                name: copied_units.vector(getattr(small, name), getattr(self, name))
                for name in names
            },
            **widening.prefixed("decay", copied_units.linear(small.decay, self.decay)),
            **widening.prefixed("read", copied_units.linear(small.read, self.read)),
            **widening.prefixed("write", copied_units.linear(small.write, self.write)),
        }


def _complex(parts: Tensor) -> Tensor:
    """Complex numbers (..., N) of real and imaginary parts side by side, (..., 2 N)."""
    return torch.view_as_complex(parts.reshape(*parts.shape[:-1], -1, 2))


def _radii(count: int, ring: Ring) -> Tensor:
    """Absolute values of so many numbers that are drawn uniformly from a ring."""
    low, high = ring
    return torch.sqrt(low**2 + torch.rand(count) * (high**2 - low**2)).clamp(min=1e-4)
