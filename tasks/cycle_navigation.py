"""Cycle navigation: where does a walk on a circle end?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import check_fields
from curriculum.learn import Shape
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.string_task import StringTask

STEPS = Alphabet(("left", "stay", "right"))


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleNavigation(StringTask):
    """The final position of a walk from position 0: each step goes left, stays, or goes right.

    "Cycle Navigation" of Delétang et al. 2023, arXiv 2207.02098, appendix A; a regular language.

    Attributes:
        cycle_length: positions of the circle.

    >>> batch = CycleNavigation().encode("right left stay left left", Stage(5, 3))
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[2, 0, 1, 0, 0]], [3])
    """

    output = "symbol"

    cycle_length: Annotated[int, "[2, inf)"] = 5

    def __post_init__(self) -> None:
        check_fields(self, "task")

    def check(self, stage: Stage) -> None:
        STEPS.check("cycle navigation", stage)

    def shape(self, last: Stage) -> Shape:
        return Shape.of("symbol", last, output_vocab_size=self.cycle_length)

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return STEPS.decode(symbols)

    def decode_output(self, symbols: NDArray[np.int64]) -> list[str]:
        return [str(symbol) for symbol in symbols]

    def targets(self, inputs: NDArray[np.int64]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = (inputs - 1).sum(axis=1) % self.cycle_length
        return found

    def parse(self, text: str, stage: Stage) -> list[int]:
        return STEPS.parse(text)
