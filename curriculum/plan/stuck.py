"""What to do when a stage's budget is used up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from curriculum.errors import UsageError
from curriculum.plan.stage import Stage

__all__ = ["Stuck", "Tries", "Way"]

Way = Literal["retunes", "half_steps", "demotions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stuck:
    """How often a stage that was exhausted is tried again, and how.

    First a retune, where tuning is on: more trials for it, from the same parent. Then a
    half step: the stage midway between it and the last one mastered (under galloping
    growth: the stride is halved). Then a demotion: back to the last stage mastered,
    which is trained on for at least `consolidation_steps` before it is climbed from
    again; where that one is exhausted in its turn, the same goes for it. When a stage
    has no try left, the run stops. The counts are each stage's.
    """

    retunes: int = 1
    half_steps: int = 1
    demotions: int = 1
    consolidation_steps: int = 100

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 0:
                raise UsageError(f"stuck.{name} must be at least 0, got {getattr(self, name)}")


class Tries:
    """Counts how often each stage was tried again, each way, so that every walk ends."""

    def __init__(self, allowed: Stuck) -> None:
        self._allowed = allowed
        self._taken: dict[Way, Counter[str]] = {
            "retunes": Counter(),
            "half_steps": Counter(),
            "demotions": Counter(),
        }

    def take(self, way: Way, stage: Stage) -> bool:
        """Whether the stage has a try of that kind left; it is used up by asking."""
        if self._taken[way][stage.key] >= getattr(self._allowed, way):
            return False
        self._taken[way][stage.key] += 1
        return True

    def state_dict(self) -> dict[str, Any]:
        return {way: dict(counts) for way, counts in self._taken.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for way, counts in self._taken.items():
            counts.clear()
            counts.update(state[way])
