"""The frontier, and now and then any stage (Collier & Beel 2018, arXiv 1809.10789)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curriculum.plan.sampling.sampler import Fixed
from curriculum.plan.sampling.share import check_share
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LookBackAndAhead"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LookBackAndAhead(Fixed):
    """A batch in five, say, comes from any stage of the path, the others from the frontier.

    p(i) = others / (number of stages), and 1 - others more for the frontier's.

    Where two things grow, the authors' code draws one independently of the other, each with
    probability `others` and from all its values. Here a whole stage is drawn, so that a batch
    is always of one stage of the path.

    Attributes:
        others: the probability that a batch is drawn from the whole path.
    """

    others: float = 0.2

    def __post_init__(self) -> None:
        check_share("others", self.others)

    def draw(self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int) -> Stage:
        if rng.random() < self.others:
            return stages[int(rng.integers(len(stages)))]
        return stages[frontier]
