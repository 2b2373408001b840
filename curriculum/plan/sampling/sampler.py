"""What all samplings are: settings, and what draws under them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from curriculum.errors import check_fields
from curriculum.plan.sampling.feedback import Feedback, FeedbackKind
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np

Rng: TypeAlias = "np.random.Generator"


class Sampler(ABC):
    """Draws the stages of training batches, and may learn from the steps on them."""

    __slots__ = ()

    @abstractmethod
    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        """A stage; `frontier` is an index into `stages`."""

    def draw_many(
        self, rng: Rng, stages: Sequence[Stage], frontier: int, count: int
    ) -> list[Stage]:
        """`count` stages."""
        return [self.draw(rng, stages, frontier) for _ in range(count)]

    @abstractmethod
    def observe(self, rng: Rng, drawn: int, feedback: Feedback) -> None:
        """Learn from what a step on stage number `drawn` showed."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """What it has learnt, as JSON."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` gave, under the same settings."""


class LearningSampler(Sampler):
    """A sampler whose draws depend on what it has learnt.

    `learnt` names the attributes that hold it: numbers, and lists of them.
    """

    learnt: ClassVar[tuple[str, ...]]

    def state_dict(self) -> dict[str, Any]:
        return {name: _copied(getattr(self, name)) for name in self.learnt}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name in self.learnt:
            setattr(self, name, _copied(state[name]))


class Sampling(ABC):
    """Settings of a sampler.

    `mixes_stages` says whether batches of one frontier come from more than one stage;
    `draws_per` whether a stage is drawn for each batch, or for each example of it; `feedback`
    what the sampler learns from, if it learns.
    """

    __slots__ = ()
    mixes_stages: ClassVar[bool] = True
    draws_per: ClassVar[Literal["batch", "example"]] = "batch"
    feedback: ClassVar[FeedbackKind | None] = None

    def __post_init__(self) -> None:
        check_fields(self, "sampling")

    @abstractmethod
    def sampler(self, count: int) -> Sampler:
        """A fresh sampler for a path of `count` stages."""

    def stages(self, path: Sequence[Stage]) -> Sequence[Stage]:
        """The stages that may be drawn."""
        return path


class StatelessSampling(Sampling, Sampler):
    """A sampling that learns nothing, and so is its own sampler."""

    __slots__ = ()

    def sampler(self, count: int) -> Sampler:
        return self

    def observe(self, rng: Rng, drawn: int, feedback: Feedback) -> None:
        raise TypeError(f"sampling {type(self).__name__.lower()} learns nothing from a step")

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


def _copied(value: Any) -> Any:
    """Numbers as they are, and sequences of them as lists, as in JSON."""
    return [_copied(each) for each in value] if isinstance(value, Sequence) else value
