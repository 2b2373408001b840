"""A teacher that follows the steepest learning curve (Matiisen et al. 2017, arXiv 1707.00183)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from curriculum.errors import UsageError
from curriculum.plan.sampling.sampler import Sampler, Sampling
from curriculum.plan.sampling.share import check_share
from curriculum.plan.sampling.signal import Signal, SignalKind
from curriculum.plan.sampling.slope import slope
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Teacher"]

EPSILON = 0.1
RATE = 1.0
UNKNOWN = 1.0
"""The slope, or the reward, of a stage that was hardly tried: as steep as can be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Teacher(Sampling):
    """Trains where the score rises, or falls, fastest: an action is some steps on one stage.

    With `epsilon_greedy` (the paper's Window algorithm) each stage keeps its last scores,
    and after an action on it at time t

        r    = least-squares slope of its scores against their times
        Q(i) <- rate r + (1 - rate) Q(i)

    The next stage is argmax |Q|, or with probability epsilon any. With `thompson` (the
    Sampling algorithm) each stage keeps its last rewards, r = its score less the one before,
    one of them is drawn for each stage, and the next stage is argmax |r|. What was hardly
    tried counts as 1. Falling scores draw the teacher back to what is being forgotten. An
    action that ends early, as the frontier falls below its stage, leaves no score.

    Scores are the share of symbols right on training batches, before they are trained on;
    the paper has validation accuracy after each epoch. Window, epsilon and rate are those
    of the authors' code. Unlike the paper and what is here, that code takes values with their
    sign unless told otherwise (`--abs`), and mixes any stage with probability epsilon into
    Thompson sampling too.

    Attributes:
        choice: how the next stage is chosen.
        span: optimizer steps of an action; its score is their mean.
        window: how many scores or rewards each stage keeps.
        epsilon: the probability of any stage; with `epsilon_greedy` alone.
        rate: how much the newest slope counts; with `epsilon_greedy` alone.

    Raises:
        UsageError: for a setting out of range, and for an epsilon or a rate with `thompson`,
            where neither has an effect.
    """

    signal: ClassVar[SignalKind | None] = "score"
    choice: Literal["epsilon_greedy", "thompson"] = "epsilon_greedy"
    span: int = 5
    window: int = 10
    epsilon: float = EPSILON
    rate: float = RATE

    def __post_init__(self) -> None:
        if self.choice not in ("epsilon_greedy", "thompson"):
            raise UsageError(
                f"sampling.choice must be epsilon_greedy or thompson, got {self.choice!r}"
            )
        if self.span < 1:
            raise UsageError(f"sampling.span must be at least 1, got {self.span}")
        if self.window < 2:
            raise UsageError(f"sampling.window must be at least 2, got {self.window}")
        check_share("epsilon", self.epsilon)
        check_share("rate", self.rate)
        if self.choice == "thompson" and (self.epsilon, self.rate) != (EPSILON, RATE):
            raise UsageError(
                f"sampling.epsilon and sampling.rate have no effect with sampling.choice thompson, "
                f"got {self.epsilon} and {self.rate}; leave them out, or choose epsilon_greedy"
            )

    def sampler(self, count: int) -> Sampler:
        return Teaching(self, count)


class Teaching(Sampler):
    """The teacher at work.

    Attributes:
        values: Q of each stage; None where it was hardly tried.
        kept: each stage's last (time, score), or with Thompson sampling (time, reward).
        time: how many actions there were.
    """

    def __init__(self, settings: Teacher, count: int) -> None:
        self.settings = settings
        self.values: list[float | None] = [None] * count
        self.kept: list[deque[tuple[float, float]]] = [
            deque(maxlen=settings.window) for _ in range(count)
        ]
        self.time = 0
        self._before: list[float | None] = [None] * count  # each stage's score before
        self._action: int | None = None  # the stage that is trained on
        self._scores: list[float] = []  # its batches' in this action

    def draw(self, rng: np.random.Generator, stages: Sequence[Stage], frontier: int) -> Stage:
        if self._action is None or self._action > frontier:
            self._action, self._scores = self._chosen(rng, frontier + 1), []
        return stages[self._action]

    def observe(self, rng: np.random.Generator, drawn: int, signal: Signal) -> None:
        self._scores.append(signal.value)
        if len(self._scores) < self.settings.span:
            return
        self.time += 1
        score = sum(self._scores) / len(self._scores)
        if self.settings.choice == "thompson":
            before = self._before[drawn]
            if before is not None:
                self.kept[drawn].append((self.time, score - before))
        else:
            self._follow(drawn, score)
        self._before[drawn] = score
        self._action, self._scores = None, []

    def state_dict(self) -> dict[str, Any]:
        return {
            "values": list(self.values),
            "kept": [[list(point) for point in points] for points in self.kept],
            "time": self.time,
            "before": list(self._before),
            "action": self._action,
            "scores": list(self._scores),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.values = list(state["values"])
        for points, found in zip(self.kept, state["kept"], strict=True):
            points.clear()
            points.extend((time, value) for time, value in found)
        self.time = state["time"]
        self._before = list(state["before"])
        self._action = state["action"]
        self._scores = list(state["scores"])

    def _follow(self, drawn: int, score: float) -> None:
        self.kept[drawn].append((self.time, score))
        if len(self.kept[drawn]) > 1:
            rate, steep = self.settings.rate, slope(self.kept[drawn])
            before = self.values[drawn]
            self.values[drawn] = rate * steep + (1 - rate) * (0.0 if before is None else before)

    def _chosen(self, rng: np.random.Generator, count: int) -> int:
        if self.settings.choice == "thompson":
            return _steepest(rng, [self._sampled(rng, number) for number in range(count)])
        if rng.random() < self.settings.epsilon:
            return int(rng.integers(count))
        return _steepest(rng, [UNKNOWN if v is None else v for v in self.values[:count]])

    def _sampled(self, rng: np.random.Generator, number: int) -> float:
        rewards = self.kept[number]
        return rewards[int(rng.integers(len(rewards)))][1] if rewards else UNKNOWN


def _steepest(rng: np.random.Generator, values: Sequence[float]) -> int:
    """Where the absolute value is greatest; of several, any."""
    top = max(abs(value) for value in values)
    return int(rng.choice([n for n, value in enumerate(values) if abs(value) == top]))
