"""The frontier, and a mix of all difficulties (Zaremba & Sutskever 2014, arXiv 1410.4615)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from curriculum.plan.sampling.mixed import Mixed
from curriculum.plan.sampling.sampler import Fixed
from curriculum.plan.sampling.share import check_share
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Combined"]

MIXED = Mixed()


@dataclass(frozen=True, kw_only=True, slots=True)
class Combined(Fixed):
    """Each example comes from the frontier's stage, or else is drawn as `Mixed` does.

    So the model always sees something hard, which is what sets it apart from a naive
    curriculum: p(stage) = mixed / (number of pairs of a length and a vocabulary), and
    1 - mixed more for the frontier's. The default is that of the authors' code.

    Attributes:
        mixed: the probability that an example is drawn from all difficulties.
    """

    unit: ClassVar[Literal["batch", "example"]] = "example"
    mixed: float = 0.2

    def __post_init__(self) -> None:
        check_share("mixed", self.mixed)

    def draw(self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int) -> Stage:
        if rng.random() < self.mixed:
            return MIXED.draw(rng, stages, frontier)
        return stages[frontier]

    def draws(
        self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int, count: int
    ) -> list[Stage]:
        mixed = int((rng.random(count) < self.mixed).sum())
        found = MIXED.draws(rng, stages, frontier, mixed)
        return [*found, *[stages[frontier]] * (count - mixed)]

    def stages(self, path: Sequence[Stage]) -> Sequence[Stage]:
        return MIXED.stages(path)
