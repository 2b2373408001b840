"""Draws two examples of a stage and passes them through a model, before anything is trained.

What a task or a model gets wrong is told here in one sentence, with the stage and the user's line,
where it would else be an error from the depths of a library, or a wrong result.

Legend: B batch, L length of the input, T length of the output, V its vocabulary, H hidden.
"""

from __future__ import annotations

import inspect
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from curriculum.errors import UsageError
from curriculum.learn.batch import IGNORED, PADDING, Batch, concatenate
from curriculum.learn.memory import is_out_of_memory
from curriculum.learn.metrics import mean_loss
from curriculum.learn.model import Model
from curriculum.learn.network_protocols import forward_eval, forward_mode_of, forward_train
from curriculum.learn.randomness import forked, generator
from curriculum.learn.shape import Shape
from curriculum.learn.task import Task
from curriculum.plan import Stage

EXAMPLES = 2
MOST_NUMBERS = 2**20
"""Of hidden states; what takes more is drawn and looked at, but not passed through the model."""

LIBRARIES = [
    Path(__file__).parents[1],
    *(Path(sysconfig.get_paths()[name]) for name in ("stdlib", "purelib", "platlib")),
]
"""Folders whose code is not the user's: this package, Python's own, and what is installed."""


def check_first_batch(
    task: Task, model: Model, shape: Shape, stages: Iterable[Stage], *, mixed: bool
) -> None:
    """Check what a task draws of these stages, and what a model makes of it.

    Nothing of a run is changed: the network is one of its own, on the CPU, and no batch is of a
    stream that is trained or evaluated on.

    Args:
        task: that is drawn from.
        model: that is built for it.
        shape: that it is built for.
        stages: that two examples are drawn of.
        mixed: whether a batch may hold examples of several stages, the shorter ones padded.

    Raises:
        UsageError: for the first that does not fit.
    """
    drawn = {stage: _drawn(task, stage) for stage in stages}
    passed = {
        stage: batch
        for stage, batch in drawn.items()
        if batch.inputs.size * model.hidden_size <= MOST_NUMBERS
    }
    if not passed:
        return
    with forked("first batch"):
        with _blamed(model, next(iter(passed))):
            network = model.build(shape)
        for stage, batch in passed.items():
            _check_network(task, model, network, stage, batch)
            _check_padding(model, network, stage, batch)
        if mixed:
            _check_padding(model, network, stage, concatenate([*passed.values()]))


def _drawn(task: Task, stage: Stage) -> Batch:
    """Two examples of a stage, looked at; so are those of slices, a document, an evaluation set."""
    with _blamed(task, stage):
        shape, whole = task.shape(stage), task.evaluation_set(stage)
        found = task.sample(_generator(stage), stage, EXAMPLES)
    _check_batch(task, stage, shape, found, task.sample)
    with _blamed(task, stage):
        again = task.sample(_generator(stage), stage, EXAMPLES)
    if not all(map(np.array_equal, (found.inputs, found.targets), (again.inputs, again.targets))):
        problem = "draws other examples with the same generator; draw with `rng` alone"
        raise _misfit(task, task.sample, stage, problem)
    for name in task.slices:
        with _blamed(task, stage):
            part = task.sample_slice(_generator(stage), stage, EXAMPLES, name)
        _check_batch(task, stage, shape, part, task.sample_slice)
    if task.reads_in_order:
        with _blamed(task, stage):
            part = task.chunk(stage, EXAMPLES, 0)
        _check_batch(task, stage, shape, part, task.chunk)
    if whole is not None:
        count = min(EXAMPLES, whole.examples)
        with _blamed(task, stage):
            part = task.evaluation_batch(stage, 0, count)
        _check_batch(task, stage, shape, part, task.evaluation_batch, count=count)
    _check_metrics(task, stage, found)
    return found


def _generator(stage: Stage) -> np.random.Generator:
    return generator("first batch", stage.key)


def _check_batch(
    task: Task,
    stage: Stage,
    shape: Shape,
    batch: Batch,
    method: Callable[..., object],
    *,
    count: int = EXAMPLES,
) -> None:
    """Check sizes, types and ranges of what a method of the task gave.

    Raises:
        UsageError: for the first that does not fit the stage, or the task's own shape.
    """
    for problem in _problems(shape, batch, count):
        raise _misfit(task, method, stage, problem)


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
            way_out = "use .astype(np.int64)" if value.dtype.kind in "iub" else "none is rounded"
            yield f"must give {name} of int64 symbols, got {value.dtype}: {way_out}"
        elif value.ndim != dimensions:
            yield f"must give {name} of shape {axes}, got {value.shape}"
        elif len(value) != count:
            yield f"gave {len(value)} {name} where {count} examples were asked for"
    inputs, targets = batch.inputs, batch.targets
    if inputs.shape[1] > shape.length:
        yield f"gave inputs of length {inputs.shape[1]}, and a shape for at most {shape.length}"
    if several and targets.shape[1] > shape.output_length:
        yield (
            f"gave targets of length {targets.shape[1]}, and a shape for at most "
            f"{shape.output_length}"
        )
    size = 2 if shape.output == "bit" else shape.output_vocab_size
    nothing = None if shape.output == "bit" else IGNORED
    yield from _outside("inputs", inputs, shape.input_vocab_size, PADDING)
    yield from _outside("targets", targets, size, nothing)
    for name, part in {"weights": batch.weights, **(batch.slices or {})}.items():
        if part is not None and part.shape != (count,):
            yield f"gave {name} of shape {part.shape} for {count} examples"


