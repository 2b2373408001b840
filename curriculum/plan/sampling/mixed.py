"""Every example has a difficulty of its own (Zaremba & Sutskever 2014, arXiv 1410.4615)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import ClassVar, Literal

from curriculum.plan.sampling.sampler import Rng, StatelessSampling
from curriculum.plan.stage import AXES, Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixed(StatelessSampling):
    """Each example's length and vocabulary are drawn uniformly, apart from each other.

    They come from all that the path has, whatever the frontier: p(length) = 1 / (number of
    lengths), p(vocabulary) likewise. So a stage may be drawn that is not on the path.
    """

    draws_per: ClassVar[Literal["batch", "example"]] = "example"

    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        found = grid(tuple(stages))
        return found[int(rng.integers(len(found)))]

    def draw_many(
        self, rng: Rng, stages: Sequence[Stage], frontier: int, count: int
    ) -> list[Stage]:
        found = grid(tuple(stages))
        return [found[place] for place in rng.integers(len(found), size=count)]

    def stages(self, path: Sequence[Stage]) -> Sequence[Stage]:
        return grid(tuple(path))


@lru_cache(maxsize=8)
def grid(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Each length of the stages with each vocabulary and each level, in order.

    >>> [stage.key for stage in grid((Stage(5, 2), Stage(9, 2), Stage(9, 4)))]
    ['5x2', '5x4', '9x2', '9x4']
    """
    axes = (sorted({getattr(stage, axis) for stage in stages}) for axis in AXES)
    return tuple(Stage(*numbers) for numbers in product(*axes))
