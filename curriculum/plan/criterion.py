"""What it takes to have mastered a stage."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, ClassVar, Self

from curriculum.errors import UsageError, check_fields, counted
from curriculum.plan import confidence_bounds
from curriculum.plan.decision import Answer, Criterion, Decision, Trend
from curriculum.plan.evaluation import Evaluation, Score
from curriculum.plan.per_stage import PerStage, per_stage_text, per_stage_values, value_at
from curriculum.plan.stage import Stage
from curriculum.plan.verdict import Verdict

EXACT_MATCH = "exact_match"
LEAST_SHOWN = 0.95
"""What a sample must be able to show, whatever the threshold above it."""

MARGIN = 0.01
"""A model so much above the threshold is to pass, however many tests failed before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mastery(Criterion):
    """A stage is mastered when its true score is shown to be at least `threshold`.

    Shown means: on fresh held-out examples, for the whole and for each slice that the
    task marks, the one-sided lower bound clears the threshold. Full test number j of a
    stage may err with probability 6a / (pi^2 j^2), so that all tests of a stage together
    err with at most a = 1 - `confidence`. Stages whose inputs can all be tested need no
    bound. Confidence is a stage's, not a run's.

    Attributes:
        threshold: the score to reach, in (0, 1].
        target_threshold: the score to reach on the last stage of the path, if it differs: a
            stage on the way need not be learned to its end before the next one begins.
        per_stage: scores to reach on single stages, by their key or their length, such as
            `{"64": 0.8, "512x256": 0.9}`, the last one too; the others as above.
        confidence: the probability that a stage declared mastered is, in (0, 1).
        metric: `exact_match`, the whole output correct; `symbol_accuracy`, the share of
            correct symbols; or one that the task reports.
        screen: examples of the cheap screen that decides whether a full test is worth it. After
            tests that failed, several screens together have to show what the next test needs.
        examples: examples of a full test, of the whole and of each slice. After tests that
            failed it is doubled, as often as they leave too little error to the next.
        min_steps: optimizer steps before a visit may end in mastery.
        consecutive_passes: how many evaluations in a row must pass.

    Raises:
        UsageError: where a value is outside its range.

    >>> criterion = Mastery(threshold=0.95, per_stage={64: 0.8})
    >>> criterion.description()
    'exact_match at least 0.95 (0.8 on 64)'
    >>> criterion.at(Stage(64, 10), target=False).threshold
    0.8
    """

    verdict: ClassVar[Verdict] = Verdict.MASTERED
    has_spread: ClassVar[bool] = False

    threshold: Annotated[float, "(0, 1]"] = 0.95
    target_threshold: Annotated[float | None, "(0, 1]"] = None
    per_stage: PerStage = ()
    confidence: Annotated[float, "(0, 1)"] = 0.95
    metric: str = EXACT_MATCH
    screen: Annotated[int, "[1, inf)"] = 64
    examples: Annotated[int, "[1, inf)"] = 1024
    min_steps: Annotated[int, "[0, inf)"] = 0
    consecutive_passes: Annotated[int, "[1, inf)"] = 1

    def __post_init__(self) -> None:
        check_fields(self, "criterion")
        object.__setattr__(self, "per_stage", per_stage_values(self.per_stage))
        for name, threshold in per_stage_values(self.per_stage):
            if not 0 < threshold <= 1:
                raise UsageError(f"criterion.per_stage {name} must be in (0, 1], got {threshold:g}")

    @property
    def measured(self) -> str:
        return self.metric

    def description(self) -> str:
        target = self.target_threshold
        last = "" if target is None else f" ({target:g} on the last stage)"
        return f"{self.metric} at least {self.threshold:g}{last}{per_stage_text(self.per_stage)}"

    def at(self, stage: Stage | None = None, *, target: bool) -> Self:
        if self.target_threshold is None and not self.per_stage:
            return self
        last = self.threshold if self.target_threshold is None else self.target_threshold
        threshold = value_at(self.per_stage, stage, last if target else self.threshold)
        return replace(self, threshold=threshold, target_threshold=None, per_stage=())

    def check_evaluated(self, examples: int | None, source: str | None) -> None:
        if source in (None, "sample", "held_out"):
            self.check_can_be_cleared(examples)

    def check_can_be_cleared(self, held_out: int | None = None) -> None:
        """Check that a full test, all correct, would clear the threshold.

        Args:
            held_out: how many examples a held-out set has; None for a test on fresh ones.

        Raises:
            UsageError: where it would not, with the number of examples that would.
        """
        needed = confidence_bounds.examples_needed(
            self.threshold, self.confidence, self.consecutive_passes
        )
        if needed is None:
            raise UsageError(
                "no sample, whatever its size, can show a threshold of 1; take "
                "criterion.threshold below 1, or a task that lists all inputs of a stage"
            )
        if needed > (self.examples if held_out is None else held_out):
            on = (
                counted(self.examples, "example")
                if held_out is None
                else counted(held_out, "held-out example")
            )
            more = "raise criterion.examples" if held_out is None else "hold out more"
            raise UsageError(
                f"criterion.threshold {self.threshold} can't be cleared with {on}: even if all are "
                f"correct, it takes {needed}; {more} or lower the threshold"
            )

    def can_clear(self, test_number: int, examples: int) -> bool:
        """Whether full test j on so many fresh examples, all correct, would clear the threshold."""
        log_error = math.log(confidence_bounds.error_of_test(test_number, self.confidence))
        return log_error / examples >= math.log(self.threshold)

    def examples_of_test(self, test_number: int) -> int:
        """How many fresh examples full test j is made on.

        `examples` for the first. Each test leaves less error to those after it, and so many
        examples would soon show nothing: from the second on they are doubled, at most twice for
        each test before, until a model 0.01 above the threshold (or halfway from it to 1, if that
        is less) is more likely to pass than not.
        """
        return _examples_of_test(self, test_number)

    def score_needed(self, test_number: int) -> float:
        """The lowest score on the examples of full test j that clears the threshold."""
        return _score_needed(self, test_number, self.examples_of_test(test_number))

    def passes_screen(self, screen: Score) -> bool:
        return screen.value >= self.threshold

    def promises_pass(self, screen: Score, test_number: int) -> bool:
        return screen.value >= self.score_needed(test_number)

    def judge(self, evaluation: Evaluation, *, test_number: int, trend: Trend) -> Decision:
        if evaluation.full_test is None:
            return self._undecided(evaluation.screen)
        error = confidence_bounds.error_of_test(test_number, self.confidence)
        name, score, bound = self._weakest(evaluation.full_test, evaluation.slices, error)
        clears = (score.value if bound is None else bound) >= self.threshold
        return Decision(
            mastered=False,
            cleared=clears,
            reason=self._describe(name, score, bound, test_number, clears=clears),
            metric=self.metric,
            threshold=self.threshold,
            score=score.value,
            examples=score.examples,
            lower_bound=bound,
            test_number=test_number,
        )

    def lower_bound(self, score: Score, error: float) -> float | None:
        """The bound on a true score; None where there is nothing beyond the evaluation set."""
        if not score.is_sample:
            return None
        if self.metric == EXACT_MATCH:
            correct = round(score.value * score.examples)
            return confidence_bounds.clopper_pearson_lower(correct, score.examples, error)
        return confidence_bounds.chernoff_lower(score.value, score.examples, error)

    def upper_bound(self, score: Score, error: float) -> float:
        """The one-sided upper bound on a true score, of a sample."""
        if self.metric == EXACT_MATCH:
            wrong = score.examples - round(score.value * score.examples)
            return 1 - confidence_bounds.clopper_pearson_lower(wrong, score.examples, error)
        return 1 - confidence_bounds.chernoff_lower(1 - score.value, score.examples, error)

    def answer(
        self, part: str, score: Score, error: float, *, reference: Score | None = None
    ) -> tuple[Answer, str]:
        low, high = self.lower_bound(score, error), self.upper_bound(score, error)
        assert low is not None  # it is a sample
        text = f"{self.metric} {score.value:.4g} on {score.basis}"
        text += f" of the slice {part!r}" if part else ""
        if low >= self.threshold:
            return "passes", f"{text}, lower bound {low:.4f} >= threshold {self.threshold:g}"
        if high < self.threshold:
            return "fails", f"{text}, upper bound {high:.4f} < threshold {self.threshold:g}"
        between = f"threshold {self.threshold:g} lies between {low:.4f} and {high:.4f}"
        return "not shown", f"{text}, {between}"

    def on_so_many(self, examples: int) -> Self:
        all_correct = Score(value=1.0, examples=examples)
        shown = self.lower_bound(all_correct, 1 - self.confidence)
        assert shown is not None  # it is a sample
        wanted = min(self.threshold, LEAST_SHOWN)
        if shown < wanted:
            raise UsageError(
                f"{counted(examples, 'example')}, all correct, would show a score of {shown:.2f} at most, "
                f"and {wanted:g} is needed; take more examples"
            )
        return replace(self, examples=examples, threshold=min(self.threshold, shown))

    def _weakest(
        self, full_test: Score, slices: Mapping[str, Score], error: float
    ) -> tuple[str, Score, float | None]:
        """The whole or the slice that clears the threshold by least."""
        parts = [("", full_test), *slices.items()]
        judged = [(name, score, self.lower_bound(score, error)) for name, score in parts]
        return min(judged, key=lambda part: part[1].value if part[2] is None else part[2])

    def _describe(
        self, name: str, score: Score, bound: float | None, number: int, *, clears: bool
    ) -> str:
        text = f"{self.metric} {score.value:.4g} on {score.basis}"
        if name:
            text += f" of the slice {name!r}"
        sign = ">=" if clears else "<"
        if bound is None:
            again = f" (evaluation {number} on them)" if score.source == "document" else ""
            return f"{text}, {sign} threshold {self.threshold:g}{again}"
        return (
            f"{text}, lower bound {bound:.4f} {sign} threshold {self.threshold:g} "
            f"(full test {number})"
        )

    def _undecided(self, screen: Score | None) -> Decision:
        reason = "nothing was evaluated"
        if screen is not None:
            passed = self.passes_screen(screen)
            reason = (
                f"{self.metric} {screen.value:.4g} on a screen of "
                f"{counted(screen.examples, 'fresh example')}, {'>=' if passed else '<'} threshold {self.threshold:g}"
            )
            if passed and screen.examples > self.screen:
                reason += ", and too low for another full test"
            elif passed:
                reason += ", and no full test was due"
        return Decision(
            mastered=False,
            cleared=False,
            reason=reason,
            metric=self.metric,
            threshold=self.threshold,
            score=None if screen is None else screen.value,
            examples=None if screen is None else screen.examples,
        )


@cache
def _examples_of_test(criterion: Mastery, test_number: int) -> int:
    examples = criterion.examples
    passing = criterion.threshold + min(MARGIN, (1 - criterion.threshold) / 2)
    for _ in range(2 * (test_number - 1)):
        if criterion.can_clear(test_number, examples) and (
            _score_needed(criterion, test_number, examples) <= passing
        ):
            break
        examples *= 2
    return examples


@cache
def _score_needed(criterion: Mastery, test_number: int, examples: int) -> float:
    """By bisection over the number of correct examples; above 1 where all would not do."""
    error = confidence_bounds.error_of_test(test_number, criterion.confidence)
    low, high = 0, examples + 1  # of which `low` does not clear the threshold
    while high - low > 1:
        middle = (low + high) // 2
        bound = criterion.lower_bound(Score(value=middle / examples, examples=examples), error)
        assert bound is not None  # it is a sample
        if bound >= criterion.threshold:
            high = middle
        else:
            low = middle
    return high / examples
