"""Evaluates the target ahead of the stages below it, once the model is trained on it."""

from collections.abc import Sequence

from curriculum.config import Experiment
from curriculum.learn import Evaluator, Learner
from curriculum.plan import (
    Criterion,
    Evaluation,
    EvaluationCounts,
    Score,
    Spread,
    Stage,
    Trend,
)
from curriculum.record import History, TargetEvaluated, TargetScreened

STREAM = "ahead"


class TargetEvaluator:
    """Tells when a model passes the target, whether or not it passes what is below.

    The gate evaluates the lowest unmastered stage. A model that is trained on long inputs
    alone may never pass the short ones, and pass the target all the same. These evaluations
    have the gate's criterion and examples of their own, and are not charged.
    """

    def __init__(self, experiment: Experiment, *, seed: int) -> None:
        self.target = experiment.growth.path()[-1]
        self._is_on = experiment.final_evaluation.mode == "on"
        self._shape = experiment.task.shape(self.target)
        self._criterion = experiment.criterion.at(self.target, target=True)
        task, apart = (experiment.task.for_stream(stream) for stream in ("target", "tuning"))
        self._evaluator = Evaluator(task, experiment.criterion, seed, STREAM, apart=apart)

    def is_due(self, learner: Learner, stage: Stage, history: History) -> bool:
        """Whether the target is trained on, not passed yet, and not what the gate evaluates."""
        return (
            self._is_on
            and stage != self.target
            and self.target not in history.mastered_ahead
            and self.target in history.stages_trained_on
            and learner.accepts(self._shape)
        )

    def evaluate(
        self, learner: Learner, visit: int, history: History, shared: EvaluationCounts
    ) -> tuple[TargetScreened | None, TargetEvaluated | None]:
        """What a screen of the target found, and a full test if the screen was passed.

        Args:
            learner: as it was evaluated last.
            visit: the number of the visit of that evaluation.
            history: with that evaluation.
            shared: the gate's counts of the target. A test is counted there, so that all tests
                of the stage share one error.
        """
        number = history.evaluation_count
        earlier = [test for test in history.target_evaluations if test.stage == self.target]
        counts = EvaluationCounts(
            evaluations=number,
            full_tests=shared.full_tests,
            failed_tests=shared.failed_tests,
            passes=_passes(earlier, visit, number),
        )
        criterion, steps = self._criterion, history.total_cost.steps
        trend = _trend(criterion, earlier)
        counts.best, counts.stale = trend.best, trend.stale
        evaluation, _ = self._evaluator.evaluate(
            learner,
            self.target,
            counts,
            full_test=counts.wants_full_test(criterion, steps=steps),
            criterion=criterion,
        )
        screened = None
        if evaluation.screen is not None:
            screened = TargetScreened(
                visit=visit,
                stage=self.target,
                evaluation=number,
                score=evaluation.screen.value,
                examples=evaluation.screen.examples,
                loss=evaluation.metrics.get("loss"),
            )
        if evaluation.full_test is None:
            return screened, None
        decision = counts.decide(criterion, evaluation, steps=steps)
        assert decision.score is not None
        shared.full_tests, shared.failed_tests = counts.full_tests, counts.failed_tests
        tested = TargetEvaluated(
            visit=visit,
            stage=self.target,
            evaluation=number,
            score=decision.score,
            examples=decision.examples or 0,
            cleared=decision.cleared,
            mastered=decision.mastered,
            ready=decision.ready,
            reason=decision.reason,
            full_test=evaluation.full_test if criterion.compares and decision.ready else None,
        )
        return screened, tested


def _trend(criterion: Criterion, tests: Sequence[TargetEvaluated]) -> Trend:
    """How the target's score has moved, for a criterion that follows it."""
    trend = Trend()
    if criterion.compares:
        for test in tests:
            spread = Spread(units=test.examples, deviation=0.0)  # whatever it was
            score = Score(value=test.score, examples=test.examples, spread=spread)
            trend = criterion.follow(trend, Evaluation(full_test=score))
    return trend


def _passes(tests: Sequence[TargetEvaluated], visit: int, number: int) -> int:
    """How many tests in a row passed in the evaluations of the visit just before `number`."""
    passes = 0
    for test in reversed(tests):
        follows = (test.visit, test.evaluation) == (visit, number - 1 - passes)
        if not (follows and test.cleared):
            break
        passes += 1
    return passes
