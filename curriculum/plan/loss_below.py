"""A stage is ready once a loss is shown to be low enough."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Self

from curriculum.errors import UsageError, check_fields
from curriculum.plan.decision import Answer, Criterion, Decision, Trend
from curriculum.plan.evaluation import Evaluation, Score, Source, Spread
from curriculum.plan.mean_test import LEAST_UNITS, MeanTest
from curriculum.plan.per_stage import PerStage, per_stage_text, per_stage_values, value_at
from curriculum.plan.stage import Stage
from curriculum.plan.verdict import Verdict

Unit = Literal["nats", "bits_per_byte", "perplexity", "squared_error"]

LOSSES = ("loss", "bits_per_byte", "perplexity")
"""The metrics that are made of a task's loss."""

MOST_NATS = 700.0
"""Of more the exponential would overflow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LossBelow(Criterion):
    """A stage is ready when its true mean loss is shown to be below `threshold`.

    Shown means: the one-sided upper bound on the mean over independent units is below it, for the
    whole and for each slice that the task marks. A unit is a document that was held out, with the
    mean loss of its symbols, or a fresh example where a task draws these. Full test number j of a
    stage may err with probability 6a / (pi^2 j^2), so that all tests of a stage together err with
    at most a = 1 - `confidence`. Nothing is said of how much of the task the model masters, and so
    the stage is called ready, never mastered.

    Attributes:
        threshold: the loss to get below, above 0; as a perplexity above 1.
        unit: of the threshold, and of all scores: `nats` a symbol, `bits_per_byte` of text,
            `perplexity`, the exponential of the nats, or for a task that outputs values
            `squared_error`.
        per_stage: thresholds of single stages, by their key or their length, such as
            `{"64": 1.9, "512x256": 1.7}`; the others have `threshold`.
        confidence: the probability that a stage declared ready is, in (0, 1).
        screen: fresh examples of the cheap screen that decides whether a full test is worth it.
        examples: fresh examples of a full test, of the whole and of each slice.
        min_steps: optimizer steps before a visit may end.
        consecutive_passes: how many evaluations in a row must pass.

    Raises:
        UsageError: where a value is outside its range.

    >>> criterion = LossBelow(threshold=20.0, unit="perplexity", per_stage={64: 24.0})
    >>> criterion.description()
    'perplexity below 20 (24 on 64)'
    >>> criterion.at(Stage(64, 256), target=False).threshold
    24.0
    """

    verdict: ClassVar[Verdict] = Verdict.READY

    threshold: Annotated[float, "(0, inf)"] = 1.0
    unit: Unit = "nats"
    per_stage: PerStage = ()
    confidence: Annotated[float, "(0, 1)"] = 0.95
    screen: Annotated[int, "[1, inf)"] = 64
    examples: Annotated[int, "[100, inf)"] = 512
    min_steps: Annotated[int, "[0, inf)"] = 0
    consecutive_passes: Annotated[int, "[1, inf)"] = 1

    def __post_init__(self) -> None:
        check_fields(self, "criterion")
        object.__setattr__(self, "per_stage", per_stage_values(self.per_stage))
        for name, threshold in (("threshold", self.threshold), *self._named_thresholds()):
            self._check_threshold(name, threshold)

    @property
    def measured(self) -> str:
        return "loss" if self.unit in ("nats", "squared_error") else self.unit

    @property
    def lower_is_better(self) -> bool:
        return True

    @property
    def thresholds(self) -> tuple[float, ...]:
        """All that there are."""
        return (self.threshold, *(value for _, value in self._named_thresholds()))

    def description(self) -> str:
        unit = {"nats": " nats", "squared_error": " (squared error)"}.get(self.unit, "")
        stages = per_stage_text(self.per_stage)
        return f"{self.measured} below {self.threshold:g}{unit}{stages}"

    def at(self, stage: Stage | None = None, *, target: bool) -> Self:
        threshold = value_at(self.per_stage, stage, self.threshold)
        return replace(self, threshold=threshold, per_stage=())

    def shown(self, mean: float) -> float:
        return perplexity(mean) if self.unit == "perplexity" else mean

    def objective(self, score: float) -> float | None:
        """The likelihood of a symbol, or what is like it."""
        return 1 / score if self.unit == "perplexity" else math.exp(-score)

    def mean(self, score: Score) -> float:
        return self._mean(score.value)

    def _mean(self, value: float) -> float:
        return math.log(value) if self.unit == "perplexity" else value

    def score(self, losses: Sequence[float], source: Source = "sample") -> Score:
        """The score of documents, or of fresh examples, for an evaluation in a loop of your own.

        Args:
            losses: the mean loss of each, in nats a symbol (of a perplexity too), or in the unit.
            source: whether they are drawn afresh, or the same that were held out each time.
        """
        spread, mean = Spread.of(losses), sum(losses) / len(losses)
        return Score(value=self.shown(mean), examples=len(losses), source=source, spread=spread)

    def check_evaluated(self, examples: int | None, source: str | None) -> None:
        if source == "document":
            raise UsageError(
                "a bound on a loss takes independent documents, and the task evaluates on one "
                "document, whose parts hang together; hold several out, or take the criterion "
                "Plateau, which needs no bound"
            )
        if source == "held_out" and (examples or 0) < LEAST_UNITS:
            raise UsageError(
                f"a bound on a loss takes at least {LEAST_UNITS} independent documents, and "
                f"{examples or 0} are held out for it; hold out more, or take the criterion Plateau"
            )

    def passes_screen(self, screen: Score) -> bool:
        return self._test.passes_screen(screen)

    def promises_pass(self, screen: Score, test_number: int) -> bool:
        return self._test.promises_pass(screen, self.examples_of_test(test_number), test_number)

    def judge(self, evaluation: Evaluation, *, test_number: int, trend: Trend) -> Decision:
        return self._test.judge(evaluation, test_number)

    def upper_bound(self, score: Score, error: float) -> float:
        """The one-sided bound above a true loss, in the criterion's unit."""
        return self._test.interval(score, error)[1]

    def answer(
        self, part: str, score: Score, error: float, *, reference: Score | None = None
    ) -> tuple[Answer, str]:
        return self._test.answer(part, score, error)

    def on_so_many(self, examples: int) -> Self:
        if examples < LEAST_UNITS:
            raise UsageError(
                f"a bound on a loss takes at least {LEAST_UNITS} examples, got {examples}"
            )
        return replace(self, examples=examples)

    def _named_thresholds(self) -> tuple[tuple[str, float], ...]:
        return tuple((f"per_stage {k}", v) for k, v in per_stage_values(self.per_stage))

    def _check_threshold(self, name: str, threshold: float) -> None:
        if self.unit == "perplexity" and threshold <= 1:
            raise UsageError(
                f"criterion.{name} must be above 1 as a perplexity, which is 1 at a loss of 0: no "
                f"bound could be below {threshold:g}; for a loss in nats set criterion.unit nats"
            )
        if not 0 < threshold < math.inf:
            raise UsageError(
                f"criterion.{name} must be above 0, as no bound on a loss is below that, got "
                f"{threshold:g}"
            )

    @property
    def _test(self) -> MeanTest:
        return MeanTest(
            metric=self.measured,
            threshold=self.threshold,
            confidence=self.confidence,
            screen=self.screen,
            shown=self.shown,
            mean=self._mean,
        )


def perplexity(loss: float) -> float:
    """Of a mean loss in nats."""
    return math.exp(min(loss, MOST_NATS))
