"""What decides from evaluations that a stage has been learned far enough, and what it says."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from curriculum.errors import counted
from curriculum.plan.evaluation import Evaluation, Score
from curriculum.plan.stage import Stage
from curriculum.plan.verdict import Verdict

Answer = Literal["passes", "fails", "not shown"]
"""What a test of a model that is no longer trained says of a stage."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What was decided on an evaluation, with the numbers that it was decided on.

    Attributes:
        mastered: whether the stage is mastered.
        cleared: whether the score clears the threshold; steps or passes may still be missing.
        reason: why, or why not, in words.
        metric: that was measured.
        threshold: that had to be cleared; None for a criterion that has none.
        score: of the metric; None where nothing was measured.
        examples: how many it was measured on.
        lower_bound: of the confidence interval of the score; None where every input, or a
            whole document, was evaluated, and where less is better.
        test_number: which full test of the stage it was; None where none was taken.
        ready: whether the stage is ready to grow from, by a criterion that shows no mastery.
        upper_bound: of the confidence interval of a score of which less is better.
    """

    mastered: bool
    cleared: bool
    reason: str
    metric: str
    threshold: float | None
    score: float | None = None
    examples: int | None = None
    lower_bound: float | None = None
    test_number: int | None = None
    ready: bool = False
    upper_bound: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the run may move on: the stage is mastered, or ready."""
        return self.mastered or self.ready


@dataclass(frozen=True, slots=True)
class Trend:
    """How a metric has moved in a visit.

    Attributes:
        best: the best score so far; None before the first.
        stale: how many evaluations since then have not improved on it.
    """

    best: float | None = None
    stale: int = 0


