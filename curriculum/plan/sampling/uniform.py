"""Every stage up to the frontier is as likely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curriculum.plan.sampling.sampler import Fixed
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Uniform"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Uniform(Fixed):
    """Each batch comes from a stage drawn uniformly: p(i) = 1 / (frontier + 1) for i up to it.

    With direct pacing it is the uniform baseline of Graves et al. 2017, arXiv 1704.03003.
    """

    def draw(self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int) -> Stage:
        return stages[int(rng.integers(frontier + 1))]
