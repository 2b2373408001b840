"""Races the arms of a run, and ends the race with the one that the run goes on as."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from curriculum import record
from curriculum.learn import Stopped, StopRequest
from curriculum.plan import Budget, Cost, Race
from curriculum.runner.arm_run import Arm


class PortfolioRace:
    """A race of arms in compute; all that it decides follows from what they cost and show."""

    def __init__(
        self,
        arms: Mapping[str, Arm],
        race: Race,
        recorder: record.Recorder,
        *,
        started: record.RaceStarted,
        budget: Budget,
        stop: StopRequest,
    ) -> None:
        """Make ready.

        Args:
            arms: by name, in the order of the race.
            race: decides which is trained next.
            recorder: of the run.
            started: tells which arms there are, and which were left out.
            budget: of the run, for all arms together.
            stop: asks it to stop.
        """
        self._names, self._arms = list(arms), list(arms.values())
        self._race, self._recorder = race, recorder
        self._started, self._budget, self._stop = started, budget, stop
        self._last: dict[int, record.ArmEvaluated] = {}
        self._favourites: list[int] = []

    def run(self) -> tuple[record.ArmSelected, float]:
        """Race until an arm masters the target, or none can be trained further, or the budget is used up.

        Gives how it ended, and the seconds that all but the selected arm took.

        Raises:
            Stopped: where a stop was requested; the state of each arm is saved then.
        """
        ending = None
        self._recorder.write(self._started, self._recorder.clock())
        try:
            while ending is None and (number := self._race.next) is not None:
                self._stop.check()
                self._advance(number)
                if self._race.winner is None:
                    ending = self._budget.run_limit_reached(self._cost)
            return self._select(ending)
        except Stopped:
            for arm in self._arms:
                arm.save()
            raise

    def _advance(self, number: int) -> None:
        """Train an arm to its next evaluation, and record what that shows."""
        event = self._arms[number].advance()
        self._last[number] = event
        self._race.observe(number, event.report)
        self._recorder.write(event, self._recorder.clock())
        favourites = [] if self._race.winner is not None else self._race.favourites
        if favourites and favourites != self._favourites:
            self._favourites = favourites
            found = {name: self._race.remaining(n) for n, name in enumerate(self._names)}
            self._recorder.write(
                record.FavouritesChanged(
                    arms=tuple(self._names[n] for n in favourites),
                    remaining={
                        name: cost if math.isfinite(cost) else None
                        for name, cost in found.items()
                        if cost is not None
                    },
                ),
                self._recorder.clock(),
            )

    def _select(self, ending: str | None) -> tuple[record.ArmSelected, float]:
        """End the arm that has won, or else got farthest, and record that it is the run's."""
        winner = self._race.winner
        if winner is None:
            number = max(self._last, key=self._standing)
            ending = ending or "no arm can be trained further"
        else:
            number = winner
            ending = f"{self._names[winner]} is the first arm to master the target"
        own_seconds = self._arms[number].end(ending)
        costs = {n: event.cost for n, event in self._last.items()}
        own = costs.pop(number)
        selected = record.ArmSelected(
            arm=self._names[number],
            mastered=winner is not None,
            ending=ending,
            cost=own,
            discarded_cost=sum(costs.values(), Cost()),
        )
        others_seconds = max(0.0, self._recorder.clock() - own_seconds)
        return selected, self._recorder.write(selected, others_seconds).clock.seconds

    def _standing(self, number: int) -> tuple[int, float, float, int]:
        """How far an arm has come: by stages, score and little compute; of equals the first."""
        report = self._last[number].report
        score = -1.0 if report.score is None else report.score
        return report.stages, score, -report.compute, -number

    @property
    def _cost(self) -> Cost:
        """Of all arms so far."""
        total = sum((event.cost for event in self._last.values()), Cost())
        return replace(total, seconds=self._recorder.clock())
