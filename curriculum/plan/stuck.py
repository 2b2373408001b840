"""What to do when a stage's budget is used up."""

from __future__ import annotations

from dataclasses import dataclass

from curriculum.errors import UsageError

__all__ = ["Stuck"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stuck:
    """How often a stage that was exhausted is tried again, and how.

    First a half step: the stage midway between it and the last one mastered (under
    galloping growth: the stride is halved). Then a demotion: back to the last stage
    mastered, which is trained on for at least `consolidation_steps` before it is
    climbed from again; where that one is exhausted in its turn, the same goes for it.
    When a stage has no try left, the run stops. The counts are each stage's.
    """

    half_steps: int = 1
    demotions: int = 1
    consolidation_steps: int = 100

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 0:
                raise UsageError(f"stuck.{name} must be at least 0, got {getattr(self, name)}")
