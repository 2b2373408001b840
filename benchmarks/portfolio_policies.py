"""Rules by which a portfolio may be raced: the one that is used, and those that it was chosen from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from curriculum.plan import Race


class LeastSpent(Race):
    """The arm that has cost least is next, whatever it reports: at most as many times the best as arms."""

    @property
    def favourites(self) -> list[int]:
        return open_arms(self)


class FixedShares(Race):
    """Direct training and the first curriculum get 45 % each, others 10 %."""

    def _choose(self) -> int | None:
        arms = [] if self.winner is not None else open_arms(self)
        return min(arms, key=self._weighed, default=None)

    def _weighed(self, arm: int) -> float:
        return self._counted(arm) / (0.45 if arm < 2 else 0.1)


class SuccessiveHalving(Race):
    """At six intervals' cost the better half stays, by how far it has come, and again at twice that.

    Of its path, or at the target, whichever is more.
    """

    @property
    def favourites(self) -> list[int]:
        arms = sorted(open_arms(self), key=self._come, reverse=True)
        rung = max(self._head_starts)
        while len(arms) > 1 and all(self._counted(arm) >= rung for arm in arms):
            arms, rung = arms[: math.ceil(len(arms) / 2)], 2 * rung
        return arms

    def _come(self, arm: int) -> float:
        reports = self.reports[arm]
        scores = [each.target_score for each in reports if each.target_score is not None]
        way = abs(scores[-1] - scores[0]) if scores else 0.0
        return max(way, reports[-1].stages / self.path_length if reports else 0.0)

    path_length = 1


class PredictedTotals(Race):
    """All arms alike; one is left out once it is predicted to cost twice what another is, in all."""

    @property
    def favourites(self) -> list[int]:
        arms = open_arms(self)
        totals = {
            arm: self.compute_of(arm) + left
            for arm in arms
            if (left := self.remaining(arm)) is not None
        }
        least = min(totals.values(), default=math.inf)
        return [arm for arm in arms if arm not in totals or totals[arm] <= 2 * least]


class TrendDecides(Race):
    """Direct training where the target shows a trend; else the curriculum that needs least."""

    @property
    def favourites(self) -> list[int]:
        found = super().favourites
        direct = [arm for arm in open_arms(self) if not self._waits[arm]]
        trending = [arm for arm in direct if math.isfinite(self.remaining(arm) or math.inf)]
        return trending[:1] or found


class StagesAtEqualCost(Race):
    """No curriculum is kept back: all are raced until one is behind another in stages, at equal cost."""

    @property
    def favourites(self) -> list[int]:
        waiting = [arm for arm in open_arms(self) if self._waits[arm]]
        found = super().favourites
        if not any(self._waits[arm] for arm in found):
            return found
        behind = {arm for arm in waiting if any(self._is_behind(arm, other) for other in waiting)}
        ahead = [arm for arm in waiting if arm not in behind] or waiting
        return sorted({*ahead, *(arm for arm in found if not self._waits[arm])})

    def _is_behind(self, arm: int, other: int) -> bool:
        cost = min(self.compute_of(arm), self.compute_of(other))
        return self._stages_at(arm, cost) < self._stages_at(other, cost)

    def _stages_at(self, arm: int, cost: float) -> int:
        until = [*takewhile(lambda each: each.compute <= cost, self.reports[arm])]
        return until[-1].stages if until else 0


def open_arms(race: Race) -> list[int]:
    """The arms that can be trained further."""
    return [arm for arm in range(len(race.reports)) if race.is_open(arm)]


class _LeastShare(Race):
    """As `auto`, with another least share."""

    share: float

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more, least_share=self.share)


class ThirdAtLeast(_LeastShare):
    """Each gets a third of an equal part at least."""

    share = 1 / 3


class HalfAtLeast(_LeastShare):
    """Each gets half of an equal part at least."""

    share = 0.5


class AllAlike(_LeastShare):
    """Each gets an equal part."""

    share = 1.0


POLICIES: Mapping[str, type[Race]] = {
    "auto": Race,
    "least share 1/3": ThirdAtLeast,
    "least share 1/2": HalfAtLeast,
    "least share 1": AllAlike,
    "least spent": LeastSpent,
    "fixed shares": FixedShares,
    "halving": SuccessiveHalving,
    "totals": PredictedTotals,
    "trend decides": TrendDecides,
    "equal stages": StagesAtEqualCost,
}
"""By their names in the table."""
