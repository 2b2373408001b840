"""How often a stage was evaluated."""

from dataclasses import dataclass

from curriculum.errors import counted
from curriculum.plan.decision import Criterion, Decision, Trend
from curriculum.plan.evaluation import Evaluation

MAX_SCREENS = 16
"""Screens of one evaluation, at most."""


@dataclass(kw_only=True, slots=True)
class EvaluationCounts:
    """How often a stage was evaluated.

    The counts select the fresh examples of the next evaluation, and split the permitted error
    among the full tests.

    Attributes:
        evaluations: so far.
        full_tests: among them.
        failed_tests: of the full tests, those that did not clear the threshold.
        passes: how many of the last evaluations passed in a row.
        best: the best score of the visit, for a criterion that follows it.
        stale: how many evaluations since then have not improved on it.
    """

    evaluations: int = 0
    full_tests: int = 0
    failed_tests: int = 0
    passes: int = 0
    best: float | None = None
    stale: int = 0

    def start_visit(self) -> None:
        """Forget what is counted within a visit alone."""
        self.passes, self.best, self.stale = 0, None, 0

    @property
    def screens(self) -> int:
        """How many screens together have to promise that the next full test is passed.

        A single one where no test has failed yet; after each that did, twice as many.
        """
        return min(1 << self.failed_tests, MAX_SCREENS)

    def wants_full_test(self, criterion: Criterion, *, steps: int, min_steps: int = 0) -> bool:
        """Whether a full test on fresh examples could be passed after so many steps.

        Before the least number of steps, it would use up a part of the stage's error for nothing.
        """
        return steps >= max(min_steps, criterion.min_steps)

    def limit_reached(self, criterion: Criterion, evaluation: Evaluation) -> str | None:
        """Why no full test can be passed any more, in words; None while one can.

        Each test leaves less error to those after it. On a held-out set, or where a loop of the
        user's own always evaluates on the same number of examples, none can pass in the end.
        """
        test, number = evaluation.full_test, self.full_tests + 1
        if test is None or not test.is_sample:
            return None
        sample = test.source == "sample"
        grows = sample and test.examples >= criterion.examples_of_test(self.full_tests)
        if grows or criterion.can_clear(number, test.examples):
            return None
        return (
            f"full test {number} of this stage, on {counted(test.examples, 'example')}, would not clear the "
            f"threshold even if all were correct"
        )

    def decide(
        self, criterion: Criterion, evaluation: Evaluation, *, steps: int, min_steps: int = 0
    ) -> Decision:
        """Count an evaluation, and decide on it; arguments as for `Criterion.decide`."""
        self.evaluations += 1
        self.full_tests += evaluation.full_test is not None
        trend = criterion.follow(Trend(self.best, self.stale), evaluation)
        self.best, self.stale = trend.best, trend.stale
        decision = criterion.decide(
            evaluation,
            test_number=self.full_tests,
            passes=self.passes,
            steps=steps,
            min_steps=min_steps,
            trend=trend,
        )
        self.failed_tests += evaluation.full_test is not None and not decision.cleared
        self.passes = self.passes + 1 if decision.cleared else 0
        return decision
