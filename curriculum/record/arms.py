"""How far the arms of a portfolio have come, added up from its run's journal."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from curriculum.plan import Cost
from curriculum.record.race_events import (
    ArmEvaluated,
    ArmSelected,
    FavouritesChanged,
    RaceEvent,
    RaceStarted,
)
from curriculum.record.result import ArmResult

ROUNDING = 1e-9
"""What sums of costs may differ by, relative to them."""


class ArmsHistory:
    """The race of a run's arms; empty for a run that races none.

    Attributes:
        started: which arms there are; None for a run that races none, or none yet.
        evaluations: of all arms, in the order of the race.
        times: the times of day when they were recorded.
        favourites: which arms were trained on, each with the number of the evaluation that it came after.
        selected: how the race ended; None while it has not.
    """

    def __init__(self) -> None:
        self.started: RaceStarted | None = None
        self.evaluations: list[ArmEvaluated] = []
        self.times: list[float] = []
        self.favourites: list[tuple[int, FavouritesChanged]] = []
        self.selected: ArmSelected | None = None
        self._last: dict[str, ArmEvaluated] = {}
        self._before: tuple[list[float], list[Cost]] | None = None

    def add(self, event: RaceEvent, time: float) -> None:
        """Take one more record into account."""
        match event:
            case RaceStarted():
                self.started = event
            case ArmEvaluated():
                self.evaluations.append(event)
                self.times.append(time)
                self._last[event.arm] = event
            case FavouritesChanged():
                self.favourites.append((len(self.evaluations), event))
            case ArmSelected():
                self.selected = event

    @property
    def last(self) -> dict[str, ArmEvaluated]:
        """The last evaluation of each arm that was started, in the order that they were."""
        return self._last

    @property
    def names(self) -> tuple[str, ...]:
        """All arms, in the order of the race; those that were not trained yet, too."""
        selected = () if self.selected is None else (self.selected.arm,)
        return tuple(dict.fromkeys((*self.first_costs, *self._last, *selected)))

    @property
    def first_costs(self) -> Mapping[str, float]:
        """Of each arm, the compute of its first evaluation interval, as estimated."""
        return {} if self.started is None else self.started.first_costs

    @property
    def compute(self) -> float:
        """What the race has cost so far, all arms together."""
        return sum(event.cost.compute for event in self._last.values())

    def results(self) -> dict[str, ArmResult]:
        """What each arm has come to."""
        return {name: self._result(name) for name in self.names}

    def _result(self, name: str) -> ArmResult:
        if name not in self._last:
            return ArmResult()
        last = self._last[name]
        return ArmResult(
            reach=last.reach,
            mastered=last.report.mastered,
            selected=self.selected is not None and self.selected.arm == name,
            ending=last.report.ending,
            evaluations=sum(event.arm == name for event in self.evaluations),
            stage=last.stage,
            score=last.report.score,
            target_score=last.report.target_score,
            steps=last.cost.steps,
            tokens=last.cost.tokens,
            compute=last.cost.compute,
        )

    @property
    def cost(self) -> Cost:
        """Of the arms that the run is not made of: of all, until one is selected."""
        winner = None if self.selected is None else self.selected.arm
        return sum((e.cost for arm, e in self._last.items() if arm != winner), Cost())

    def cost_of_others(self, compute: float) -> Cost:
        """What the other arms had cost when the selected one had come to that compute of its own."""
        if self.selected is None:
            return self.cost
        if self._before is None:
            self._before = self._others_before(self.selected.arm)
        reached, others = self._before
        found = bisect_left(reached, compute * (1 - ROUNDING))
        return others[found] if found < len(others) else self.cost

    def _others_before(self, selected: str) -> tuple[list[float], list[Cost]]:
        """The compute of an arm at each of its evaluations, and what the others had cost before it."""
        reached, found, last = list[float](), list[Cost](), dict[str, Cost]()
        for event in self.evaluations:
            if event.arm == selected:
                reached.append(event.cost.compute)
                found.append(sum(last.values(), Cost()))
            else:
                last[event.arm] = event.cost
        return reached, found
