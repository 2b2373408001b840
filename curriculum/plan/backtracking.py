"""What to do when a stage's budget is used up."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from curriculum.errors import check_fields
from curriculum.plan.path_position import PathPosition
from curriculum.plan.stage import Stage
from curriculum.plan.verdict import VisitReason

Retry = Literal["retunes", "half_steps", "demotions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Backtracking:
    """How often an exhausted stage is tried again, and how.

    First a retune, where tuning is on: more trials for it, from the same parent. Then a
    half step: the stage midway between it and the last one mastered (under galloping
    growth: the stride is halved). Then a demotion: back to the last stage mastered,
    which is trained on for at least `consolidation_steps` before the model advances from
    it again; where that one is exhausted in its turn, the same goes for it. When a stage
    has no retry left, a fresh network starts the path anew: some can't be brought to a length
    by any learning rate. It comes first where it is the cheaper way: where the visit has cost more
    than the network took to come to it. When nothing is left, the run stops, and its model is the
    one that got farthest.

    Attributes:
        retunes: how often each stage is retuned.
        half_steps: how many half steps are taken to each stage.
        demotions: how often each stage is left for the one before it.
        fresh_starts: how often a run starts anew with fresh weights.
        consolidation_steps: the least optimizer steps of a demotion.
        patience: a visit is exhausted once neither score nor training loss have improved over so
            many optimizer steps, if the network has mastered a stage before; 0 for never. After
            r rollbacks of the visit it is divided by r + 1.
    """

    retunes: int = 1
    half_steps: int = 1
    demotions: int = 1
    fresh_starts: int = 2
    consolidation_steps: int = 100
    patience: int = 500

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


class NextVisit(NamedTuple):
    """What is visited next, and why."""

    stage: Stage
    reason: VisitReason
    retuning: bool = False


@dataclass
class Backtracker:
    """Chooses what to try after an exhausted visit.

    `allows` tells whether a stage between two of the path's can be made; `tuned` says that there
    is a tuner.

    Attributes:
        fresh_starts: how many there were.
    """

    settings: Backtracking
    position: PathPosition
    allows: Callable[[Stage], bool]
    tuned: bool

    def __post_init__(self) -> None:
        self.fresh_starts = 0
        self._started = 0.0  # the run's compute when this network started
        self._retries = RetryCounts(self.settings)

    def next_visit(
        self, stage: Stage, reason: VisitReason, *, before: float, after: float
    ) -> NextVisit | None:
        """What comes after an exhausted visit; None where nothing is left to try.

        Args:
            stage: that was visited.
            reason: why it was.
            before: the run's compute when the visit began.
            after: now.
        """
        if self.prefers_fresh_start(before=before, after=after):
            return self._fresh_start(after)
        if self.tuned and self._retries.take("retunes", stage):
            return NextVisit(stage, reason, retuning=True)
        return self._half_step(reason) or self._demotion() or self._fresh_start(after)

    def prefers_fresh_start(self, *, before: float, after: float) -> bool:
        """Whether a visit has cost more than fresh weights would to come to it; see `next_visit`.

        Where the network has mastered nothing yet, nothing says that others would.
        """
        left = self.fresh_starts < self.settings.fresh_starts
        return left and bool(self.position.trail) and before - self._started < after - before

    def remedies(self) -> str:
        """What may be tried, in words."""
        retune, fresh = "retune, " if self.tuned else "", self.settings.fresh_starts > 0
        return f"{retune}half step{', demotion or fresh start' if fresh else ' or demotion'}"

    def _half_step(self, reason: VisitReason) -> NextVisit | None:
        """A stage nearer to the last one mastered."""
        position = self.position
        if reason is VisitReason.HALF_STEP or not position.trail:
            return None
        if position.shorten_stride():
            return NextVisit(position.stage, VisitReason.ADVANCE)
        middle = position.midway()
        if middle is None or not self.allows(middle):
            return None
        if not self._retries.take("half_steps", position.stage):
            return None
        return NextVisit(middle, VisitReason.HALF_STEP)

    def _demotion(self) -> NextVisit | None:
        """The last stage mastered, to advance again from there."""
        position = self.position
        if not position.trail or not self._retries.take("demotions", position.stage):
            return None
        position.demote()
        return NextVisit(position.stage, VisitReason.DEMOTION)

    def _fresh_start(self, compute: float) -> NextVisit | None:
        """The first stage again, with fresh weights."""
        if self.fresh_starts >= self.settings.fresh_starts:
            return None
        self.fresh_starts += 1
        self._started = compute
        self._retries = RetryCounts(self.settings)
        self.position.start_anew()
        return NextVisit(self.position.stage, VisitReason.FRESH_START)

    def state_dict(self) -> dict[str, Any]:
        return {
            "fresh_starts": self.fresh_starts,
            "started": self._started,
            "retries": self._retries.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.fresh_starts, self._started = state["fresh_starts"], state["started"]
        self._retries.load_state_dict(state["retries"])
