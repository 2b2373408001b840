"""The path from its end: a control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curriculum.plan.sampling.sampler import Fixed
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Hardest"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardest(Fixed):
    """The path in the wrong order: uniformly from as many of its hardest stages.

    Where `Uniform` draws from the frontier + 1 easiest stages, it draws from the
    frontier + 1 hardest: p(i) = 1 / (frontier + 1) for i from last - frontier up. A control:
    what a curriculum gains by its order, this must lose (anti-curriculum: Hacohen &
    Weinshall 2019, arXiv 1904.03626).
    """

    def draw(self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int) -> Stage:
        return stages[len(stages) - 1 - int(rng.integers(frontier + 1))]
