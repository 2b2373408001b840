"""The frontier, and now and then any stage (Collier & Beel 2018, arXiv 1809.10789)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from curriculum.plan.sampling.sampler import Rng, StatelessSampling
from curriculum.plan.stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class LookBackAndAhead(StatelessSampling):
    """A batch in five, say, comes from any stage of the path, the others from the frontier.

    p(i) = others / (number of stages), and 1 - others more for the frontier's.

    Where two things grow, the authors' code draws one independently of the other, each with
    probability `others` and from all its values. Here a whole stage is drawn, so that a batch
    is always of one stage of the path.

    Attributes:
        others: the probability that a batch is drawn from the whole path.
    """

    others: Annotated[float, "[0, 1]"] = 0.2

    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        if rng.random() < self.others:
            return stages[int(rng.integers(len(stages)))]
        return stages[frontier]
