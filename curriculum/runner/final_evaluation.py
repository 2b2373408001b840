"""Evaluates a model on all stages: whenever one is passed, and once the run is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from curriculum import learn, plan
from curriculum.config import Experiment
from curriculum.record import FinalEvaluated, History

STREAM = "certificate"
MOST_TOKENS = 2**20
"""An evaluation set of all inputs is sampled where it would take more than these."""


class FinalEvaluator:
    """Evaluates the model of a run on the stream `certificate`, under the task's criterion."""

    def __init__(self, experiment: Experiment, *, seed: int) -> None:
        self.experiment = experiment
        self.seed = seed
        self._task = experiment.task.for_stream("certificate")
        self._evaluator = learn.Evaluator(self._task, experiment.criterion, seed, STREAM)
        # The last weights, and their scores.
        self._known: tuple[str, dict[plan.Stage, float]] = ("", {})

    @property
    def _has_own_documents(self) -> bool:
        """Whether what is held out for the final model was never tested on before."""
        return self._task != self.experiment.task

    @property
    def is_on(self) -> bool:
        """Whether the experiment wants these evaluations."""
        return self.experiment.final_evaluation.mode == "on"

    def accepts(self, learner: learn.Learner, stage: plan.Stage) -> bool:
        """Whether the model, as it is, can be evaluated on that stage."""
        return learner.accepts(self.experiment.task.shape(stage))

    def evaluate(self, learner: learn.Learner, history: History) -> Iterator[FinalEvaluated]:
        """The model of a run that is over, on each stage of the path, and on longer lengths."""
        path = self.experiment.growth.path()
        for stage in path:
            if self.accepts(learner, stage):
                yield self._on_path(
                    learner,
                    stage,
                    target=stage == path[-1],
                    tests=0 if self._has_own_documents else history.full_tests_of(stage),
                    reference=history.passed_with(stage),
                )
        examples = self.experiment.final_evaluation.examples
        for stage in self._beyond(learner, history):
            yield self.beyond(learner, stage, examples)

    def retention(self, learner: learn.Learner) -> dict[plan.Stage, float]:
        """The score on each stage of the path that the model can be evaluated on."""
        weights = learn.weights_sha256(learner.model)
        if weights != self._known[0]:  # many stages are mastered without training
            path = self.experiment.growth.path()
            stages = [stage for stage in path if self.accepts(learner, stage)]
            self._known = weights, {stage: self._quick_score(learner, stage) for stage in stages}
        return self._known[1]

    def is_worse(self, learner: learn.Learner, other: learn.Learner, stage: plan.Stage) -> bool:
        """Whether a test of a stage shows a learner to be significantly worse than another."""
        criterion = self.experiment.criterion
        evaluator = learn.Evaluator(self.experiment.task, criterion, self.seed, "farthest")
        best, significance = plan.BestState(), self.experiment.rollback.significance
        for each in (other, learner):
            score, _ = evaluator.full_test(each, stage, 0, criterion.examples)
            found = plan.Evaluation(full_test=score)
            best.observe(
                found,
                significance,
                examples=score.examples,
                steps=0,
                lower_is_better=criterion.lower_is_better,
            )
        return best.worse > 0

    def beyond(
        self,
        learner: learn.Learner,
        stage: plan.Stage,
        examples: int,
        on_progress: Callable[[int], None] | None = None,
    ) -> FinalEvaluated:
        """A test of a length beyond the path.

        Where a stage has more inputs than can all be tested, so many are drawn. As no sample
        shows a rate of 1, a threshold above what it can show is taken to be what it can.
        `on_progress` is called with the tokens of each piece of an input that is read in pieces.

        Raises:
            UsageError: where so few examples could not show enough.
        """
        whole = self._task.evaluation_set(stage)
        if whole is not None and (
            whole.rows
            or whole.source == "held_out"  # what is drawn is not held out
            or whole.examples * stage.length <= MOST_TOKENS
        ):
            return replace(self._on_path(learner, stage, target=True), beyond=True)
        criterion = self.experiment.criterion.at(stage, target=True).on_so_many(examples)
        evaluator = learn.Evaluator(
            self._task, criterion, self.seed, f"{STREAM}/beyond", on_progress
        )
        certificate = self._on_sample(evaluator, learner, stage, criterion, looks=((1, 1),))
        return _final_evaluated(certificate, stage, beyond=True)

    def _on_path(
        self,
        learner: learn.Learner,
        stage: plan.Stage,
        *,
        target: bool = False,
        tests: int = 0,
        reference: plan.Score | None = None,
    ) -> FinalEvaluated:
        """A test of a stage of the path, or of one as short.

        Args:
            learner: whose model is tested.
            stage: on which.
            target: whether it is the target, or beyond it.
            tests: that were made of it before.
            reference: what it was passed with.
        """
        criterion, evaluator = self.experiment.criterion.at(stage, target=target), self._evaluator
        if self._task.evaluation_set(stage) is None:
            certificate = self._on_sample(evaluator, learner, stage, criterion, reference=reference)
        else:
            score, slices = evaluator.full_test(learner, stage, 0, criterion.examples)
            evaluation = plan.Evaluation(full_test=score, slices=slices)
            certificate = plan.certify_whole(
                criterion, evaluation, test_number=tests + 1, reference=reference
            )
        return _final_evaluated(certificate, stage, beyond=False)

    def _on_sample(
        self,
        evaluator: learn.Evaluator,
        learner: learn.Learner,
        stage: plan.Stage,
        criterion: plan.Criterion,
        *,
        looks: Sequence[tuple[float, float]] = plan.LOOKS,
        reference: plan.Score | None = None,
    ) -> plan.Certificate:
        distinct = learn.DistinctInputs()

        def draw(number: int, examples: int) -> tuple[plan.Score, dict[str, plan.Score]]:
            score, slices, _ = evaluator.test_sample(learner, stage, number, examples, distinct)
            return score, slices

        return plan.certify_sample(criterion, draw, looks, reference=reference)

    def _quick_score(self, learner: learn.Learner, stage: plan.Stage) -> float:
        """The score of a screen; of documents, and of what is held out, of all of them."""
        whole = self._task.evaluation_set(stage)
        if whole is not None and (whole.rows is not None or whole.source == "held_out"):
            return self._on_path(learner, stage).score
        return self._evaluator.screen(learner, stage).value

    def _beyond(self, learner: learn.Learner, history: History) -> list[plan.Stage]:
        """The lengths beyond what was trained on or mastered that task and model can take."""
        reach = history.reach
        if reach is None:
            return []
        longest = max(history.longest_trained, reach.length)
        stages = self.experiment.final_evaluation.stages(longest, reach)
        path = self.experiment.growth.path()
        return [
            stage
            for stage in stages
            if stage not in path and self.experiment.allows(stage) and self.accepts(learner, stage)
        ]


def _final_evaluated(
    certificate: plan.Certificate, stage: plan.Stage, *, beyond: bool
) -> FinalEvaluated:
    return FinalEvaluated(
        stage=stage,
        beyond=beyond,
        score=certificate.score,
        examples=certificate.examples,
        answer=certificate.answer,
        reason=certificate.reason,
    )
