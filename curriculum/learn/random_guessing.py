"""Random weight guessing, as a torch optimizer."""

from collections.abc import Callable, Iterable
from typing import overload

import torch
from torch.nn import Parameter
from torch.optim import Optimizer


class Guessing(Optimizer):
    """Draws all weights afresh at each step, uniformly from [-lr, lr], whatever the gradient.

    They are drawn by torch's global generator of the device that they are on. Nothing is
    kept from step to step.
    """

    def __init__(self, parameters: Iterable[Parameter], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Draw the weights; the loss that `closure` gives is that of those before."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.requires_grad:
                    parameter.uniform_(-group["lr"], group["lr"])
        return loss