def _outside(name: str, values: Any, size: int, special: int | None) -> Iterator[str]:
    """That values are not 0 to `size` - 1, nor the special one."""
    allowed = (values >= 0) & (values < size)
    if special is not None:
        allowed |= values == special
    if not allowed.all():
        wrong = ", ".join(str(value) for value in np.unique(values[~allowed])[:5])
        more = "" if special is None else f", or {special} for none"
        yield f"gave {name} {wrong}, which are 0 to {size - 1}{more}"


def _check_network(
    task: Task, model: Model, network: nn.Module, stage: Stage, batch: Batch
) -> None:
    """Check the network's outputs in training and evaluation, and that the loss has a gradient."""
    mode, output = forward_mode_of(network), task.output
    inputs, targets = torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets)
    length = targets.shape[1] if targets.ndim > 1 else 1
    with _blamed(model, stage):
        network.train()
        logits: Any = forward_train(network, mode, inputs, targets, None)[0]
    _check_logits(network, logits, task.shape(stage), stage, targets)
    with _blamed(model, stage):
        loss = mean_loss(output, logits, targets)
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]
    if all(parameter.grad is None for parameter in network.parameters()):
        problem = "gives an output from which no parameter gets a gradient"
        raise _misfit(network, network.forward, stage, problem)
    with _blamed(model, stage), torch.inference_mode():
        network.eval()
        logits = forward_eval(network, mode, inputs, length, None)[0]
    _check_logits(network, logits, task.shape(stage), stage, targets)


def _check_padding(model: Model, network: nn.Module, stage: Stage, batch: Batch) -> None:
    """Check that an example has the same outputs with padding after its end as without."""
    mode, inputs = forward_mode_of(network), torch.from_numpy(batch.inputs)
    padded = np.flatnonzero((batch.inputs == PADDING).any(axis=1))
    if len(padded) == 0:
        return
    row = int(padded[0])
    wanted = batch.targets[row] != IGNORED  # of those that are predicted, if there are several
    kept = inputs[row : row + 1, : int((batch.inputs[row] != PADDING).sum())]
    length = batch.targets.shape[1] if batch.targets.ndim > 1 else 1
    own = int(np.flatnonzero(wanted)[-1]) + 1 if wanted.any() else 0
    with _blamed(model, stage), torch.inference_mode():
        network.eval()
        together = forward_eval(network, mode, inputs, length, None)[0][row]
        alone = forward_eval(network, mode, kept, own, None)[0][0]
    if batch.targets.ndim > 1:
        together, alone = together[:own][wanted[:own]], alone[:own][wanted[:own]]
    if not torch.allclose(together, alone, rtol=1e-3, atol=1e-4):
        problem = (
            f"gives other outputs where {PADDING} pads an example's end; have it leave padding out, "
            f"or take a task and a strategy whose batches have one length"
        )
        raise _misfit(network, network.forward, stage, problem)


def _check_logits(
    network: nn.Module, logits: object, shape: Shape, stage: Stage, targets: Tensor
) -> None:
    """Check that there is a logit for each target, or one for each symbol that it may be.

    A network that is built for a larger stage may know more symbols.
    """
    expected = (*targets.shape, *(() if shape.output == "bit" else (shape.output_vocab_size,)))
    if not isinstance(logits, Tensor):
        problem = f"must give logits as one tensor, got {type(logits).__name__}"
    elif not logits.is_floating_point():
        problem = f"must give logits as floating-point numbers, got {logits.dtype}"
    elif logits.ndim != len(expected) or logits.shape[: targets.ndim] != targets.shape:
        problem = f"must give logits of shape {expected}, got {tuple(logits.shape)}"
    elif logits.shape[targets.ndim :] < expected[targets.ndim :]:
        problem = f"must give {expected[-1]} logits for each output, got {logits.shape[-1]}"
    else:
        return
    raise _misfit(network, network.forward, stage, problem)


def _check_metrics(task: Task, stage: Stage, batch: Batch) -> None:
    """Check that the task gives the metrics that it names, one in [0, 1] for each example."""
    if not task.metrics:
        return
    with _blamed(task, stage):
        found = task.metric_values(batch.targets, batch)
        values = {name: np.asarray(value, dtype=np.float64) for name, value in found.items()}
    for name in task.metrics:
        if name not in values:
            problem = f"gives no {name!r}, which is one of the task's metrics"
        elif values[name].shape != (EXAMPLES,):
            problem = f"must give a {name!r} for each example, got shape {values[name].shape}"
        elif not ((values[name] >= 0) & (values[name] <= 1)).all():
            problem = f"must give a {name!r} in [0, 1], got {values[name].tolist()}"
        else:
            continue
        raise _misfit(task, task.metric_values, stage, problem)


@contextmanager
def _blamed(part: Task | Model, stage: Stage) -> Iterator[None]:
    """A context in which the user's code is called: what fails is told in a sentence."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        message = " ".join(str(error).split())[:300]
        raise UsageError(
            f"{type(part).__name__} fails at {stage}{_line_of(error)}: "
            f"{type(error).__name__}: {message}"
        ) from error


def _misfit(owner: object, method: Callable[..., object], stage: Stage, problem: str) -> UsageError:
    """The error that a method breaks a rule; it names the line where that is defined."""
    code = getattr(inspect.unwrap(method), "__code__", None)
    where = "" if code is None else f" ({Path(code.co_filename).name}, line {code.co_firstlineno})"
    return UsageError(f"{type(owner).__name__}.{method.__name__}{where} {problem} (at {stage})")


def _line_of(error: BaseException) -> str:
    """The user's line that an error came from: the last that is of no library."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [
        f for f in frames if not any(Path(f.filename).is_relative_to(each) for each in LIBRARIES)
    ]
    chosen = (theirs or frames)[-1]
    return f" ({Path(chosen.filename).name}, line {chosen.lineno})"
