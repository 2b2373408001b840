"""A stage is ready once the mean of a task's own metric is shown to be good enough."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Self

from curriculum.errors import UsageError, check_fields, counted
from curriculum.plan.decision import Answer, Criterion, Decision, Trend
from curriculum.plan.evaluation import Evaluation, Score, Spread
from curriculum.plan.mean_test import LEAST_UNITS, MeanTest
from curriculum.plan.metric_scale import MetricScale
from curriculum.plan.stage import Stage
from curriculum.plan.verdict import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricBeyond(Criterion):
    """A stage is ready when a metric's true mean is shown to be beyond `threshold`.

    For a metric that is no rate, such as a mean absolute error in its unit, or a BLEU score from 0 to
    100; the task says of each which way it is better, and within which range (`Task.metric_scales`).
    Shown means: for the whole and for each slice that the task marks, the one-sided bound over
    independent units is beyond it. Of a metric with a least and a most value that bound holds for any
    distribution; of others it is that of `LossBelow`. Errors are shared among full tests as there. A rate in
    [0, 1] is for `Mastery`.

    Attributes:
        metric: one that the task gives a scale.
        threshold: to get below, where lower is better, or else above; in the metric's unit.
        mode: `min` where lower is better, `max` where higher is: what the task says, which fills it in.
        low: the least that the metric can be, likewise; None for no least.
        high: the most that it can be, likewise; None for no most.
        confidence: the probability that a stage declared ready is, in (0, 1).
        screen: fresh examples of the cheap screen that decides whether a full test is worth it.
        examples: fresh examples of a full test, of the whole and of each slice.
        min_steps: optimizer steps before a visit may end.
        consecutive_passes: how many evaluations in a row must pass.

    Raises:
        UsageError: where a value is outside its range.

    >>> MetricBeyond(metric="error", threshold=0.5, mode="min").description()
    'error below 0.5'
    """

    verdict: ClassVar[Verdict] = Verdict.READY

    metric: str = ""
    threshold: float = 0.0
    mode: Literal["min", "max"] | None = None
    low: float | None = None
    high: float | None = None
    confidence: Annotated[float, "(0, 1)"] = 0.95
    screen: Annotated[int, "[1, inf)"] = 64
    examples: Annotated[int, "[100, inf)"] = 1024
    min_steps: Annotated[int, "[0, inf)"] = 0
    consecutive_passes: Annotated[int, "[1, inf)"] = 1

    def __post_init__(self) -> None:
        check_fields(self, "criterion", mode=("min", "max"))
        if not math.isfinite(self.threshold):
            raise UsageError(f"criterion.threshold must be a finite number, got {self.threshold:g}")

    @property
    def measured(self) -> str:
        return self.metric

    @property
    def lower_is_better(self) -> bool:
        return self.mode == "min"

    def description(self) -> str:
        return f"{self.metric} {'below' if self.lower_is_better else 'above'} {self.threshold:g}"

    def scaled(self, scale: MetricScale) -> Self:
        """The criterion of a metric of that range."""
        low, high = (None if math.isinf(end) else end for end in (scale.low, scale.high))
        return replace(self, low=low, high=high)

    def at(self, stage: Stage | None = None, *, target: bool) -> Self:
        return self

    def objective(self, score: float) -> float | None:
        return -score if self.lower_is_better else None

    def check_evaluated(self, examples: int | None, source: str | None) -> None:
        if source == "document":
            raise UsageError(
                f"a bound on the mean of {self.metric} takes independent examples, and the task "
                f"evaluates on one document, whose parts hang together; hold several out, or take "
                f"the criterion Plateau, which needs no bound"
            )
        if source not in (None, "sample", "held_out"):
            return
        units = self.examples if source in (None, "sample") else examples or 0
        if self._within is None and units < LEAST_UNITS:
            raise UsageError(
                f"a bound on the mean of {self.metric} takes at least {LEAST_UNITS} independent "
                f"examples, and {units} are held out; hold out more, or take the criterion Plateau"
            )
        best = self._test.bound(self._perfect(max(1, units)), self._test.error(1))
        if not self._test.passes(best):
            raise UsageError(
                f"criterion.threshold {self.threshold:g} can't be cleared with {counted(units, 'example')}: "
                f"even if all are perfect, they show a mean of {best:.4g}; take more, or a threshold "
                f"that is easier"
            )

    def passes_screen(self, screen: Score) -> bool:
        return self._test.passes_screen(screen)

    def promises_pass(self, screen: Score, test_number: int) -> bool:
        return self._test.promises_pass(screen, self.examples_of_test(test_number), test_number)

    def judge(self, evaluation: Evaluation, *, test_number: int, trend: Trend) -> Decision:
        return self._test.judge(evaluation, test_number)

    def answer(
        self, part: str, score: Score, error: float, *, reference: Score | None = None
    ) -> tuple[Answer, str]:
        return self._test.answer(part, score, error)

    def on_so_many(self, examples: int) -> Self:
        found = replace(self, examples=max(LEAST_UNITS, examples))
        found.check_evaluated(None, None)
        return found

    def _perfect(self, units: int) -> Score:
        """As good as can be; without an end there, beyond the threshold by as much as needed."""
        end = self.low if self.lower_is_better else self.high
        value = (-math.inf if self.lower_is_better else math.inf) if end is None else end
        return Score(value=value, examples=units, spread=Spread(units=units, deviation=0.0))

    @property
    def _within(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def _test(self) -> MeanTest:
        return MeanTest(
            metric=self.metric,
            threshold=self.threshold,
            confidence=self.confidence,
            screen=self.screen,
            lower_is_better=self.lower_is_better,
            within=self._within,
        )
