"""The frontier, and a mix of all difficulties (Zaremba & Sutskever 2014, arXiv 1410.4615)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from curriculum.plan.sampling.mixed import Mixed
from curriculum.plan.sampling.sampler import Rng, StatelessSampling
from curriculum.plan.stage import Stage

MIXED = Mixed()


@dataclass(frozen=True, kw_only=True, slots=True)
class Combined(StatelessSampling):
    """Each example comes from the frontier's stage, or else is drawn as `Mixed` does.

    So the model always sees something hard, which is what sets it apart from a naive
    curriculum: p(stage) = mixed / (number of pairs of a length and a vocabulary), and
    1 - mixed more for the frontier's. The default is that of the authors' code.

    Attributes:
        mixed: the probability that an example is drawn from all difficulties.
    """

    draws_per: ClassVar[Literal["batch", "example"]] = "example"
    mixed: Annotated[float, "[0, 1]"] = 0.2

    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        if rng.random() < self.mixed:
            return MIXED.draw(rng, stages, frontier)
        return stages[frontier]

    def draw_many(
        self, rng: Rng, stages: Sequence[Stage], frontier: int, count: int
    ) -> list[Stage]:
        mixed = int((rng.random(count) < self.mixed).sum())
        found = MIXED.draw_many(rng, stages, frontier, mixed)
        return [*found, *[stages[frontier]] * (count - mixed)]

    def stages(self, path: Sequence[Stage]) -> Sequence[Stage]:
        return MIXED.stages(path)
