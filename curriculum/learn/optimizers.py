"""Settings of the optimizers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curriculum.errors import UsageError

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer

__all__ = ["SGD", "Adam", "AdamW", "Guess", "OptimizerSettings", "RAdam"]


class OptimizerSettings(ABC):
    """Settings that build a torch optimizer. All have a `learning_rate`."""

    __slots__ = ()
    learning_rate: float

    @abstractmethod
    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """The optimizer of `parameters`; fused into one kernel where torch has one."""

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < math.inf:
            raise UsageError(
                f"optimizer.learning_rate must be a number above 0, got {self.learning_rate}"
            )
        for name, values, below in (
            ("betas", getattr(self, "betas", ()), 1),
            ("momentum", (getattr(self, "momentum", 0),), 1),
            ("weight_decay", (getattr(self, "weight_decay", 0),), math.inf),
        ):
            if not all(0 <= value < below for value in values):
                raise UsageError(f"optimizer.{name} must be in [0, {below}), got {values}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Adam(OptimizerSettings):
    """Kingma & Ba 2015, arXiv 1412.6980."""

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        from torch.optim import Adam

        return Adam(parameters, lr=self.learning_rate, betas=self.betas, fused=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class AdamW(OptimizerSettings):
    """Adam with decoupled weight decay. Loshchilov & Hutter 2019, arXiv 1711.05101."""

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        from torch.optim import AdamW

        return AdamW(
            parameters,
            lr=self.learning_rate,
            betas=self.betas,
            weight_decay=self.weight_decay,
            fused=True,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SGD(OptimizerSettings):
    """Stochastic gradient descent with momentum."""

    learning_rate: float = 1e-2
    momentum: float = 0.9

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        from torch.optim import SGD

        return SGD(parameters, lr=self.learning_rate, momentum=self.momentum, fused=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class RAdam(OptimizerSettings):
    """Adam with a rectified warm-up. Liu et al. 2020, arXiv 1908.03265."""

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        from torch.optim import RAdam

        return RAdam(parameters, lr=self.learning_rate, betas=self.betas, foreach=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess(OptimizerSettings):
    """A control: every step forgets the weights, and draws others at random.

    Hochreiter & Schmidhuber 1996, "LSTM can solve hard long time lag problems", section 1.

    Attributes:
        learning_rate: each weight is uniform between minus this and this.
    """

    learning_rate: float = 100.0

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        from curriculum.learn.guessing import Guessing

        return Guessing(parameters, lr=self.learning_rate)
