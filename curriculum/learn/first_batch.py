"""Draws a few examples of a stage and passes them through a model, before anything is trained.

What a task or a model gets wrong is told here in one sentence, with the stage and the user's line,
where it would else be an error from the depths of a library, or a wrong result.

Legend: B batch, L length of the input, T length of the output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from curriculum.learn.batch import IGNORED, Batch, concatenate
from curriculum.learn.batch_problems import batch_problems
from curriculum.learn.first_pass import FirstPass
from curriculum.learn.metrics import is_comparable
from curriculum.learn.model import HasMinBatchSize, Model
from curriculum.learn.randomness import forked, generator
from curriculum.learn.shape import Shape
from curriculum.learn.task import METRICS, EvaluationSet, Task, axis_names, has_own_loss
from curriculum.learn.user_code import contract_error, user_errors
from curriculum.plan import Stage

EXAMPLES = 3
"""Drawn of a stage, so that an axis of examples isn't mistaken for one of two symbols."""

MOST_NUMBERS = 2**20
"""Of hidden states; what takes more is drawn and looked at, but not passed through the model."""


def check_first_batch(
    task: Task,
    model: Model,
    shape: Shape,
    stages: Iterable[Stage],
    *,
    metric: str,
    mixed: bool,
    device: torch.device,
) -> None:
    """Check what a task draws of these stages, and what a model makes of it.

    Nothing of a run is changed: the network is one of its own, and no batch is of a stream that is
    trained or evaluated on.

    Args:
        task: that is drawn from.
        model: that is built for it.
        shape: that it is built for.
        stages: that examples are drawn of.
        metric: that the criterion takes.
        mixed: whether a batch may hold examples of several stages, the shorter ones padded.
        device: that the network is tried on.

    Raises:
        UsageError: for the first that does not fit.
    """
    least = model.min_batch_size if isinstance(model, HasMinBatchSize) else 1
    drawn = [DrawnStage(task, stage, max(EXAMPLES, least), metric) for stage in stages]
    batches = {each.stage: each.batch() for each in drawn}
    passed = {
        stage: batch
        for stage, batch in batches.items()
        if batch.inputs.size * model.hidden_size <= MOST_NUMBERS
    }
    if not passed:
        return
    with forked("first batch", device=device):
        network = FirstPass.of(task, model, shape, next(iter(passed)), device)
        for stage, batch in passed.items():
            network.check_outputs(stage, batch)
            network.check_padding(stage, batch)
            network.check_causal(stage, batch)
        if mixed:
            network.check_padding(stage, concatenate([*passed.values()]))


class DrawnStage:
    """A few examples of a stage, and whether they are what the task says of itself."""

    def __init__(self, task: Task, stage: Stage, count: int, metric: str) -> None:
        self.task, self.stage, self.count, self.metric = task, stage, count, metric
        self.at = axis_names(task).words(stage)
        with user_errors(task, self.at):
            self.shape: Shape = task.shape(stage)
            self.shape.check()

    def batch(self) -> Batch:
        """What is trained on; all else that the task offers is looked at too.

        Raises:
            UsageError: for the first that breaks a rule.
        """
        task, stage = self.task, self.stage
        with user_errors(task, self.at):
            whole = task.evaluation_set(stage)
        if whole is not None and not isinstance(whole, EvaluationSet):
            problem = f"must give an EvaluationSet or None, got {type(whole).__name__}"
            raise contract_error(task, task.evaluation_set, self.at, problem)
        if task.reads_in_order:
            found = self._drawn(task.chunk, stage, self.count, 0)
        else:
            found = self._sampled()
        if whole is not None:
            stop = min(self.count, whole.examples)
            evaluated = self._drawn(task.evaluation_batch, stage, 0, stop, count=stop)
            self._check_counts_bytes(evaluated, task.evaluation_batch)
        elif task.reads_in_order:
            self._sampled()
        else:
            self._check_counts_bytes(found, task.sample)
        for name in task.slices:
            part = self._drawn(task.sample_slice, self._rng(), stage, self.count, name)
            self._check_predicts(part, task.sample_slice)
        return found

    def _rng(self) -> np.random.Generator:
        return generator("first batch", self.stage.key)

    def _sampled(self) -> Batch:
        sample, stage = self.task.sample, self.stage
        found = self._drawn(sample, self._rng(), stage, self.count)
        self._check_predicts(found, sample)
        again = self._drawn(sample, self._rng(), stage, self.count)
        same = np.array_equal(found.inputs, again.inputs)
        if not (same and np.array_equal(found.targets, again.targets)):
            problem = "draws other examples with the same generator; draw with `rng` alone"
            raise contract_error(self.task, sample, self.at, problem)
        return found

    def _drawn(self, method: Callable[..., Batch], *arguments: Any, count: int = 0) -> Batch:
        """What a method of the task gives, with sizes, types and ranges checked."""
        with user_errors(self.task, self.at):
            batch = method(*arguments)
        own = has_own_loss(self.task)
        for problem in batch_problems(self.shape, batch, count or self.count, own_loss=own):
            raise contract_error(self.task, method, self.at, problem)
        if self.metric in METRICS and not is_comparable(self.task, batch):
            problem = (
                f"gives targets that no output can equal, and the criterion's metric is "
                f"{self.metric}; have it take one of the task's own metrics"
            )
            raise contract_error(self.task, method, self.at, problem)
        return batch

    def _check_counts_bytes(self, batch: Batch, method: Callable[..., object]) -> None:
        """Check that what is evaluated says how many bytes it stands for, where that is asked for."""
        wanted = self.metric == "bits_per_byte" and self.metric not in self.task.metrics
        if wanted and batch.byte_counts is None:
            problem = (
                "gives no byte_counts, which a loss in bits_per_byte takes; give them, or take "
                "another unit"
            )
            raise contract_error(self.task, method, self.at, problem)

    def _check_predicts(self, batch: Batch, method: Callable[..., object]) -> None:
        """Check that in each example something is to be predicted: else nothing is always correct."""
        if self.shape.output == "values":
            return
        if (batch.targets == IGNORED).reshape(len(batch.targets), -1).all(axis=1).any():
            problem = f"gives an example in which nothing is to be predicted: all targets {IGNORED}"
            raise contract_error(self.task, method, self.at, problem)
