"""Every stage up to the frontier is as likely."""

from collections.abc import Sequence
from dataclasses import dataclass

from curriculum.plan.sampling.sampler import Rng, StatelessSampling
from curriculum.plan.stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Uniform(StatelessSampling):
    """Each batch comes from a stage drawn uniformly: p(i) = 1 / (frontier + 1) for i up to it.

    With direct pacing it is the uniform baseline of Graves et al. 2017, arXiv 1704.03003.
    """

    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        return stages[int(rng.integers(frontier + 1))]
