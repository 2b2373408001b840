"""A stage is ready once a metric improves no longer."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Self

from curriculum.errors import check_fields, counted
from curriculum.plan.decision import Answer, Criterion, Decision, Trend
from curriculum.plan.evaluation import Evaluation, Score
from curriculum.plan.loss_below import LOSSES, perplexity
from curriculum.plan.stage import Stage
from curriculum.plan.verdict import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Plateau(Criterion):
    """A stage is ready when a metric has not improved over some evaluations of a visit.

    An evaluation improves on the best one before it by at least `min_improvement`, or counts as
    stale; `evaluations` stale ones in a row make the stage ready. That shows no mastery, and takes
    no threshold and no bound: a model may stand still because it has learned all, or since it
    learns nothing. `backtracking.patience`, which gives up a visit that stands still, is not used.

    Attributes:
        metric: `loss` (nats a symbol, or squared error), `bits_per_byte`, `perplexity`,
            `exact_match`, `symbol_accuracy`, or one that the task reports.
        mode: `min` where less of the metric is better, `max` where more is; by default `min` for
            a loss and `max` for all else.
        min_improvement: in the metric's own unit.
        evaluations: how many in a row have to bring no improvement.
        confidence: of the statement that a final model has become worse than it was when the
            stage was ready, in (0, 1).
        screen: fresh examples that a stage is measured on besides, after a visit.
        examples: fresh examples of an evaluation.
        min_steps: optimizer steps before a visit may end.

    Raises:
        UsageError: where a value is outside its range.

    >>> Plateau(metric="symbol_accuracy", min_improvement=0.01, evaluations=3).description()
    'symbol_accuracy improved by less than 0.01 over 3 evaluations'
    """

    verdict: ClassVar[Verdict] = Verdict.READY
    has_screen: ClassVar[bool] = False
    compares: ClassVar[bool] = True
    uses_patience: ClassVar[bool] = False

    metric: str = "loss"
    mode: Literal["min", "max"] | None = None
    min_improvement: Annotated[float, "[0, inf)"] = 0.01
    evaluations: Annotated[int, "[1, inf)"] = 5
    confidence: Annotated[float, "(0, 1)"] = 0.95
    screen: Annotated[int, "[1, inf)"] = 64
    examples: Annotated[int, "[2, inf)"] = 512
    min_steps: Annotated[int, "[0, inf)"] = 0

    def __post_init__(self) -> None:
        check_fields(self, "criterion", mode=("min", "max"))

    @property
    def measured(self) -> str:
        return self.metric

    @property
    def lower_is_better(self) -> bool:
        return self.metric in LOSSES if self.mode is None else self.mode == "min"

    def description(self) -> str:
        return (
            f"{self.metric} improved by less than {self.min_improvement:g} over "
            f"{counted(self.evaluations, 'evaluation')}"
        )

    def at(self, stage: Stage | None = None, *, target: bool) -> Self:
        return self

    def shown(self, mean: float) -> float:
        return perplexity(mean) if self.metric == "perplexity" else mean

    def mean(self, score: Score) -> float:
        return math.log(score.value) if self.metric == "perplexity" else score.value

    def check_evaluated(self, examples: int | None, source: str | None) -> None:
        """Nothing has to be shown, so that any evaluation will do."""

    def passes_screen(self, screen: Score) -> bool:
        return True

    def promises_pass(self, screen: Score, test_number: int) -> bool:
        return True

    def follow(self, trend: Trend, evaluation: Evaluation) -> Trend:
        if evaluation.full_test is None:
            return trend
        value = evaluation.full_test.value
        if trend.best is None or self._gain(value, trend.best) >= self.min_improvement:
            return Trend(value)
        return replace(trend, stale=trend.stale + 1)

    def judge(self, evaluation: Evaluation, *, test_number: int, trend: Trend) -> Decision:
        score = evaluation.full_test
        cleared = score is not None and trend.stale >= self.evaluations
        reason = "nothing was evaluated" if score is None else self._reason(score, trend)
        return Decision(
            mastered=False,
            cleared=cleared,
            reason=reason,
            metric=self.metric,
            threshold=None,
            score=None if score is None else score.value,
            examples=None if score is None else score.examples,
            test_number=None if score is None else test_number,
        )

    def answer(
        self, part: str, score: Score, error: float, *, reference: Score | None = None
    ) -> tuple[Answer, str]:
        """Whether the model is shown to be worse than it was when the stage was ready."""
        from scipy.special import ndtri

        text = f"{self.metric} {score.value:.4g} on {score.basis}"
        text += f" of the slice {part!r}" if part else ""
        if reference is None:
            if part:
                return "passes", f"{text}; no slice is decided on"
            return (
                "not shown",
                f"{text}; there is no score of the stage, when it was ready, beside it",
            )
        worse = -self._gain(score.value, reference.value)
        noise = float(ndtri(1 - error)) * math.hypot(_error(score, self), _error(reference, self))
        text += f", {reference.value:.4g} when the stage was ready"
        if worse - noise > self.min_improvement:
            return "fails", f"{text}, so worse by more than {self.min_improvement:g}"
        return "passes", f"{text}, not shown to be worse by more than {self.min_improvement:g}"

    def on_so_many(self, examples: int) -> Self:
        return replace(self, examples=max(2, examples))

    def _gain(self, value: float, before: float) -> float:
        return before - value if self.lower_is_better else value - before

    def _reason(self, score: Score, trend: Trend) -> str:
        text = f"{self.metric} {score.value:.4g} on {score.basis}"
        if trend.stale == 0:
            return f"{text}, the best of the visit"
        number = f"{trend.stale} of {counted(self.evaluations, 'evaluation')}"
        least = f"at least {self.min_improvement:g}" if self.min_improvement else "anything"
        return f"{text}, best {trend.best:.4g}: no improvement by {least} in {number}"


def _error(score: Score, criterion: Plateau) -> float:
    """The standard error of a score, in the metric's unit."""
    spread = score.spread
    if spread is None or not score.is_sample:
        return 0.0
    scale = score.value if criterion.metric == "perplexity" else 1.0  # the delta method
    return scale * spread.deviation / math.sqrt(spread.units)
