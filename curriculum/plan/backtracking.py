"""What to do when a stage's budget is used up."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, get_args

from curriculum.errors import check_fields
from curriculum.plan.stage import Stage

Retry = Literal["retunes", "half_steps", "demotions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Backtracking:
    """How often an exhausted stage is tried again, and how.

    First a retune, where tuning is on: more trials for it, from the same parent. Then a
    half step: the stage midway between it and the last one mastered (under galloping
    growth: the stride is halved). Then a demotion: back to the last stage mastered,
    which is trained on for at least `consolidation_steps` before the model advances from
    it again; where that one is exhausted in its turn, the same goes for it. When a stage
    has no retry left, the run stops.

    Attributes:
        retunes: how often each stage is retuned.
        half_steps: how many half steps are taken to each stage.
        demotions: how often each stage is left for the one before it.
        consolidation_steps: the least optimizer steps of a demotion.
    """

    retunes: int = 1
    half_steps: int = 1
    demotions: int = 1
    consolidation_steps: int = 100

    def __post_init__(self) -> None:
        check_fields(self, "backtracking", **dict.fromkeys(self.__slots__, "[0, inf)"))


class RetryCounts:
    """Counts how often each stage was retried, by the kind of retry, so that every run ends."""

    def __init__(self, allowed: Backtracking) -> None:
        self._allowed = allowed
        self._taken: dict[Retry, Counter[str]] = {retry: Counter() for retry in get_args(Retry)}

    def take(self, retry: Retry, stage: Stage) -> bool:
        """Use up a retry of that kind; False where the stage has none left."""
        if self._taken[retry][stage.key] >= getattr(self._allowed, retry):
            return False
        self._taken[retry][stage.key] += 1
        return True

    def state_dict(self) -> dict[str, Any]:
        return {retry: dict(counts) for retry, counts in self._taken.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._taken = {retry: Counter(state[retry]) for retry in self._taken}
