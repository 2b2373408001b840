"""Connects another training loop with a scheduler: evaluates, and moves the scheduler on."""

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import torch
from torch import nn

from curriculum.errors import UsageError
from curriculum.plan import Evaluation, Scheduler, Stage, Verdict

# `Any` stands for the user's own class of models.
Evaluate: TypeAlias = Callable[[Any, Stage], Evaluation | tuple[int, int]]
"""Evaluates the model on fresh held-out examples of the stage; may give (correct, examples)."""

OnTransition: TypeAlias = Callable[[Any, Verdict], object]
"""Called when a visit ended: mastered or ready, or exhausted. `scheduler.stage` is the next one already."""

LOGGED_VERDICTS = {
    Verdict.EXHAUSTED: -1.0,
    Verdict.LEARNING: 0.0,
    Verdict.MASTERED: 1.0,
    Verdict.READY: 1.0,
}
"""Verdicts as numbers, which is all that most loggers take."""


class Gate:
    """Evaluates a model every `eval_every` optimizer steps, and updates the scheduler.

    Steps are counted on where a loop begins again from step 0 with a scheduler that was
    updated before.

    Args:
        scheduler: whose `stage` the training data are drawn from.
        evaluate: given the model, in evaluation mode and without gradients, and the stage.
        eval_every: optimizer steps between two evaluations.
        on_transition: given the model and the verdict whenever a visit ended.

    Raises:
        UsageError: where an argument is not what it should be.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        evaluate: Evaluate,
        *,
        eval_every: int,
        on_transition: OnTransition | None = None,
    ) -> None:
        if not isinstance(scheduler, Scheduler):
            raise UsageError(f"scheduler must be a curriculum.Scheduler, got {scheduler!r}")
        if not callable(evaluate):
            raise UsageError(f"evaluate must be a function of (model, stage), got {evaluate!r}")
        if isinstance(eval_every, bool) or not isinstance(eval_every, int) or eval_every < 1:
            raise UsageError(
                f"eval_every must be a number of steps, at least 1, got {eval_every!r}"
            )
        if on_transition is not None and not callable(on_transition):
            raise UsageError(
                f"on_transition must be a function of (model, verdict), got {on_transition!r}"
            )
        self.scheduler = scheduler
        self._evaluate = evaluate
        self._eval_every = eval_every
        self._on_transition = on_transition
        self._steps_before = 0  # taken before those that the loop counts

    def begin(self, step: int, *, processes: int, workers: int) -> None:
        """Check how a loop that has done `step` steps will train, and count on from there.

        Raises:
            UsageError: for several processes, each of which would decide for itself, and for
                data loaded by workers, whose copies of a dataset never learn of the next stage.
        """
        if processes > 1:
            raise UsageError(
                f"the scheduler decides in one training process, got {processes}; train on one "
                f"device, or call the scheduler in a loop of your own"
            )
        if workers > 0:
            raise UsageError(
                f"data must be loaded in the training process, which knows the next stage, "
                f"got {workers} workers; set the number of the data loader's workers to 0"
            )
        self._steps_before = max(self._steps_before, self.scheduler.cost.steps - step)

    def after_step(self, model: nn.Module, step: int) -> dict[str, float] | None:
        """Evaluate if it is due after `step` of the loop; what was found, as numbers to log.

        None where no evaluation was due, or the scheduler has finished.

        Raises:
            UsageError: where `evaluate` gave neither an evaluation nor two counts.
        """
        scheduler, steps = self.scheduler, self._steps_before + step
        if scheduler.finished or steps - scheduler.cost.steps < self._eval_every:
            return None
        stage = scheduler.stage
        with _evaluating(model):
            found = self._evaluate(model, stage)
        verdict = scheduler.update(_evaluation(found, steps))
        if verdict is not Verdict.LEARNING and self._on_transition is not None:
            self._on_transition(model, verdict)
        return self._numbers(stage, verdict)

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's state, and what the loop's count of steps leaves out, as JSON."""
        return {"scheduler": self.scheduler.state_dict(), "steps_before": self._steps_before}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` gave, under the same settings."""
        self.scheduler.load_state_dict(state["scheduler"])
        self._steps_before = state["steps_before"]

    def _numbers(self, stage: Stage, verdict: Verdict) -> dict[str, float]:
        reach, decision = self.scheduler.reach, self.scheduler.decision
        numbers = {
            "curriculum/length": float(stage.length),
            "curriculum/vocab_size": float(stage.vocab_size),
            "curriculum/level": float(stage.level),
            "curriculum/verdict": LOGGED_VERDICTS[verdict],
            "curriculum/reach_length": 0.0 if reach is None else float(reach.length),
            "curriculum/reach_vocab_size": 0.0 if reach is None else float(reach.vocab_size),
            "curriculum/reach_level": 0.0 if reach is None else float(reach.level),
        }
        if decision is not None and decision.score is not None:
            numbers["curriculum/score"] = decision.score
        return numbers


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards each part is in the mode it was in."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training in modes:
            part.training = training


def _evaluation(found: Evaluation | tuple[int, int], steps: int) -> Evaluation:
    """What `evaluate` gave as an evaluation, with the steps filled in."""
    if isinstance(found, Evaluation):
        return replace(found, cost=replace(found.cost, steps=steps))
    try:
        correct, examples = map(operator.index, found)  # tensors and numpy's integers will do
    except (TypeError, ValueError):
        correct, examples = 0, 0
    if not 0 <= correct <= examples or examples == 0:
        raise UsageError(
            f"evaluate must return an Evaluation, or how many predictions were correct and of how "
            f"many examples, as in (95, 100), got {found!r}"
        )
    return Evaluation.from_counts(correct, examples, steps=steps)
