"""What all samplings are: settings, and what draws under them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from curriculum.plan.sampling.signal import Signal, SignalKind
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Fixed", "Sampler", "Sampling"]


class Sampler(ABC):
    """Draws the stages of training batches, and may learn from what comes of it."""

    __slots__ = ()

    @abstractmethod
    def draw(self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int) -> Stage:
        """A stage; `frontier` is an index into `stages`."""

    def draws(
        self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int, count: int
    ) -> list[Stage]:
        """So many of them."""
        return [self.draw(rng, stages, frontier) for _ in range(count)]

    @abstractmethod
    def observe(self, rng: np.random.Generator, drawn: int, signal: Signal) -> None:
        """Take into account what a step on stage number `drawn` showed."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """What it has learnt, as JSON."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` gave, under the same settings."""


class Sampling(ABC):
    """Settings of a sampler.

    `several` says whether batches of one frontier come from more than one stage; `unit`
    whether a stage is drawn for each batch, or for each example of it; `signal` what the
    sampler learns from, if it learns.
    """

    __slots__ = ()
    several: ClassVar[bool] = True
    unit: ClassVar[Literal["batch", "example"]] = "batch"
    signal: ClassVar[SignalKind | None] = None

    @abstractmethod
    def sampler(self, count: int) -> Sampler:
        """A fresh sampler for a path of so many stages."""

    def stages(self, path: Sequence[Stage]) -> Sequence[Stage]:
        """The stages that may be drawn."""
        return path


class Fixed(Sampling, Sampler):
    """A sampling that learns nothing, and so is its own sampler."""

    __slots__ = ()

    def sampler(self, count: int) -> Sampler:
        return self

    def observe(self, rng: np.random.Generator, drawn: int, signal: Signal) -> None:
        raise TypeError(f"sampling {type(self).__name__.lower()} learns nothing from a step")

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass
