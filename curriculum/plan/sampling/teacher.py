"""A teacher that follows the steepest learning curve (Matiisen et al. 2017, arXiv 1707.00183)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, SupportsFloat

from curriculum.errors import UsageError, check_fields
from curriculum.plan.sampling.feedback import Feedback, FeedbackKind
from curriculum.plan.sampling.sampler import LearningSampler, Rng, Sampler, Sampling
from curriculum.plan.sampling.slope import Point, slope
from curriculum.plan.stage import Stage

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
    sign unless given `--abs`, and mixes any stage with probability epsilon into
    Thompson sampling too.

    Attributes:
        choice: how the next stage is chosen.
        span: optimizer steps of an action; its score is their mean.
        window: how many scores or rewards each stage keeps.
        epsilon: the probability of a stage drawn uniformly; with `epsilon_greedy` alone.
        rate: how much the newest slope counts; with `epsilon_greedy` alone.

    Raises:
        UsageError: for a setting out of range, and for an epsilon or a rate with `thompson`,
            where neither has an effect.
    """

    feedback: ClassVar[FeedbackKind | None] = "score"
    choice: Literal["epsilon_greedy", "thompson"] = "epsilon_greedy"
    span: Annotated[int, "[1, inf)"] = 5
    window: Annotated[int, "[2, inf)"] = 10
    epsilon: Annotated[float, "[0, 1]"] = EPSILON
    rate: Annotated[float, "[0, 1]"] = RATE

    def __post_init__(self) -> None:
        check_fields(self, "sampling")
        if self.choice == "thompson" and (self.epsilon, self.rate) != (EPSILON, RATE):
            raise UsageError(
                f"sampling.epsilon and sampling.rate have no effect with sampling.choice thompson, "
                f"got {self.epsilon} and {self.rate}; leave them out, or choose epsilon_greedy"
            )

    def sampler(self, count: int) -> Sampler:
        return Teaching(self, count)


class Teaching(LearningSampler):
    """The teacher at work.

    Attributes:
        values: Q of each stage; None where it was hardly tried.
        kept: each stage's last (time, score), or with Thompson sampling (time, reward).
        time: how many actions there were.
        before: each stage's score before; None for none yet.
        action: the stage that is trained on; None between two actions.
        scores: of its batches in this action.
    """

    learnt: ClassVar = ("values", "kept", "time", "before", "action", "scores")

    def __init__(self, settings: Teacher, count: int) -> None:
        self.settings = settings
        self.values: list[float | None] = [None] * count
        self.kept: list[list[Point]] = [[] for _ in range(count)]
        self.time = 0
        self.before: list[float | None] = [None] * count
        self.action: int | None = None
        self.scores: list[SupportsFloat] = []

    def state_dict(self) -> dict[str, Any]:
        self.scores = [float(score) for score in self.scores]
        return super().state_dict()

    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        if self.action is None or self.action > frontier:
            self.action, self.scores = self._chosen(rng, frontier + 1), []
        return stages[self.action]

    def observe(self, rng: Rng, drawn: int, feedback: Feedback) -> None:
        self.scores.append(feedback.value)
        if len(self.scores) < self.settings.span:
            return
        self.time += 1
        # Read at the end of an action alone, since its steps don't depend on them.
        score, before = sum(map(float, self.scores)) / len(self.scores), self.before[drawn]
        self.before[drawn], self.action, self.scores = score, None, []
        if self.settings.choice == "epsilon_greedy":
            self._follow(drawn, score)
        elif before is not None:
            self._keep(drawn, score - before)

    def _keep(self, drawn: int, value: float) -> None:
        points = [*self.kept[drawn], (self.time, value)]
        self.kept[drawn] = points[-self.settings.window :]

    def _follow(self, drawn: int, score: float) -> None:
        self._keep(drawn, score)
        if len(self.kept[drawn]) > 1:
            rate, steep = self.settings.rate, slope(self.kept[drawn])
            before = self.values[drawn]
            self.values[drawn] = rate * steep + (1 - rate) * (0.0 if before is None else before)

    def _chosen(self, rng: Rng, count: int) -> int:
        if self.settings.choice == "thompson":
            return _steepest(rng, [self._sampled(rng, number) for number in range(count)])
        if rng.random() < self.settings.epsilon:
            return int(rng.integers(count))
        return _steepest(rng, [UNKNOWN if v is None else v for v in self.values[:count]])

    def _sampled(self, rng: Rng, number: int) -> float:
        rewards = self.kept[number]
        return rewards[int(rng.integers(len(rewards)))][1] if rewards else UNKNOWN


def _steepest(rng: Rng, values: Sequence[float]) -> int:
    """Where the absolute value is greatest; of several, any."""
    top = max(abs(value) for value in values)
    return int(rng.choice([n for n, value in enumerate(values) if abs(value) == top]))
