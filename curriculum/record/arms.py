"""How far the arms of a portfolio have come, added up from its run's journal."""

from __future__ import annotations

from curriculum.plan import Cost
from curriculum.record.race_events import ArmEvaluated, ArmSelected, FavouritesChanged, RaceEvent


class ArmsHistory:
    """The race of a run's arms; empty for a run that races none.

    Attributes:
        evaluations: of all arms, in the order of the race.
        times: the times of day when they were recorded.
        favourites: which arms were trained on, each with the number of the evaluation that it came after.
        selected: how the race ended; None while it has not.
    """

    def __init__(self) -> None:
        self.evaluations: list[ArmEvaluated] = []
        self.times: list[float] = []
        self.favourites: list[tuple[int, FavouritesChanged]] = []
        self.selected: ArmSelected | None = None
        self._last: dict[str, ArmEvaluated] = {}

    def add(self, event: RaceEvent, time: float) -> None:
        """Take one more record into account."""
        match event:
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
    def cost(self) -> Cost:
        """Of the arms that the run is not made of: of all, until one is selected."""
        winner = None if self.selected is None else self.selected.arm
        return sum((e.cost for arm, e in self._last.items() if arm != winner), Cost())

    def cost_of_others(self, compute: float) -> Cost:
        """What the other arms had cost when the selected one had come to that compute of its own."""
        others = dict[str, Cost]()
        for event in self.evaluations:
            if self.selected is not None and event.arm == self.selected.arm:
                if event.cost.compute >= compute:
                    break
            else:
                others[event.arm] = event.cost
        return sum(others.values(), Cost())
