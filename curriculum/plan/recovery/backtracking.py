"""What to do when a stage's budget is used up."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

from curriculum.errors import check_fields
from curriculum.plan.path_position import PathPosition
from curriculum.plan.stage import Stage
from curriculum.plan.verdict import VisitReason

Retry = Literal["retunes", "half_steps", "demotions"]

FRESH_RATE_STEP = 10.0
"""What lies between the learning rates that fresh networks are tried with."""

BEST_RATE_SHARE = 2
"""How often the best of them is tried, for each time that one beside it is."""


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
    than the network took to come to it. The first fresh network has the experiment's learning
    rate. Since that may be at fault, each further one has a rate next to that of the networks
    which got farthest: a tenth of it, or ten times it. Where both were tried, the best is tried
    again, twice as often as those beside it. When nothing is left, the run stops, and its model is the one that got farthest.

    Attributes:
        retunes: how often each stage is retuned.
        half_steps: how many half steps are taken to each stage.
        demotions: how often each stage is left for the one before it.
        fresh_starts: how often a run starts anew with fresh weights.
        consolidation_steps: the least optimizer steps of a demotion.
        patience: a visit is exhausted once neither score nor training loss have improved over so
            many optimizer steps, or as many as the network needed for a stage before, if those
            are more; 0 for never. Until it has mastered a stage there is no such end. After r
            rollbacks of the visit the steps are divided by r + 1.
    """

    retunes: int = 1
    half_steps: int = 1
    demotions: int = 1
    fresh_starts: int = 8
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


@dataclass(slots=True)
class Network:
    """How one of a run's networks has fared.

    Attributes:
        rate_exponent: its learning rate is the experiment's times `FRESH_RATE_STEP` to this power.
        started: the run's compute when it started.
        farthest: the index of the hardest stage that it has mastered; -1 before the first.
        longest_visit: the most steps that it has taken to master a stage.
    """

    rate_exponent: int = 0
    _: KW_ONLY
    started: float = 0.0
    farthest: int = -1
    longest_visit: int = 0


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
        networks: those of the run so far, the present one last.
    """

    settings: Backtracking
    position: PathPosition
    allows: Callable[[Stage], bool]
    tuned: bool

    def __post_init__(self) -> None:
        self.networks = [Network()]
        self._retries = RetryCounts(self.settings)

    @property
    def network(self) -> Network:
        """The present one."""
        return self.networks[-1]

    @property
    def fresh_starts(self) -> int:
        """How many there were."""
        return len(self.networks) - 1

    @property
    def fresh_rate_factor(self) -> float:
        """What the experiment's learning rate is multiplied by, for the present network."""
        return FRESH_RATE_STEP**self.network.rate_exponent

    @property
    def patience(self) -> int:
        """Steps without progress after which a visit is given up; 0 for never.

        Before the first stage is mastered there is nothing easier to go back to. After it, what
        has taken long before may take as long again.
        """
        if not (self.settings.patience and self.position.trail):
            return 0
        return max(self.settings.patience, self.network.longest_visit)

    def mastered(self, stage: Stage, steps: int) -> None:
        """A visit has ended in mastery, after so many steps."""
        network, position = self.network, self.position
        network.longest_visit = max(network.longest_visit, steps)
        if stage == position.stage:  # and no half step to it
            network.farthest = max(network.farthest, position.aim)

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
        return left and bool(self.position.trail) and before - self.network.started < after - before

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
        self.networks.append(Network(self._next_rate_exponent(), started=compute))
        self._retries = RetryCounts(self.settings)
        self.position.start_anew()
        return NextVisit(self.position.stage, VisitReason.FRESH_START)

    def _next_rate_exponent(self) -> int:
        """Of the next fresh network's learning rate."""
        tried = Counter(network.rate_exponent for network in self.networks)
        reached = defaultdict[int, int](lambda: -1)
        for network in self.networks:
            reached[network.rate_exponent] = max(reached[network.rate_exponent], network.farthest)
        farthest = max(network.farthest for network in self.networks)
        best = {n.rate_exponent for n in self.networks if n.farthest == farthest}
        if not self.fresh_starts:
            return self.networks[0].rate_exponent
        near = {exponent + step for exponent in best for step in (-1, 0, 1)}

        def rank(exponent: int) -> tuple[float, ...]:
            tries = tried[exponent] / (BEST_RATE_SHARE if exponent in best else 1)
            return tries, exponent not in best, -reached[exponent], abs(exponent), exponent

        return min(near, key=rank)

    def state_dict(self) -> dict[str, Any]:
        networks = [asdict(network) for network in self.networks]
        return {"networks": networks, "retries": self._retries.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.networks = [Network(**network) for network in state["networks"]]
        self._retries.load_state_dict(state["retries"])
