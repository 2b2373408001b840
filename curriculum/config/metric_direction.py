"""Fits a criterion to the scale that a task says of its own metric."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from curriculum import learn, plan
from curriculum.errors import UsageError


class TaskMode(str):
    """A direction that the task gave and not the user; under another metric it is that one's."""

    __slots__ = ()


def fitted_to_metric(criterion: plan.Criterion, task: learn.Task) -> plan.Criterion:
    """The criterion in the direction, and within the range, that the task says of its metric.

    Raises:
        UsageError: where the metric is of another kind than the criterion takes.
    """
    if not isinstance(criterion, plan.Mastery | plan.Plateau | plan.MetricBeyond):
        return criterion
    with learn.user_errors(task):
        scales = learn.metric_scales(task)
    scale = scales.get(criterion.metric, plan.MetricScale())
    if isinstance(criterion, plan.Mastery):
        if not scale.is_rate:
            raise UsageError(
                f"Mastery is of a rate in [0, 1] of which higher is better, and {criterion.metric} is "
                f"{_words(scale)}; take the criterion MetricBeyond, or Plateau"
            )
        return criterion
    if isinstance(criterion, plan.MetricBeyond):
        return _beyond(criterion, scale, scales)
    from_task = isinstance(criterion.mode, TaskMode)
    _check_mode(criterion, scale, known=criterion.metric in scales)
    if criterion.metric not in scales:
        return replace(criterion, mode=None) if from_task else criterion
    return replace(criterion, mode=_mode(scale))


def _beyond(
    criterion: plan.MetricBeyond, scale: plan.MetricScale, scales: dict[str, plan.MetricScale]
) -> plan.MetricBeyond:
    """The same for a criterion that takes a threshold."""
    name = criterion.metric
    if name not in scales or scale.is_rate:
        known = ", ".join(each for each, own in scales.items() if not own.is_rate) or "none"
        raise UsageError(
            f"criterion.metric must be one that the task's metric_scales give a scale of its own "
            f"({known}), got {name!r}; for a rate take the criterion Mastery, for a loss LossBelow"
        )
    _check_mode(criterion, scale, known=True)
    if not scale.low < criterion.threshold < scale.high:
        raise UsageError(
            f"criterion.threshold {criterion.threshold:g} must lie within the range of {name}, which "
            f"is {scale.range}"
        )
    return replace(criterion.scaled(scale), mode=_mode(scale))


def _check_mode(
    criterion: plan.Plateau | plan.MetricBeyond, scale: plan.MetricScale, *, known: bool
) -> None:
    """Check that a direction that the user gave is the task's."""
    mode = criterion.mode
    if known and mode is not None and not isinstance(mode, TaskMode) and mode != _mode(scale):
        raise UsageError(
            f"criterion.mode {mode} contradicts the task, by which {scale.direction} of "
            f"{criterion.metric}; leave it out"
        )


def _mode(scale: plan.MetricScale) -> Any:
    """A direction as the setting takes it, and as one that the task gave."""
    return TaskMode("min" if scale.lower_is_better else "max")


def _words(scale: plan.MetricScale) -> str:
    return f"{scale.range}, and {scale.direction}"
