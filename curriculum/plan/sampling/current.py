"""Every batch comes from the frontier."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from curriculum.plan.sampling.sampler import Rng, StatelessSampling
from curriculum.plan.stage import Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Current(StatelessSampling):
    """Every batch comes from the frontier's stage."""

    mixes_stages: ClassVar[bool] = False

    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        return stages[frontier]
