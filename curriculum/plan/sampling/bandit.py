"""A bandit that plays for learning progress (Graves et al. 2017, arXiv 1704.03003)."""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from curriculum.errors import UsageError, check_fields
from curriculum.plan.sampling.feedback import Feedback, FeedbackKind
from curriculum.plan.sampling.sampler import LearningSampler, Rng, Sampler, Sampling
from curriculum.plan.stage import Stage

LEAST = 1e-300
"""A weight, so that its logarithm is finite."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bandit(Sampling):
    """Exp3.S over the stages, rewarded by prediction gain for each token.

    With w(i) the log-weights, all 0 at first, over K stages:

        p(i) = (1 - epsilon) exp w(i) / sum_j exp w(j) + epsilon / K
        r    = gain / tokens, mapped so that the low and the high quantile of all such ratios
               before become -1 and 1, and cut off there
        x(i) = (r [i was drawn] + beta) / p(i)
        w(i) <- log((1 - a) exp(w(i) + eta x(i)) + a / (K - 1) sum_(j not i) exp(w(j) + eta x(j)))

    with a = 1 / 2 after the first reward, 1 / 3 after the second, and so on. (Exp3.S: Auer
    et al. 2002, doi:10.1137/S0097539701398375.) The size of the history, 1000, is ours. As
    each draw depends on the reward before it, each step waits for the device once.

    Attributes:
        eta: the step size.
        beta: added to every stage's reward.
        epsilon: the probability of a stage drawn uniformly.
        low: the quantile that becomes -1.
        high: the quantile that becomes 1.
        history: how many rewards the quantiles are taken of: a fair sample of all so far.
    """

    feedback: ClassVar[FeedbackKind | None] = "gain"
    eta: Annotated[float, "(0, inf)"] = 1e-3
    beta: Annotated[float, "[0, inf)"] = 0.0
    epsilon: Annotated[float, "[0, 1]"] = 0.05
    low: float = 0.2
    high: float = 0.8
    history: Annotated[int, "[2, inf)"] = 1000

    def __post_init__(self) -> None:
        check_fields(self, "sampling")
        if not 0 <= self.low < self.high <= 1:
            raise UsageError(
                f"sampling.low and sampling.high must rise within [0, 1], got {self.low} "
                f"and {self.high}"
            )

    def sampler(self, count: int) -> Sampler:
        return Exp3S(self, count)


class Exp3S(LearningSampler):
    """The bandit at play.

    Attributes:
        weights: the logarithm of each stage's, up to a constant.
        plays: how many rewards there were.
        ratios: a fair sample of them, before they are mapped, in rising order.
    """

    learnt: ClassVar = ("weights", "plays", "ratios")

    def __init__(self, settings: Bandit, count: int) -> None:
        self.settings = settings
        self.weights = [0.0] * count
        self.plays = 0
        self.ratios: list[float] = []
        self._last: list[float] = []  # the policy of the last draw

    def policy(self, frontier: int) -> list[float]:
        """The probability of each stage up to the frontier."""
        weights = self.weights[: frontier + 1]
        total, share = _log_sum(weights), self.settings.epsilon / (frontier + 1)
        return [(1 - self.settings.epsilon) * math.exp(w - total) + share for w in weights]

    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        policy = self.policy(frontier)
        self._last = policy
        return stages[int(rng.choice(frontier + 1, p=policy))]

    def observe(self, rng: Rng, drawn: int, feedback: Feedback) -> None:
        reward = self._mapped(float(feedback.value) / feedback.tokens, rng)
        self.plays += 1
        count, settings = len(self._last), self.settings
        if count == 1:
            return
        raised = [
            w + settings.eta * (reward * (i == drawn) + settings.beta) / p
            for i, (w, p) in enumerate(zip(self.weights, self._last, strict=False))
        ]
        total, moved = _log_sum(raised), 1 / (self.plays + 1)
        share = moved / (count - 1)
        parts = [math.exp(w - total) for w in raised]  # of the whole, so each in [0, 1]
        mixed = ((1 - moved) * part + share * (1 - part) for part in parts)
        # Their mean is 1, so that a stage that is opened later begins as an average one.
        self.weights[:count] = [math.log(max(LEAST, count * part)) for part in mixed]

    def _mapped(self, ratio: float, rng: Rng) -> float:
        """The reward in [-1, 1] of a ratio, which then belongs to the history itself."""
        low, high = (_quantile(self.ratios, q) for q in (self.settings.low, self.settings.high))
        known = bool(self.ratios)
        self._remember(ratio, rng)
        if not known:
            return 0.0  # neither good nor bad, without any to compare it with
        if ratio < low:
            return -1.0
        return 1.0 if ratio >= high else 2 * (ratio - low) / (high - low) - 1

    def _remember(self, ratio: float, rng: Rng) -> None:
        """Keep a fair sample of all ratios (reservoir sampling: Vitter 1985)."""
        if len(self.ratios) == self.settings.history:
            place = int(rng.integers(self.plays + 1))
            if place >= len(self.ratios):
                return
            del self.ratios[place]
        bisect.insort(self.ratios, ratio)


def _log_sum(weights: Sequence[float]) -> float:
    top = max(weights)
    return top + math.log(sum(math.exp(w - top) for w in weights))


def _quantile(ordered: Sequence[float], q: float) -> float:
    """Of numbers in rising order, with linear interpolation; 0 where there are none."""
    if not ordered:
        return 0.0
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
