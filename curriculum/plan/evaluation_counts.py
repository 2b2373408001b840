"""How often a stage was evaluated."""

from dataclasses import dataclass

from curriculum.plan.criterion import Decision, Mastery
from curriculum.plan.evaluation import Evaluation


@dataclass(kw_only=True, slots=True)
class EvaluationCounts:
    """How often a stage was evaluated.

    The counts select the fresh examples of the next evaluation, and split the permitted error
    among the full tests.

    Attributes:
        evaluations: so far.
        full_tests: among them.
        passes: how many of the last evaluations passed in a row.
    """

    evaluations: int = 0
    full_tests: int = 0
    passes: int = 0

    def wants_full_test(self, criterion: Mastery, *, steps: int, min_steps: int = 0) -> bool:
        """Whether a full test on fresh examples could show mastery after so many steps.

        Before the least number of steps, it would use up a part of the stage's error for nothing.
        """
        due = steps >= max(min_steps, criterion.min_steps)
        return due and criterion.can_clear(self.full_tests + 1)

    def decide(
        self, criterion: Mastery, evaluation: Evaluation, *, steps: int, min_steps: int = 0
    ) -> Decision:
        """Count an evaluation, and decide on it; arguments as for `Mastery.decide`."""
        self.evaluations += 1
        self.full_tests += evaluation.full_test is not None
        decision = criterion.decide(
            evaluation,
            test_number=self.full_tests,
            passes=self.passes,
            steps=steps,
            min_steps=min_steps,
        )
        self.passes = self.passes + 1 if decision.cleared else 0
        return decision
