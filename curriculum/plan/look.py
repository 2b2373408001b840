"""One examination of a model on one stage, as the scheduler sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from curriculum.plan.budget import Spending

__all__ = ["Look", "Source", "Tally"]

Source = Literal["sample", "every input", "document"]
"""Where examples come from: drawn afresh, a stage's whole input set, or a task's finite exam."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How `examples` were answered: `score` is their (weighted) mean result, in [0, 1]."""

    score: float
    examples: int
    source: Source = "sample"
    memorised: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"a score lies in [0, 1], got {self.score}")
        if self.examples < 1:
            raise ValueError(f"a tally needs at least one example, got {self.examples}")

    def state_dict(self) -> dict[str, Any]:
        """As JSON, without what is at its default."""
        state: dict[str, Any] = {"score": self.score, "examples": self.examples}
        if self.source != "sample":
            state["source"] = self.source
        if self.memorised:
            state["memorised"] = True
        return state


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A cheap `screen`, and a full `test` where the screen passed (or none was needed).

    `spent` is what the whole run has spent when the look is over, apart from what it
    `lost` on trials that did not win. `slices` are full
    tests of parts that must hold by themselves. `measures` are what else was seen, such as
    the loss in nats; nothing is decided on them. Only looks on the stream `gate`
    declare mastery. `diverged` says what is no longer a finite number, in words. `drawn` is
    what was trained on since the last look: how many examples of each stage, by its key.
    """

    screen: Tally | None = None
    test: Tally | None = None
    slices: Mapping[str, Tally] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    spent: Spending = field(default_factory=Spending)
    lost: Spending = field(default_factory=Spending)
    stream: str = "gate"
    diverged: str | None = None
    drawn: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, correct: int, examples: int, *, steps: int) -> Self:
        """A full test of fresh examples, of which `correct` were answered rightly.

        `steps` counts all optimizer steps so far, over all stages.
        """
        return cls(
            test=Tally(score=correct / examples, examples=examples), spent=Spending(steps=steps)
        )
