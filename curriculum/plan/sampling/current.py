"""Every batch comes from the frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from curriculum.plan.sampling.sampler import Fixed
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Current"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Current(Fixed):
    """Every batch comes from the frontier's stage."""

    several: ClassVar[bool] = False

    def draw(self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int) -> Stage:
        return stages[frontier]
