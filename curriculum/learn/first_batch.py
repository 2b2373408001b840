"""Draws a few examples of a stage and passes them through a model, before anything is trained.

What a task or a model gets wrong is told here in one sentence, with the stage and the user's line,
where it would else be an error from the depths of a library, or a wrong result.

Legend: B batch, L length of the input, T length of the output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from curriculum.learn.batch import IGNORED, PADDING, Batch, concatenate
from curriculum.learn.first_pass import FirstPass
from curriculum.learn.model import HasMinBatchSize, Model
from curriculum.learn.randomness import forked, generator
from curriculum.learn.shape import Shape
from curriculum.learn.task import EvaluationSet, Task
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
        mixed: whether a batch may hold examples of several stages, the shorter ones padded.
        device: that the network is tried on.

    Raises:
        UsageError: for the first that does not fit.
    """
    least = model.min_batch_size if isinstance(model, HasMinBatchSize) else 1
    drawn = [DrawnStage(task, stage, max(EXAMPLES, least)) for stage in stages]
    batches = {each.stage: each.batch() for each in drawn}
    passed = {
        stage: batch
        for stage, batch in batches.items()
        if batch.inputs.size * model.hidden_size <= MOST_NUMBERS
    }
    if not passed:
        return
    with forked("first batch"):
        network = FirstPass.of(task, model, shape, next(iter(passed)), device)
        for stage, batch in passed.items():
            network.check_outputs(stage, batch)
            network.check_padding(stage, batch)
        if mixed:
            network.check_padding(stage, concatenate([*passed.values()]))


class DrawnStage:
    """A few examples of a stage, and whether they are what the task says of itself."""

    def __init__(self, task: Task, stage: Stage, count: int) -> None:
        self.task, self.stage, self.count = task, stage, count
        with user_errors(task, stage):
            self.shape: Shape = task.shape(stage)

    def batch(self) -> Batch:
        """What is trained on; all else that the task offers is looked at too.

        Raises:
            UsageError: for the first that breaks a rule.
        """
        task, stage = self.task, self.stage
        with user_errors(task, stage):
            whole = task.evaluation_set(stage)
        if whole is not None and not isinstance(whole, EvaluationSet):
            problem = f"must give an EvaluationSet or None, got {type(whole).__name__}"
            raise contract_error(task, task.evaluation_set, stage, problem)
        if task.reads_in_order:
            found = self._drawn(task.chunk, stage, self.count, 0)
        else:
            found = self._sampled()
        if whole is not None:
            stop = min(self.count, whole.examples)
            self._drawn(task.evaluation_batch, stage, 0, stop, count=stop)
        elif task.reads_in_order:
            self._sampled()
        for name in task.slices:
            part = self._drawn(task.sample_slice, self._rng(), stage, self.count, name)
            self._check_predicts(part, task.sample_slice)
        self._check_metrics(found)
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
            raise contract_error(self.task, sample, stage, problem)
        return found

    def _drawn(self, method: Callable[..., Batch], *arguments: Any, count: int = 0) -> Batch:
        """What a method of the task gives, with sizes, types and ranges checked."""
        with user_errors(self.task, self.stage):
            batch = method(*arguments)
        for problem in _problems(self.shape, batch, count or self.count):
            raise contract_error(self.task, method, self.stage, problem)
        return batch

    def _check_predicts(self, batch: Batch, method: Callable[..., object]) -> None:
        """Check that in each example something is to be predicted: else nothing is always correct."""
        if (batch.targets == IGNORED).reshape(len(batch.targets), -1).all(axis=1).any():
            problem = f"gives an example in which nothing is to be predicted: all targets {IGNORED}"
            raise contract_error(self.task, method, self.stage, problem)

    def _check_metrics(self, batch: Batch) -> None:
        """Check that the task gives the metrics that it names, one in [0, 1] for each example."""
        task, method = self.task, self.task.metric_values
        if not task.metrics:
            return
        predictions = np.where(batch.targets == IGNORED, 0, batch.targets)  # all that are possible
        with user_errors(task, self.stage):
            found = method(predictions, batch)
            values = {name: np.asarray(value, dtype=np.float64) for name, value in found.items()}
        for name in task.metrics:
            if name not in values:
                problem = f"gives no {name!r}, which is one of the task's metrics"
            elif values[name].shape != (len(predictions),):
                problem = f"must give a {name!r} for each example, got shape {values[name].shape}"
            elif not ((values[name] >= 0) & (values[name] <= 1)).all():
                problem = f"must give a {name!r} in [0, 1], got {values[name].tolist()}"
            else:
                continue
            raise contract_error(task, method, self.stage, problem)


def _problems(shape: Shape, batch: Batch, count: int) -> Iterator[str]:
    """What is wrong with a batch, in words that follow the method's name."""
    if not isinstance(batch, Batch):
        yield f"must give a Batch, got {type(batch).__name__}"
        return
    several = shape.output == "symbols"
    arrays = {"inputs": ("(B, L)", 2), "targets": ("(B, T)", 2) if several else ("(B,)", 1)}
    for name, (axes, dimensions) in arrays.items():
        value = getattr(batch, name)
        if not isinstance(value, np.ndarray):
            yield f"must give {name} as a numpy array, got {type(value).__name__}"
        elif value.dtype != np.int64:
            whole = value.dtype.kind in "iub"
            way_out = "use .astype(np.int64)" if whole else "symbols are whole numbers"
            yield f"must give {name} as int64, got {value.dtype}; {way_out}"
        elif value.ndim != dimensions:
            yield f"must give {name} of shape {axes}, got {value.shape}"
        elif len(value) != count:
            yield f"gave {len(value)} {name} where {count} examples were asked for"
    lengths = {"length": batch.inputs.shape[1]}
    if several:
        lengths["output_length"] = batch.targets.shape[1]
    for name, length in lengths.items():
        if length > getattr(shape, name):
            yield (
                f"gave {'inputs' if name == 'length' else 'targets'} of length {length}, and the "
                f"task's shape has {name} {getattr(shape, name)}; say otherwise in `shape(last)`"
            )
    size = 2 if shape.output == "bit" else shape.output_vocab_size
    yield from _outside("inputs", batch.inputs, shape.input_vocab_size, PADDING)
    yield from _outside("targets", batch.targets, size, None if shape.output == "bit" else IGNORED)
    for name, part in (("weights", batch.weights), *(batch.slices or {}).items()):
        if part is not None and (not isinstance(part, np.ndarray) or part.shape != (count,)):
            found = getattr(part, "shape", type(part).__name__)
            yield f"must give {name} as a numpy array of shape ({count},), got {found}"


def _outside(name: str, values: Any, size: int, special: int | None) -> Iterator[str]:
    """That values are not 0 to `size` - 1, nor the special one."""
    allowed = (values >= 0) & (values < size)
    if special is not None:
        allowed |= values == special
    if not allowed.all():
        wrong = ", ".join(str(value) for value in np.unique(values[~allowed])[:5])
        meaning = {None: "", PADDING: f" (or {PADDING} for padding)"}
        more = meaning.get(special, f" (or {special} where nothing is predicted)")
        why = (
            "a bit has no other"
            if special is None
            else (
                "a stage's vocabulary is Stage(length, vocab_size); say otherwise in `shape(last)`"
            )
        )
        yield f"must give {name} from 0 to {size - 1}{more}, got {wrong}: {why}"
