"""The frontier, and now and then what was before it (Collier & Beel 2018, arXiv 1809.10789)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from curriculum.plan.sampling.sampler import Rng, StatelessSampling
from curriculum.plan.stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class LookBack(StatelessSampling):
    """A batch in ten, say, comes from any stage up to the frontier, the others from there.

    p(i) = back / (frontier + 1) for i up to the frontier, and 1 - back more for itself.

    Where two things grow, the authors' code draws one independently of the other, each with
    probability `back` and from all its values up to the frontier's. Here a whole stage is
    drawn, so that a batch is always of one stage of the path.

    Attributes:
        back: the probability that a batch is drawn from all stages so far.
    """

    back: Annotated[float, "[0, 1]"] = 0.1

    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        if rng.random() < self.back:
            return stages[int(rng.integers(frontier + 1))]
        return stages[frontier]
