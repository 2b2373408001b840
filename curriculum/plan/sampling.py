"""Which stages a training batch is drawn from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Current", "Sampling"]


class Sampling(ABC):
    """Draws the stage of each training batch, given the stages and where the frontier is.

    `several` says whether batches of one frontier come from more than one stage.
    """

    __slots__ = ()
    several: ClassVar[bool] = True

    @abstractmethod
    def draw(self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int) -> Stage:
        """The stage of the next batch; `frontier` is an index into `stages`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Current(Sampling):
    """Every batch comes from the frontier's stage."""

    several: ClassVar[bool] = False

    def draw(self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int) -> Stage:
        return stages[frontier]
