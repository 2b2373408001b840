"""How the learning rate goes over a visit, or a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from curriculum.learn.training_settings import Training

START = 1 / 25
"""The rate at the start, as a part of the peak's."""

END = 1e-4 / 25
"""The rate at the end, as a part of the peak's."""

MOMENTA = (0.95, 0.85)
"""Momentum (or Adam's first beta) at the ends, and at the peak of the rate."""


def one_cycle(done: float, warmup: float) -> tuple[float, float]:
    """The rate as a part of its peak, and the momentum, when so much of the horizon is done.

    The rate rises along a cosine for the `warmup`, and falls along another for the rest;
    the momentum does the reverse (Smith 2018, arXiv 1803.09820).

    >>> one_cycle(0.25, warmup=0.25)
    (1.0, 0.85)
    """
    high, low = MOMENTA
    if done < warmup:
        risen = _eased(done / warmup)
        return START + (1 - START) * risen, high + (low - high) * risen
    fallen = _eased((done - warmup) / (1 - warmup))
    return 1 + (END - 1) * fallen, low + (high - low) * fallen


def rise_and_fall(done: float, warmup: float, *, cosine: bool) -> float:
    """The rate as a part of its peak: it rises along a line, and falls to 0 along a line or half a cosine.

    >>> [rise_and_fall(done, 0.5, cosine=False) for done in (0.25, 0.5, 0.75, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    if done < warmup:
        return done / warmup
    fallen = (done - warmup) / (1 - warmup)
    return 1 - (_eased(fallen) if cosine else min(fallen, 1.0))


def set_rate(optimizer: Optimizer, settings: Training, peak: float, done: float) -> None:
    """Give an optimizer the rate, and the momentum, that are due when so much of the schedule is over."""
    if settings.schedule != "one_cycle":
        factor = rise_and_fall(done, settings.warmup, cosine=settings.schedule == "cosine")
        for group in optimizer.param_groups:
            group["lr"] = peak * factor
        return
    factor, momentum = one_cycle(done, settings.warmup)
    for group in optimizer.param_groups:
        group["lr"] = peak * factor
        if "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
        elif "momentum" in group:
            group["momentum"] = momentum


def _eased(part: float) -> float:
    """From 0 to 1 along half a cosine."""
    return (1 - math.cos(math.pi * min(part, 1.0))) / 2
