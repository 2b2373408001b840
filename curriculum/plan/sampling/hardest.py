"""The path from its end: a control."""

from collections.abc import Sequence
from dataclasses import dataclass

from curriculum.plan.sampling.sampler import Rng, StatelessSampling
from curriculum.plan.stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardest(StatelessSampling):
    """The path in the wrong order: uniformly from as many of its hardest stages.

    Where `Uniform` draws from the frontier + 1 easiest stages, it draws from the
    frontier + 1 hardest: p(i) = 1 / (frontier + 1) for i from last - frontier up. A control:
    what a curriculum gains by its order, this must lose (anti-curriculum: Hacohen &
    Weinshall 2019, arXiv 1904.03626).
    """

    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        return stages[len(stages) - 1 - int(rng.integers(frontier + 1))]
