"""The frontier, and now and then what was before it (Collier & Beel 2018, arXiv 1809.10789)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curriculum.plan.sampling.sampler import Fixed
from curriculum.plan.sampling.share import check_share
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LookBack"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LookBack(Fixed):
    """A batch in ten, say, comes from any stage up to the frontier, the others from there.

    p(i) = back / (frontier + 1) for i up to the frontier, and 1 - back more for itself.

    Where two things grow, the authors' code draws one independently of the other, each with
    probability `back` and from all its values up to the frontier's. Here a whole stage is
    drawn, so that a batch is always of one stage of the path.

    Attributes:
        back: the probability that a batch is drawn from all stages so far.
    """

    back: float = 0.1

    def __post_init__(self) -> None:
        check_share("back", self.back)

    def draw(self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int) -> Stage:
        if rng.random() < self.back:
            return stages[int(rng.integers(frontier + 1))]
        return stages[frontier]