class Criterion(ABC):
    """Decides from evaluations whether a stage is passed: mastered, or ready to grow from.

    Extend it by a frozen dataclass, whose fields are its settings. Those that are named here are
    the same for all kinds.

    Attributes:
        verdict: what a stage is that passes: `MASTERED` or `READY`.
        has_screen: whether a cheap screen tells whether a full test is worth it.
        has_spread: whether scores come with the spread of the units that they are the mean of.
        compares: whether a final model is compared with what passed the stage, not with a threshold.
        uses_patience: whether a visit that makes no progress is given up.
        screen: examples of the cheap screen before a full test.
        examples: of a full test on fresh ones.
        min_steps: optimizer steps before a visit may end in a pass.
        confidence: the probability that a stage which passes does so rightly, in (0, 1).
    """

    __slots__ = ()
    verdict: ClassVar[Verdict]
    has_screen: ClassVar[bool] = True
    has_spread: ClassVar[bool] = True
    compares: ClassVar[bool] = False
    uses_patience: ClassVar[bool] = True

    if TYPE_CHECKING:  # a field of each kind, in the order that it gives its settings

        @property
        def screen(self) -> int: ...

        @property
        def examples(self) -> int: ...

        @property
        def min_steps(self) -> int: ...

        @property
        def confidence(self) -> float: ...

    @property
    def consecutive_passes(self) -> int:
        """How many evaluations in a row must pass; a field of the kinds where it can be set."""
        return 1

    def replace(self, **changes: Any) -> Self:
        """The same criterion with some settings changed."""
        settings: Any = self
        found: Self = dataclasses.replace(settings, **changes)
        return found

    @property
    @abstractmethod
    def measured(self) -> str:
        """The name of the metric that it decides on, in tables and records."""

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower score is a better one."""
        return False

    @abstractmethod
    def at(self, stage: Stage | None = None, *, target: bool) -> Self:
        """The criterion of a stage, or of any other one on the way, or of the target."""

    @abstractmethod
    def description(self) -> str:
        """What it takes, in words, such as `exact_match at least 0.95`."""

    def shown(self, mean: float) -> float:
        """The score that a mean over examples, or units, is recorded as."""
        return mean

    def objective(self, score: float) -> float | None:
        """What trials with such a score are ranked by, the more the better; None for the score."""
        return None

    def mean(self, score: Score) -> float:
        """The mean that was recorded as that score."""
        return score.value

    @abstractmethod
    def check_evaluated(self, examples: int | None, source: str | None) -> None:
        """Check that a full test can be passed at all.

        Args:
            examples: how many independent ones an evaluation set has; None for fresh ones.
            source: of the evaluation set; None for fresh examples.

        Raises:
            UsageError: where it can't, with what would help.
        """

    def examples_of_test(self, test_number: int) -> int:
        """How many fresh examples full test j is made on."""
        return self.examples

    def can_clear(self, test_number: int, examples: int) -> bool:
        """Whether full test j on so many fresh examples could be passed, if all went well."""
        return True

    @abstractmethod
    def passes_screen(self, screen: Score) -> bool:
        """Whether the screen is good enough for a full test. It spends no error."""

    @abstractmethod
    def promises_pass(self, screen: Score, test_number: int) -> bool:
        """Whether screens, of a stage whose tests failed, promise that full test j is passed."""

    def follow(self, trend: Trend, evaluation: Evaluation) -> Trend:
        """The trend with one more evaluation; as it was, for a criterion that follows none."""
        return trend

    def decide(
        self,
        evaluation: Evaluation,
        *,
        test_number: int,
        passes: int,
        steps: int,
        min_steps: int = 0,
        trend: Trend = Trend(),
    ) -> Decision:
        """Decide on an evaluation.

        Args:
            evaluation: of the stage.
            test_number: j, which full test of the stage this is, from 1, if it is one.
            passes: how many evaluations before this one passed in a row.
            steps: optimizer steps of this visit.
            min_steps: a visit's own least number of steps, besides the criterion's.
            trend: of the visit, this evaluation included.
        """
        found = self.judge(evaluation, test_number=test_number, trend=trend)
        if not found.cleared:
            return found
        missing = self._missing(steps, max(min_steps, self.min_steps), passes + 1)
        mastery = self.verdict is Verdict.MASTERED
        return dataclasses.replace(
            found,
            mastered=mastery and not missing,
            ready=not mastery and not missing,
            reason=found.reason + missing,
        )

    @abstractmethod
    def judge(self, evaluation: Evaluation, *, test_number: int, trend: Trend) -> Decision:
        """Whether an evaluation clears the threshold, however many steps and passes came before.

        Its arguments are those of `decide`, which adds what else a pass takes.
        """

    def _missing(self, steps: int, least: int, passes: int) -> str:
        """What is still missing where an evaluation clears the threshold, in words; empty for nothing."""
        if steps < least:
            return f", but only {steps} of at least {counted(least, 'step')} are done"
        if passes < self.consecutive_passes:
            return f", pass {passes} of {self.consecutive_passes} needed in a row"
        return ""

    @abstractmethod
    def answer(
        self, part: str, score: Score, error: float, *, reference: Score | None = None
    ) -> tuple[Answer, str]:
        """What a score shows of a model that is no longer trained, and why, in words.

        Args:
            part: the name of a slice; empty for the whole.
            score: of the part.
            error: that either answer may be wrong with.
            reference: the score that the stage passed with; None where it never did.
        """

    @abstractmethod
    def on_so_many(self, examples: int) -> Self:
        """The criterion of a single test on so many fresh examples, of a stage beyond the path.

        Raises:
            UsageError: where so few could not show enough.
        """


def weakest_answer(
    criterion: Criterion,
    parts: Mapping[str, Score],
    error: float,
    reference: Score | None = None,
) -> tuple[Answer, str]:
    """What is shown of a stage, which passes with all of its slices; and why."""
    order: tuple[Answer, ...] = ("fails", "not shown", "passes")
    answers = (
        criterion.answer(name, score, error, reference=reference if not name else None)
        for name, score in parts.items()
    )
    return min(answers, key=lambda found: order.index(found[0]))
