"""What is learnable and not mastered yet (Willems, Lahlou & Bengio 2020, arXiv 2008.06456)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from curriculum.errors import UsageError, check_fields
from curriculum.plan.sampling.feedback import Feedback, FeedbackKind
from curriculum.plan.sampling.sampler import LearningSampler, Rng, Sampler, Sampling
from curriculum.plan.sampling.slope import Point, slope
from curriculum.plan.stage import Stage

LEAST = 1e-8
"""Attention that every stage has, so that their sum is never 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MasteringRate(Sampling):
    """Attends to stages whose predecessors are mastered, and that are not mastered themselves.

    A stage's mastering rate M is the mean of its last scores, from `lowest` to `highest`
    mapped to [0, 1]; its slope is that of these scores, n its absolute value as a share
    of the greatest. On a path each stage has one before it and one after it, and

        a(i) = (min of M before i)^power ((1 - delta) n(i) + delta (1 - M(i))) (1 - M(i + 1))

    Then, from the last stage to the first, each gives the share `to_easier` of its attention
    to the one before, and of the rest the share `to_harder` to the one after (what the
    first and the last can't give is lost). p is a in proportion, with epsilon of it uniform.

    The defaults are those of the authors' code but for epsilon, which is 0 there: it
    examines all tasks after each step, while here only what is trained on is seen. Scores
    are the share of symbols right on training batches, before they are trained on.

    That code also has a lowest and a highest score of each task, which widen to every mean
    of a full window beyond them. Here they are settings, the same for all stages, and stay:
    where guessing scores 0.5, as on a fair bit, M is 0.5 before anything is learnt, unless
    `lowest` gives the level of chance.

    Attributes:
        window: how many scores the mean and the slope are taken of.
        power: how much the predecessors must be mastered.
        delta: how much being unmastered counts against a slope.
        to_easier: the share of attention given to the stage before.
        to_harder: the share of attention given to the stage after.
        epsilon: the probability of a stage drawn uniformly.
        lowest: the score of no mastery, such as the level of chance.
        highest: the score of full mastery.
    """

    feedback: ClassVar[FeedbackKind | None] = "score"
    window: Annotated[int, "[2, inf)"] = 10
    power: Annotated[float, "[0, 1000]"] = 6.0
    delta: Annotated[float, "[0, 1]"] = 0.5
    to_easier: Annotated[float, "[0, 1]"] = 0.2
    to_harder: Annotated[float, "[0, 1]"] = 0.05
    epsilon: Annotated[float, "[0, 1]"] = 0.1
    lowest: float = 0.0
    highest: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self, "sampling")
        if not 0 <= self.lowest < self.highest <= 1:
            raise UsageError(
                f"sampling.lowest and sampling.highest must rise within [0, 1], got "
                f"{self.lowest} and {self.highest}"
            )

    def sampler(self, count: int) -> Sampler:
        return Attention(self, count)


class Attention(LearningSampler):
    """What is attended to.

    Attributes:
        scores: each stage's last (time, score).
        time: how many steps there were.
    """

    learnt: ClassVar = ("scores", "time")

    def __init__(self, settings: MasteringRate, count: int) -> None:
        self.settings = settings
        self.scores: list[list[Point]] = [[] for _ in range(count)]
        self.time = 0

    def rate(self, number: int) -> float:
        """The mastering rate of a stage, in [0, 1]."""
        scores, low = self.scores[number], self.settings.lowest
        if not scores:
            return 0.0
        mean = sum(score for _, score in scores) / len(scores)
        return min(1.0, max(0.0, (mean - low) / (self.settings.highest - low)))

    def policy(self, frontier: int) -> list[float]:
        """The probability of each stage up to the frontier."""
        count = frontier + 1
        rates = [self.rate(number) for number in range(count)]
        steep = [abs(slope(scores)) for scores in self.scores[:count]]
        attention = redistributed(attended(rates, steep, self.settings), self.settings)
        total = sum(attention) + LEAST * count
        epsilon = self.settings.epsilon
        return [(1 - epsilon) * (a + LEAST) / total + epsilon / count for a in attention]

    def draw(self, rng: Rng, stages: Sequence[Stage], frontier: int) -> Stage:
        return stages[int(rng.choice(frontier + 1, p=self.policy(frontier)))]

    def observe(self, rng: Rng, drawn: int, feedback: Feedback) -> None:
        self.time += 1
        points = [*self.scores[drawn], (self.time, float(feedback.value))]
        self.scores[drawn] = points[-self.settings.window :]


def attended(
    rates: Sequence[float], steep: Sequence[float], settings: MasteringRate
) -> list[float]:
    """Each stage's own attention, by the stages' mastering rates and absolute slopes."""
    greatest = max(steep)
    found, mastered = [], 1.0  # the least mastering rate of the stages before
    for number, rate in enumerate(rates):
        share = steep[number] / greatest if greatest > 0 else 0.0
        own = (1 - settings.delta) * share + settings.delta * (1 - rate)
        after = rates[number + 1] if number + 1 < len(rates) else 0.0
        found.append(mastered**settings.power * own * (1 - after))
        mastered = min(mastered, rate)
    return found


def redistributed(attention: Sequence[float], settings: MasteringRate) -> list[float]:
    """The attention after each stage has given its shares to the ones beside it."""
    found = list(attention)
    for number in reversed(range(len(found))):
        easier = settings.to_easier * found[number]
        harder = settings.to_harder * (found[number] - easier)
        found[number] -= easier + harder
        if number > 0:
            found[number - 1] += easier
        if number + 1 < len(found):
            found[number + 1] += harder
    return found
