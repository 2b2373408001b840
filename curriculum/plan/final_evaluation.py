"""What is evaluated once a run is over, and how far beyond what was trained on."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from curriculum.errors import check_fields
from curriculum.plan.stage import Stage

LENGTH_RATIO = math.sqrt(2)


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalEvaluation:
    """Evaluations on a stream of their own, which decide nothing and are not charged.

    The target is evaluated ahead of the stages below it, all stages whenever one is
    mastered, and all stages and longer lengths once the run is over.

    Attributes:
        mode: `on`, or `off` to leave these evaluations out.
        beyond: evaluate longer lengths, up to so many times the longest one trained on or
            mastered.
        examples: how many of such a length, where it has too many inputs to evaluate all.
    """

    mode: Literal["on", "off"] = "on"
    beyond: Annotated[float, "[1, inf)"] = 4.0
    examples: Annotated[int, "[1, inf)"] = 512

    def __post_init__(self) -> None:
        check_fields(self, "final_evaluation")

    def lengths(self, longest: int) -> list[int]:
        """The lengths that are tested beyond the longest, each longer by the square root of 2.

        >>> FinalEvaluation().lengths(100)
        [141, 200, 283, 400]
        """
        found: list[int] = []
        power = 1
        while round(longest * LENGTH_RATIO**power) <= round(longest * self.beyond):
            found.append(round(longest * LENGTH_RATIO**power))
            power += 1
        return sorted({n for n in (*found, round(longest * self.beyond)) if n > longest})

    def stages(self, longest: int, like: Stage) -> list[Stage]:
        """The stages of these lengths, with the vocabulary and the level of one."""
        return [replace(like, length=length) for length in self.lengths(longest)]
