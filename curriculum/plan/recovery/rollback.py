"""Tells when training has made a model worse, so that a run goes back to the best of its visit."""

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from curriculum.errors import check_fields
from curriculum.plan.evaluation import Evaluation, Score, Spread

IN_A_ROW = 3
"""Evaluations that must be worse: one alone is so by bad luck in many a long visit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollback:
    """When a visit goes back to its best state, and how it is trained from there.

    Training can destroy within ten steps what it took thousands to learn. So the state with the
    best screen of the visit is kept, and gone back to once three evaluations in a row are
    significantly worse (the second and third are made at once, without training), or the loss is
    no longer a finite number. The learning rate is lower from there on; with each further stage
    mastered it is raised again, until it is what it was.

    Attributes:
        times: how often a visit goes back, 0 for never; at the next time it is exhausted.
        factor: what the learning rate is multiplied by, in (0, 1).
        significance: the level of the test that an evaluation is worse, in (0, 1).
    """

    times: Annotated[int, "[0, inf)"] = 4
    factor: Annotated[float, "(0, 1)"] = 1 / 3
    significance: Annotated[float, "(0, 1)"] = 1e-4

    def __post_init__(self) -> None:
        check_fields(self, "rollback")


@dataclass(slots=True)
class RateReductions:
    """How far the learning rate is reduced at present.

    Attributes:
        step: what each reduction multiplies the rate by.
        count: how many there are.
        before: how many there were when the visit began.
    """

    step: float
    count: int = 0
    before: int = 0

    @property
    def factor(self) -> float:
        """What the learning rate is multiplied by."""
        return self.step**self.count

    def start_visit(self, *, mastered: bool = False, fresh: bool = False) -> None:
        """Raise the rate after a stage was mastered; after one was not, it is as it was before.

        Fresh weights have the whole rate.
        """
        if fresh:
            self.count = 0
        else:
            self.count = max(0, self.count - 1) if mastered else self.before
        self.before = self.count

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count, "before": self.before}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.count, self.before = state["count"], state["before"]


@dataclass(slots=True)
class BestState:
    """The best evaluation so far, and how those after it compare with it.

    Attributes:
        counts: the correct ones and all of the examples of the best screen; None before the first.
        steps: that were taken until its evaluation.
        is_newest: whether that is the last evaluation's; of equals the newest is.
        worse: how many evaluations in a row were significantly worse, up to the last.
        mean: of a score with a spread, which has no counts: value, deviation and units of the best.
    """

    counts: tuple[int, int] | None = None
    steps: int = 0
    is_newest: bool = False
    worse: int = 0
    mean: tuple[float, float, int] | None = None

    def observe(
        self,
        evaluation: Evaluation,
        significance: float,
        *,
        examples: int,
        steps: int,
        lower_is_better: bool = False,
    ) -> None:
        """Take an evaluation into account, made after so many steps.

        A score on more than `examples` is taken as if it were on so many, so that how much worse
        is worse does not depend on how a stage is evaluated. A loss that is no longer finite is
        worse without a doubt.
        """
        self.is_newest = False
        score = evaluation.screen or evaluation.full_test
        if evaluation.divergence is not None:
            self.worse = 0 if self.counts is None and self.mean is None else IN_A_ROW
        elif score is not None and score.spread is not None:
            self._observe_mean(score, score.spread, significance, steps, lower_is_better)
        elif score is not None:
            found = _counts(score, examples)
            if self.counts is None or found[0] * self.counts[1] >= self.counts[0] * found[1]:
                self.counts, self.steps, self.is_newest, self.worse = found, steps, True, 0
            elif fisher_p_value(self.counts, found) < significance:
                self.worse += 1
            else:
                self.worse = 0

    def _observe_mean(
        self, score: Score, spread: Spread, significance: float, steps: int, lower_is_better: bool
    ) -> None:
        """The same for a score in a range of its own."""
        sign = -1.0 if lower_is_better else 1.0
        found = score.value, spread.deviation, spread.units
        if self.mean is None or sign * (found[0] - self.mean[0]) >= 0:
            self.mean, self.steps, self.is_newest, self.worse = found, steps, True, 0
        elif welch_p_value(sign * self.mean[0], sign * found[0], self.mean, found) < significance:
            self.worse += 1
        else:
            self.worse = 0

    @property
    def score(self) -> float:
        """Of the best screen; there must have been one."""
        if self.mean is not None:
            return self.mean[0]
        assert self.counts is not None
        return self.counts[0] / self.counts[1]

    def state_dict(self) -> dict[str, Any]:
        found = asdict(self)
        if self.mean is None:  # of a rate there is none
            del found["mean"]
        return found

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.mean = None
        for name, value in state.items():
            setattr(self, name, value)
        if self.counts is not None:
            self.counts = (self.counts[0], self.counts[1])
        if self.mean is not None:
            self.mean = (self.mean[0], self.mean[1], self.mean[2])


def fisher_p_value(better: tuple[int, int], worse: tuple[int, int]) -> float:
    """The probability that equal rates give counts so far apart, or farther in this direction.

    Fisher's exact test, one-sided (Fisher 1934, "Statistical methods for research workers", 21.02).
    Each pair is the correct ones, and all of the examples.

    >>> fisher_p_value((8, 8), (0, 8))
    7.77000777000777e-05
    """
    (correct, examples), (fewer, others) = better, worse
    total = correct + fewer
    ways = sum(
        math.comb(examples, total - few) * math.comb(others, few)
        for few in range(max(0, total - examples), fewer + 1)
    )
    return ways / math.comb(examples + others, total)


def welch_p_value(
    better: float,
    worse: float,
    one: tuple[float, float, int],
    other: tuple[float, float, int],
) -> float:
    """The probability that equal means give results so far apart, or farther in this direction.

    Welch's test with a normal distribution, one-sided (Welch 1947, doi:10.1093/biomet/34.1-2.28).

    >>> round(welch_p_value(1.0, 0.0, (1.0, 3.0, 18), (0.0, 3.0, 18)), 3)
    0.159

    Args:
        better: the greater mean.
        worse: the other.
        one: of the better, its value, the deviation of its units, and how many they are.
        other: likewise of the worse.
    """
    variance = one[1] ** 2 / one[2] + other[1] ** 2 / other[2]
    if variance == 0:
        return 0.0 if better > worse else 1.0
    return math.erfc((better - worse) / math.sqrt(2 * variance)) / 2


def _counts(score: Score, examples: int) -> tuple[int, int]:
    count = min(score.examples, examples)
    return round(score.value * count), count
