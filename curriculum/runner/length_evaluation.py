"""Evaluates a final model on lengths of the user's choice, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from curriculum import learn, plan
from curriculum.errors import UsageError
from curriculum.record import FinalEvaluated
from curriculum.runner.final_evaluation import FinalEvaluator


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A stage that the task has no examples of, or that the model can't take; and why, in words."""

    stage: plan.Stage
    reason: str


def evaluate_stages(
    evaluator: FinalEvaluator,
    learner: learn.Learner,
    stages: Iterable[plan.Stage],
    examples: int,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[FinalEvaluated | Refused]:
    """The evaluation of each stage, in their order; one that is refused keeps no other from it.

    Args:
        evaluator: of the run.
        learner: whose model is evaluated.
        stages: on which.
        examples: how many of each, where it has too many inputs to evaluate on all.
        on_progress: called with the tokens of each piece of an input that is read in pieces.
    """
    found: FinalEvaluated | Refused
    experiment = evaluator.experiment
    for stage in stages:
        words = experiment.axis_names.words(stage)
        try:
            experiment.check_stage(stage)
            _check_accepted(evaluator, learner, stage)
            with learn.user_errors(experiment.task, words):
                found = evaluator.beyond(learner, stage, examples, on_progress)
        except UsageError as error:
            found = Refused(stage=stage, reason=str(error))
        except (MemoryError, RuntimeError) as error:
            if not learn.is_out_of_memory(error):
                raise
            found = Refused(stage=stage, reason=f"there is too little memory for {words}")
        yield found


def _check_accepted(evaluator: FinalEvaluator, learner: learn.Learner, stage: plan.Stage) -> None:
    """Check that the model, as it was built, can take a stage."""
    if not evaluator.accepts(learner, stage):
        shape = learner.shape
        raise UsageError(
            f"the model can't be evaluated on {evaluator.experiment.axis_names.words(stage)}: it was built for inputs up to length "
            f"{shape.length} and a vocabulary of {shape.input_vocab_size}"
        )
