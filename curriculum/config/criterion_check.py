"""Whether a task has what a criterion decides on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from curriculum import learn, plan
from curriculum.errors import UsageError


def check_criterion(
    criterion: plan.Criterion, task: learn.Task, path: Sequence[plan.Stage], *, tuned: bool
) -> None:
    """Check that a task reports a criterion's metric, in its unit, on the stages it names.

    `tuned` says whether settings are searched by it.

    Raises:
        UsageError: for the first that does not fit.
    """
    if tuned and criterion.compares:
        raise UsageError(
            "a search races trials to be the first that passes, and a metric stands still first "
            "where nothing is learned; set tuning.mode off, or take another criterion"
        )
    if isinstance(criterion, plan.LossBelow | plan.Mastery):
        _check_named_stages(criterion, path)
    if isinstance(criterion, plan.LossBelow):
        _check_loss(criterion, task, path)
        return
    metric, losses = criterion.measured, plan.LOSSES if criterion.has_spread else ()
    with learn.user_errors(task):
        own = task.metrics
    if metric in losses and metric not in own:
        _check_has_loss(task)
        _check_unit(metric, task)
    elif metric not in (*learn.METRICS, *own):
        known = ", ".join((*learn.METRICS, *own, *losses))
        raise UsageError(
            f"criterion.metric must be one that the task reports ({known}), got {metric!r}"
        )


def check_final_evaluation(criterion: plan.Criterion, settings: plan.FinalEvaluation) -> None:
    """Check that what is evaluated beyond the path can show something."""
    if settings.mode != "on":
        return
    if not isinstance(criterion, plan.Mastery):
        criterion.on_so_many(settings.examples)
        return
    rate = min(criterion.at(target=True).threshold, plan.LEAST_SHOWN)
    needed = plan.examples_needed(rate, criterion.confidence)
    if needed is not None and needed > settings.examples:
        raise UsageError(
            f"final_evaluation.examples {settings.examples} can't show a rate of {rate:g}: "
            f"even if all are correct, it takes {needed}"
        )


def _check_named_stages(
    criterion: plan.LossBelow | plan.Mastery, path: Sequence[plan.Stage]
) -> None:
    unknown = plan.unknown_stages(criterion.per_stage, path)
    if unknown:
        raise UsageError(
            f"criterion.per_stage names {unknown[0]}, which is no stage of the path "
            f"({', '.join(stage.key for stage in path[:8])}{', ...' * (len(path) > 8)}); name those alone "
            f"that it has"
        )


def _check_loss(criterion: plan.LossBelow, task: learn.Task, path: Sequence[plan.Stage]) -> None:
    _check_has_loss(task)
    _check_unit(criterion.unit, task)
    if criterion.unit not in ("nats", "perplexity"):
        return
    for stage in path:
        with learn.user_errors(task):
            symbols = 2 if task.output == "bit" else task.shape(stage).output_vocab_size
        guessing = float(symbols) if criterion.unit == "perplexity" else math.log(symbols)
        threshold = criterion.at(stage, target=stage == path[-1]).threshold
        if threshold >= guessing:
            raise UsageError(
                f"criterion.threshold {threshold:g} ({criterion.unit}) is passed by guessing: of "
                f"{symbols} symbols, all as likely, that has {guessing:.4g}; {_advice(criterion.unit)}"
            )


def _check_has_loss(task: learn.Task) -> None:
    if learn.has_own_loss(task):
        raise UsageError(
            f"{type(task).__name__} has a loss of its own, which is of whole batches, and so none "
            f"of single documents; take a criterion on one of its metrics: "
            f"{', '.join((*learn.METRICS, *task.metrics))}"
        )


def _check_unit(unit: str, task: learn.Task) -> None:
    """Check that a loss of the task can be in that unit, or of that metric."""
    name = type(task).__name__
    if task.output == "values" and unit not in ("squared_error", "loss"):
        raise UsageError(
            f"{name} outputs values, whose loss is a squared error and not in {unit}; set "
            f"criterion.unit squared_error"
        )
    if task.output != "values" and unit == "squared_error":
        raise UsageError(
            f"{name} outputs symbols, whose loss is no squared error; set criterion.unit nats, "
            f"perplexity or bits_per_byte"
        )


def _advice(unit: str) -> str:
    other = "perplexity" if unit == "nats" else "nats"
    return f"lower it, or set criterion.unit {other} if that is what it is"
