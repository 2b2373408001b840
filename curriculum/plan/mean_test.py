"""Whether the true mean of a metric is shown to be beyond a threshold, in the metric's own direction."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from curriculum.plan import confidence_bounds
from curriculum.plan.decision import Answer, Decision
from curriculum.plan.evaluation import Evaluation, Score

LEAST_UNITS = 100
"""Independent units that a bound on a mean takes; coverage was simulated from these on."""

SCREEN_ERRORS = 2.0
"""Standard errors by which a screen on held-out examples may miss the threshold."""


def unchanged(value: float) -> float:
    """A score whose unit is that of the mean."""
    return value


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanTest:
    """A threshold of a mean over independent units, and what is said of scores beside it.

    Attributes:
        metric: its name.
        threshold: in the unit of scores.
        confidence: the probability that a stage which passes does so rightly, whatever the number of tests.
        screen: how many examples a screen has, where others don't go before it.
        lower_is_better: whether a score below the threshold passes, or one above it.
        shown: the score that a mean is recorded as.
        mean: the mean that was recorded as a score.
        within: the least and the most that a unit's result can be; None where one isn't known.
    """

    metric: str
    threshold: float
    confidence: float
    screen: int
    lower_is_better: bool = True
    shown: Callable[[float], float] = unchanged
    mean: Callable[[float], float] = unchanged
    within: tuple[float, float] | None = None

    def passes(self, value: float) -> bool:
        """Whether a score, or the bound that has to, clears the threshold."""
        return value < self.threshold if self.lower_is_better else value > self.threshold

    def passes_screen(self, screen: Score) -> bool:
        """Whether a screen is good enough for a full test.

        One on held-out examples has the same each time, and could be too bad for ever by chance: it has to
        be so by two standard errors.
        """
        if screen.source != "held_out" or screen.spread is None:
            return self.passes(screen.value)
        margin = SCREEN_ERRORS * screen.spread.deviation / math.sqrt(screen.spread.units)
        better = -margin if self.lower_is_better else margin
        return self.passes(self.shown(self.mean(screen.value) + better))

    def interval(self, score: Score, error: float) -> tuple[float, float]:
        """The one-sided bounds below and above a true score, each with that error."""
        assert score.spread is not None
        spread, mean = score.spread, self.mean(score.value)
        if self.within is not None:
            return confidence_bounds.bounded_mean(mean, spread.units, self.within, error)
        numbers = mean, spread.units, spread.deviation, spread.skewness, error
        low, high = confidence_bounds.mean_lower(*numbers), confidence_bounds.mean_upper(*numbers)
        return self.shown(low), self.shown(high)

    def bound(self, score: Score, error: float) -> float:
        """What has to clear the threshold; infinitely bad for too few units."""
        if not score.is_sample:
            return score.value
        if self._too_few(score):
            return math.inf if self.lower_is_better else -math.inf
        low, high = self.interval(score, error)
        return high if self.lower_is_better else low

    def weakest(
        self, whole: Score, slices: Mapping[str, Score], error: float
    ) -> tuple[str, Score, float]:
        """The whole or the slice whose bound is the worst, by name, and that bound."""
        parts = [("", whole), *slices.items()]
        judged = [(name, score, self.bound(score, error)) for name, score in parts]
        return max(judged, key=lambda part: part[2] if self.lower_is_better else -part[2])

    def error(self, test_number: int) -> float:
        """What full test j of a stage may spend."""
        return confidence_bounds.error_of_test(test_number, self.confidence)

    def promises_pass(self, screen: Score, units: int, test_number: int) -> bool:
        """Whether test j, on so many units with a screen's mean and spread, clears the threshold."""
        assert screen.spread is not None
        likely = replace(screen, spread=replace(screen.spread, units=units))
        return self.passes(self.bound(likely, self.error(test_number)))

    def judge(self, evaluation: Evaluation, test_number: int) -> Decision:
        """Whether an evaluation clears the threshold; only a full test spends error."""
        if evaluation.full_test is None:
            return self.decision(evaluation.screen, self._of_screen(evaluation.screen))
        error = self.error(test_number)
        name, score, bound = self.weakest(evaluation.full_test, evaluation.slices, error)
        known = bound if score.is_sample and math.isfinite(bound) else None
        return self.decision(
            score,
            self._of_test(name, score, bound, test_number),
            cleared=self.passes(bound),
            bound=known,
            test_number=test_number,
        )

    def decision(
        self,
        score: Score | None,
        reason: str,
        *,
        cleared: bool = False,
        bound: float | None = None,
        test_number: int | None = None,
    ) -> Decision:
        """What was decided on a score."""
        return Decision(
            mastered=False,
            cleared=cleared,
            reason=reason,
            metric=self.metric,
            threshold=self.threshold,
            score=None if score is None else score.value,
            examples=None if score is None else score.examples,
            upper_bound=bound if self.lower_is_better else None,
            lower_bound=None if self.lower_is_better else bound,
            test_number=test_number,
        )

    def answer(self, part: str, score: Score, error: float) -> tuple[Answer, str]:
        """What a score shows of a model that is no longer trained, and why, in words."""
        text = self._text(part, score)
        if score.is_sample and self._too_few(score):
            return "not shown", f"{text}, and a bound takes at least {LEAST_UNITS}"
        low, high = self.interval(score, error) if score.is_sample else (score.value, score.value)
        worst, best = (high, low) if self.lower_is_better else (low, high)
        if self.passes(worst):
            return "passes", f"{text}, {self._bound_name(passed=True)} {self._beside(worst)}"
        if not self.passes(best):
            return "fails", f"{text}, {self._bound_name(passed=False)} {self._beside(best)}"
        between = f"threshold {self.threshold:g} lies between {low:.4g} and {high:.4g}"
        return "not shown", f"{text}, {between}"

    def _of_screen(self, screen: Score | None) -> str:
        """What a screen shows, in words."""
        if screen is None:
            return "nothing was evaluated"
        reason = (
            f"{self.metric} {screen.value:.4g} on a screen of {screen.basis}, "
            f"{self._sign(screen.value)} threshold {self.threshold:g}"
        )
        passed = self.passes_screen(screen)
        if passed and screen.source == "sample" and screen.examples > self.screen:
            far = "high" if self.lower_is_better else "low"
            return f"{reason}, and too {far} for another full test"
        return f"{reason}, and no full test was due" if passed else reason

    def _of_test(self, part: str, score: Score, bound: float, number: int) -> str:
        text = self._text(part, score)
        if not score.is_sample:
            return f"{text}, {self._sign(bound)} threshold {self.threshold:g}"
        if self._too_few(score):
            return f"{text}, and a bound takes at least {LEAST_UNITS}"
        return f"{text}, {self._bound_name(passed=True)} {self._beside(bound)} (full test {number})"

    def _text(self, part: str, score: Score) -> str:
        text = f"{self.metric} {score.value:.4g} on {score.basis}"
        return f"{text} of the slice {part!r}" if part else text

    def _bound_name(self, *, passed: bool) -> str:
        """The bound that shows a pass, or a failure."""
        return "upper bound" if self.lower_is_better is passed else "lower bound"

    def _beside(self, bound: float) -> str:
        return f"{bound:.4g} {self._sign(bound)} threshold {self.threshold:g}"

    def _sign(self, value: float) -> str:
        good, bad = ("<", ">=") if self.lower_is_better else (">", "<=")
        return good if self.passes(value) else bad

    def _too_few(self, score: Score) -> bool:
        """Whether a score is of too few units for a bound; within a range any number will do."""
        if score.spread is None:
            return True
        return self.within is None and score.spread.units < LEAST_UNITS
