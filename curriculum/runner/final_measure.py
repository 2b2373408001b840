"""Measures final models by a metric at a length, all on the same held-out examples."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

import torch

from curriculum import learn, plan, record
from curriculum.config import Experiment
from curriculum.errors import UsageError, did_you_mean
from curriculum.runner.restore import restore_run, source_of

SEED = 0
"""Of the examples that are drawn: the same for the models of all runs, whatever their seeds."""

Part = Literal["target", "certificate"]
"""The stream that examples are of. A learning rate is chosen on the first, and reported on the second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalMeasure:
    """A measure as an experiment's task reports it.

    Attributes:
        name: as it was asked for, such as `loss@512`.
        metric: that is measured: of a loss, in the unit that the criterion has it in.
        stage: that it is measured on.
        unit: of its values; empty for shares of 1.
        lower_is_better: whether a lower value is a better one.
        examples: fresh ones that are drawn, where the task has no finite set.
    """

    name: str
    metric: str
    stage: plan.Stage
    unit: str
    lower_is_better: bool
    examples: int

    @classmethod
    def of(cls, measure: plan.Measure, experiment: Experiment) -> Self:
        """The measure of models that are trained on that experiment.

        Raises:
            UsageError: where its task or its model can't be measured so.
        """
        criterion, metric = experiment.criterion, measure.metric
        if metric == "loss" and criterion.measured in plan.LOSSES:
            metric = criterion.measured
        stage = _stage(measure, experiment)
        _check_metric(metric, measure, experiment.task)
        task, model, shape = experiment.task, experiment.model, experiment.shape
        learn.check_first_batch(
            task, model, shape, [stage], metric=metric, mixed=False, device=torch.device("cpu")
        )
        decided_on = criterion.measured == metric  # in a direction that the user may have given
        return cls(
            name=str(measure),
            metric=metric,
            stage=stage,
            unit=_unit(metric, task),
            lower_is_better=criterion.lower_is_better
            if decided_on
            else _lower_is_better(metric, task),
            examples=criterion.examples,
        )

    def of_run(
        self,
        folder: record.RunFolder,
        part: Part,
        *,
        like: Experiment | None = None,
        device: str = "cpu",
    ) -> plan.Score:
        """What the final model of a run scores.

        Args:
            folder: of the run.
            part: the stream of the examples.
            like: an experiment that defines the task and the model, where they are a user's own.
            device: that the model is evaluated on.

        Raises:
            UsageError: where the model can't be restored, or its data has changed since.
        """
        source: Path | None = source_of(folder, None, like)
        experiment, learner = restore_run(folder, source=source, like=like, device=device)
        task, known = experiment.task, folder.description().data_digest
        with learn.user_errors(task):
            if task.data_digest != known:
                raise UsageError(
                    f"the data of {experiment.name} has changed since run {folder.id}, so that its model "
                    f"can't be measured on what was held out; bring the data back, or run it again"
                )
        shape = task.shape(self.stage)
        if not learner.accepts(shape):  # it has grown with its stages, and has not come so far
            learner = learner.grown(shape, seed=SEED, visit=0)
        mode: Literal["min", "max"] = "min" if self.lower_is_better else "max"
        criterion = plan.Plateau(metric=self.metric, mode=mode, examples=max(2, self.examples))
        evaluator = learn.Evaluator(task.for_stream(part), criterion, SEED, f"{part}/compared")
        score, _ = evaluator.full_test(learner, self.stage, 0, criterion.examples)
        return replace(score, distinct=None)

    def key(self, history: record.History, part: Part) -> str:
        """What a score of a run's final model is kept by: its id, and a digest of all else."""
        description, end = history.description, history.end
        content = (
            self.metric,
            self.stage.key,
            self.examples,
            part,
            None if end is None else end.weights_sha256,
            description.data_digest,
            description.classes_sha256,
            torch.__version__,
        )
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]
        return f"{description.id}/{digest}"


def _stage(measure: plan.Measure, experiment: Experiment) -> plan.Stage:
    """The last stage, at the measure's length."""
    last = experiment.growth.path()[-1]
    stage = replace(last, length=measure.length)
    if measure.length > last.length:
        raise UsageError(
            f"the longest stage of {experiment.name} has {experiment.axis_names.length} {last.length}, got "
            f"the measure {measure}; take at most {measure.metric}@{last.length}"
        )
    try:
        experiment.check_stage(stage)
    except UsageError as error:
        raise UsageError(f"{measure} can't be measured: {error}") from error
    return stage


def _check_metric(metric: str, measure: plan.Measure, task: learn.Task) -> None:
    name = type(task).__name__
    with learn.user_errors(task):
        own = task.metrics
    if metric not in (*learn.METRICS, *plan.LOSSES, *own):
        known = (*learn.METRICS, *plan.LOSSES, *own)
        raise UsageError(f"{name} reports no {metric!r} to measure; {did_you_mean(metric, known)}")
    if metric in own or metric in learn.METRICS:
        return
    if learn.has_own_loss(task):
        raise UsageError(
            f"{name} has a loss of its own, which is of whole batches and so none of single examples; "
            f"measure {' or '.join((*own, *learn.METRICS))} at {measure.length}"
        )
    if task.output == "values" and metric != "loss":
        raise UsageError(
            f"{name} outputs values, whose loss is a squared error and not in {metric}; measure "
            f"loss@{measure.length}"
        )


def _lower_is_better(metric: str, task: learn.Task) -> bool:
    """As the task says, or else as every task has it."""
    with learn.user_errors(task):
        scale = learn.metric_scales(task).get(metric)
    return plan.Plateau(metric=metric).lower_is_better if scale is None else scale.lower_is_better


def _unit(metric: str, task: learn.Task) -> str:
    if metric == "loss" and metric not in task.metrics:
        return "squared error" if task.output == "values" else "nats"
    return {"bits_per_byte": "bits per byte"}.get(metric, "") if metric not in task.metrics else ""
