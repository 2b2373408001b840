"""Numbers that stay on the device until one of them is needed, and then come all at once."""

from __future__ import annotations

import torch
from torch import Tensor


class DeferredNumbers:
    """Numbers on one device, of which none has been read yet."""

    def __init__(self) -> None:
        self._waiting: list[DeferredNumber] = []

    def add(self, value: Tensor) -> DeferredNumber:
        """One more, a scalar."""
        number = DeferredNumber(self, value)
        self._waiting.append(number)
        return number

    def read(self) -> None:
        """Read all of them, waiting for the device once."""
        waiting, self._waiting = self._waiting, []
        values = torch.stack([torch.as_tensor(each.value) for each in waiting]).tolist()
        for each, value in zip(waiting, values, strict=True):
            each.value = value


class DeferredNumber:
    """A number that `float` reads, together with all that wait with it.

    Attributes:
        value: a scalar on the device, or what was read.
    """

    def __init__(self, numbers: DeferredNumbers, value: Tensor) -> None:
        self.value: Tensor | float = value
        self._numbers = numbers

    def __float__(self) -> float:
        if isinstance(self.value, Tensor):
            self._numbers.read()
        assert not isinstance(self.value, Tensor)
        return self.value
