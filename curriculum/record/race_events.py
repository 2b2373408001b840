"""What the journal of a run that races the arms of a portfolio tells of the race."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from curriculum.plan import ArmReport, Cost, Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class RaceStarted:
    """The arms of a portfolio are about to be raced.

    Attributes:
        first_costs: of each arm, the compute of its first evaluation interval, as estimated.
        left_out: the arms that the task refuses, and why.
    """

    first_costs: Mapping[str, float]
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmEvaluated:
    """An arm of a portfolio was trained to its next evaluation.

    Attributes:
        stage: that it was evaluated on.
        reach: the hardest stage of the path that it has mastered, in order or ahead.
        cost: of the arm so far, with its discarded trials.
    """

    arm: str
    stage: Stage
    reach: Stage | None
    report: ArmReport
    cost: Cost


@dataclass(frozen=True, kw_only=True, slots=True)
class FavouritesChanged:
    """The arms that are trained on, while the others get their least share alone.

    Attributes:
        arms: the favourites.
        remaining: what each arm that can be judged is predicted to need, in compute; None where nothing
            speaks for it.
    """

    arms: tuple[str, ...]
    remaining: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ArmSelected:
    """A race is over: the run is what this arm was, and what follows is its record.

    Attributes:
        mastered: whether it has mastered the target, or else got farthest.
        cost: of the arm.
        discarded_cost: of the others.
    """

    arm: str
    mastered: bool
    ending: str
    cost: Cost
    discarded_cost: Cost


RaceEvent: TypeAlias = RaceStarted | ArmEvaluated | FavouritesChanged | ArmSelected
"""What happens before the first visit of a run that races the arms of a portfolio."""
