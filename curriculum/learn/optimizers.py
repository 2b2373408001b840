"""Settings of the optimizers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from curriculum.errors import UsageError, check_fields

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer


class OptimizerSettings(ABC):
    """Settings that build a torch optimizer. All have a `learning_rate`."""

    __slots__ = ()
    learning_rate: Annotated[float, "(0, inf)"]

    @abstractmethod
    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        """The optimizer of `parameters`; fused into one kernel where torch has one."""

    def __post_init__(self) -> None:
        check_fields(self, "optimizer")
        betas = getattr(self, "betas", ())
        if not all(0 <= beta < 1 for beta in betas):
            raise UsageError(f"optimizer.betas must be in [0, 1), got {betas}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Adam(OptimizerSettings):
    """Adaptive moments. Kingma & Ba 2015, arXiv 1412.6980.

    Attributes:
        learning_rate: the learning rate.
        betas: decay rates of the averages of the gradient and of its square.
    """

    learning_rate: Annotated[float, "(0, inf)"] = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        from torch.optim import Adam

        given = list(parameters)
        return Adam(given, lr=self.learning_rate, betas=self.betas, fused=_can_be_fused(given))


@dataclass(frozen=True, kw_only=True, slots=True)
class AdamW(OptimizerSettings):
    """Adam with decoupled weight decay. Loshchilov & Hutter 2019, arXiv 1711.05101.

    Attributes:
        learning_rate: the learning rate.
        betas: decay rates of the averages of the gradient and of its square.
        weight_decay: how much of each weight a step takes away, times the learning rate.
        decayed: of which weights: of `all`, or of `matrices` alone (parameters of two or more axes,
            embeddings too), so that biases and the scales of norms stay, as is usual for
            Transformers.
    """

    learning_rate: Annotated[float, "(0, inf)"] = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: Annotated[float, "[0, inf)"] = 0.01
    decayed: Literal["all", "matrices"] = "all"

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        from torch.optim import AdamW

        given = list(parameters)
        return AdamW(
            given if self.decayed == "all" else _decayed_apart(given),
            lr=self.learning_rate,
            betas=self.betas,
            weight_decay=self.weight_decay,
            fused=_can_be_fused(given),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SGD(OptimizerSettings):
    """Stochastic gradient descent with momentum.

    Attributes:
        learning_rate: the learning rate.
        momentum: the part of the last update that the next one keeps.
    """

    learning_rate: Annotated[float, "(0, inf)"] = 1e-2
    momentum: Annotated[float, "[0, 1)"] = 0.9

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        from torch.optim import SGD

        given = list(parameters)
        fused = _can_be_fused(given)
        return SGD(given, lr=self.learning_rate, momentum=self.momentum, fused=fused)


@dataclass(frozen=True, kw_only=True, slots=True)
class RAdam(OptimizerSettings):
    """Adam with a rectified warm-up. Liu et al. 2020, arXiv 1908.03265.

    Attributes:
        learning_rate: the learning rate.
        betas: decay rates of the averages of the gradient and of its square.
    """

    learning_rate: Annotated[float, "(0, inf)"] = 1e-3
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

    learning_rate: Annotated[float, "(0, inf)"] = 100.0

    def build(self, parameters: Iterable[Parameter]) -> Optimizer:
        from curriculum.learn.random_guessing import Guessing

        return Guessing(parameters, lr=self.learning_rate)


def _decayed_apart(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    """Two groups of parameters: of matrices, and of the rest, which don't decay."""
    given = [*parameters]
    matrices = [each for each in given if each.dim() > 1]
    rest = [each for each in given if each.dim() < 2]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": rest, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def _can_be_fused(parameters: Iterable[Parameter]) -> bool:
    """Whether torch's fused kernels take the parameters: they take no complex ones."""
    return all(parameter.is_floating_point() for parameter in parameters)
