"""Whether training settings fit the task, the model, the path and the budget of an experiment."""

from __future__ import annotations

from collections.abc import Sequence

from curriculum.errors import UsageError
from curriculum.learn import HasMinBatchSize, Model, Task, Training
from curriculum.plan import Budget, Pacing, Stage


def check_steps(training: Training, task: Task, model: Model, path: Sequence[Stage]) -> None:
    """Check that a step on each stage of a path has the examples that it needs.

    Raises:
        UsageError: where it hasn't.
    """
    if task.reads_in_order:
        _check_order(training, task)
    least = model.min_batch_size if isinstance(model, HasMinBatchSize) else 1
    size, named = training.batch_size, "training.batch_size"
    if training.online:
        size, named = 1, "training.online"
    elif training.tokens_per_step is not None:
        size, named = _least_size(training, task, path), "training.tokens_per_step"
    if training.accumulate > size:
        raise UsageError(
            f"training.accumulate ({training.accumulate}) must be at most the examples of a step, "
            f"of which the longest stage has {size}; see {named}"
        )
    if size < least:
        raise UsageError(
            f"{type(model).__name__} takes at least {least} examples a step, got {size}; see {named}"
        )


def _check_order(training: Training, task: Task) -> None:
    """Check that what is read in order has batches of one size, and whole."""
    changed = {
        "tokens_per_step": training.tokens_per_step is not None,
        "accumulate": training.accumulate > 1,
    }
    for name, is_changed in changed.items():
        if is_changed:
            raise UsageError(
                f"training.{name} is for batches of independent examples, and "
                f"{type(task).__name__} is read in order, row by row; leave it out"
            )


def _least_size(training: Training, task: Task, path: Sequence[Stage]) -> int:
    """How many examples a step has on the longest stage, where the size is given in tokens."""
    tokens = training.tokens_per_step
    length = max(task.shape(stage).length for stage in path)
    if tokens is not None and tokens < length:
        raise UsageError(
            f"training.tokens_per_step ({tokens}) is less than one example of the longest stage, "
            f"which has {length} positions; take a multiple of that"
        )
    return training.step_size(length)


def check_schedule(training: Training, budget: Budget, pacing: Pacing, *, searches: bool) -> None:
    """Check that a schedule has a horizon, and that a step can be told how much of it is over.

    Args:
        training: the settings.
        budget: of the run.
        pacing: of the run.
        searches: whether settings are searched on the way.

    Raises:
        UsageError: where it can't.
    """
    if training.schedule == "constant":
        return
    if training.schedule_over == "run":
        if not budget.is_reproducible:
            raise UsageError(
                f"training.schedule {training.schedule} over the run needs a horizon: "
                f"budget.tokens, budget.steps or budget.compute"
            )
        if searches:
            raise UsageError(
                "a search trains several models, of which none is the run; set tuning.mode off, or "
                "training.schedule_over visit"
            )
    elif pacing.waits_for_mastery and budget.until == "limit":
        raise UsageError(
            f"training.schedule {training.schedule} over each visit is over with the visit's steps, "
            f"and budget.until limit trains on; take training.schedule_over run"
        )
    elif not pacing.waits_for_mastery and budget.steps is None:
        raise UsageError(
            f"training.schedule {training.schedule} needs a horizon: with pacing "
            f"{type(pacing).__name__.lower()}, budget.steps"
        )
