"""What it takes to have mastered a stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from curriculum.errors import UsageError
from curriculum.plan.bounds import (
    chernoff_lower,
    clopper_pearson_lower,
    error_of_test,
    examples_needed,
)
from curriculum.plan.look import Look, Tally

__all__ = ["Decision", "Mastery"]

EXACT_MATCH = "exact_match"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a look decided, with the numbers that it was decided on.

    `cleared` says that the threshold is cleared; `mastered` that nothing else is missing,
    such as steps or looks in a row. `bound` is the lower confidence bound on the score; None where every input, or a
    whole document, was examined. `test_number` is None where no full test was taken.
    """

    mastered: bool
    cleared: bool
    reason: str
    metric: str
    threshold: float
    score: float | None = None
    examples: int | None = None
    bound: float | None = None
    test_number: int | None = None

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mastery:
    """A stage is mastered when its true score is shown to be at least `threshold`.

    Shown means: on fresh held-out examples, for the whole and for each slice that the
    task marks, the one-sided lower bound clears the threshold. Full test number j of a
    stage may err with probability 6a / (pi^2 j^2), so that all tests of a stage together
    err with at most a = 1 - `confidence`. Stages whose inputs can all be tested need no
    bound. Confidence is a stage's, not a run's.

    Attributes:
        threshold: the score to reach, in (0, 1].
        target_threshold: the score to reach on the last stage of the path, if another:
            a stage on the way need not be learned to its end before the next one begins.
        confidence: of declaring mastery of a stage rightly, in (0, 1).
        metric: `exact_match`, the whole answer right; `symbol_accuracy`, the share of its
            symbols; or one that the task reports.
        screen: examples of the cheap look that decides whether a full test is worth it.
        examples: examples of a full test, of the whole and of each slice.
        least_steps: optimizer steps before a visit may end in mastery.
        looks_in_a_row: how many looks must pass one after another.

    Raises:
        UsageError: where a value is outside its range.
    """

    threshold: float = 0.95
    target_threshold: float | None = None
    confidence: float = 0.95
    metric: str = EXACT_MATCH
    screen: int = 64
    examples: int = 1024
    least_steps: int = 0
    looks_in_a_row: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise UsageError(f"criterion.threshold must be in (0, 1], got {self.threshold}")
        if self.target_threshold is not None and not 0 < self.target_threshold <= 1:
            raise UsageError(
                f"criterion.target_threshold must be in (0, 1], got {self.target_threshold}"
            )
        if not 0 < self.confidence < 1:
            raise UsageError(f"criterion.confidence must be in (0, 1), got {self.confidence}")
        for name, least in (
            ("screen", 1),
            ("examples", 1),
            ("least_steps", 0),
            ("looks_in_a_row", 1),
        ):
            if getattr(self, name) < least:
                raise UsageError(
                    f"criterion.{name} must be at least {least}, got {getattr(self, name)}"
                )

    def at(self, *, target: bool) -> Self:
        """The criterion of a stage on the way, or of the target."""
        if self.target_threshold is None:
            return self
        threshold = self.target_threshold if target else self.threshold
        return replace(self, threshold=threshold, target_threshold=None)

    def check_can_be_cleared(self) -> None:
        """Check that a full test of fresh examples, all right, would clear the threshold.

        Raises:
            UsageError: where it would not, with the number of examples that would.
        """
        needed = examples_needed(self.threshold, self.confidence, self.looks_in_a_row)
        if needed is None:
            raise UsageError(
                "a threshold of 1 can't be shown on a sample, whatever its size; take "
                "criterion.threshold below 1, or a task that lists all inputs of a stage"
            )
        if needed > self.examples:
            raise UsageError(
                f"criterion.threshold {self.threshold} can't be cleared with {self.examples} "
                f"examples: all right would need {needed}; raise criterion.examples or lower "
                f"the threshold"
            )

    def can_clear(self, test_number: int) -> bool:
        """Whether full test number j of fresh examples, all right, would clear the threshold."""
        log_error = math.log(error_of_test(test_number, self.confidence))
        return log_error / self.examples >= math.log(self.threshold)

    def screened(self, screen: Tally) -> bool:
        """Whether the screen is good enough for a full test. It spends no error."""
        return screen.score >= self.threshold

    def decide(
        self, look: Look, *, test_number: int, passes: int, steps: int, least_steps: int = 0
    ) -> Decision:
        """Decide on a look.

        Args:
            look: the look, on the stream `gate`.
            test_number: j, which full test of the stage this is, from 1, if it is one.
            passes: how many looks before this one passed in a row.
            steps: optimizer steps of this visit.
            least_steps: a visit's own least number of steps, besides the criterion's.
        """
        if look.test is None:
            return self._undecided(look)
        error = error_of_test(test_number, self.confidence)
        name, tally, bound = self._weakest(look.test, look.slices, error)
        clears = (tally.score if bound is None else bound) >= self.threshold
        reason = self._account(name, tally, bound, test_number, clears=clears)
        least_steps = max(least_steps, self.least_steps)
        missing = ""
        if clears and steps < least_steps:
            missing = f", but only {steps} of {least_steps} steps are done"
        elif clears and passes + 1 < self.looks_in_a_row:
            missing = f", for {passes + 1} of {self.looks_in_a_row} looks in a row"
        return Decision(
            mastered=clears and not missing,
            cleared=clears,
            reason=reason + missing,
            metric=self.metric,
            threshold=self.threshold,
            score=tally.score,
            examples=tally.examples,
            bound=bound,
            test_number=test_number,
        )

    def lower_bound(self, tally: Tally, error: float) -> float | None:
        """The bound on a tally's true score; None where nothing was left out of the exam."""
        if tally.source != "sample":
            return None
        if self.metric == EXACT_MATCH:
            return clopper_pearson_lower(round(tally.score * tally.examples), tally.examples, error)
        return chernoff_lower(tally.score, tally.examples, error)

    def _weakest(
        self, test: Tally, slices: Mapping[str, Tally], error: float
    ) -> tuple[str, Tally, float | None]:
        """The whole or the slice that clears the threshold by least."""
        parts = [("", test), *slices.items()]
        judged = [(name, tally, self.lower_bound(tally, error)) for name, tally in parts]
        return min(judged, key=lambda part: part[1].score if part[2] is None else part[2])

    def _account(
        self, name: str, tally: Tally, bound: float | None, number: int, *, clears: bool
    ) -> str:
        where = f" on the slice {name!r}" if name else ""
        if tally.source == "sample":
            exam = f"of {tally.examples:,} fresh examples"
        elif tally.source == "document":
            exam = f"of the {tally.examples:,} examples of the exam"
        else:
            exam = f"on every one of {tally.examples:,} inputs"
        memorised = " (memorised)" if tally.memorised else ""
        sign = ">=" if clears else "<"
        if bound is None:
            return f"{self.metric} {tally.score:.4g} {sign} {self.threshold:g} {exam}{where}{memorised}"
        return (
            f"{self.metric} {tally.score:.4g} {exam}{where}, lower bound {bound:.4f} {sign} "
            f"{self.threshold:g} in full test {number}"
        )

    def _undecided(self, look: Look) -> Decision:
        screen = look.screen
        score = None if screen is None else screen.score
        examples = None if screen is None else screen.examples
        reason = "no test was taken"
        if screen is not None:
            sign = ">=" if self.screened(screen) else "<"
            reason = (
                f"{self.metric} {screen.score:.4g} {sign} {self.threshold:g} in a screen of "
                f"{screen.examples:,} fresh examples"
            )
            if self.screened(screen):
                reason += ", and no full test was due"
        return Decision(
            mastered=False,
            cleared=False,
            reason=reason,
            metric=self.metric,
            threshold=self.threshold,
            score=score,
            examples=examples,
        )
