"""What of a batch breaks a rule of its task's shape, in words that follow a method's name.

Legend: B batch, L length of the input, C channels, T length of the output, K values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from curriculum.learn.batch import IGNORED, PADDING, Batch
from curriculum.learn.shape import Shape

Rule = tuple[type[np.generic], str, int]
"""An array's type, its axes, and how many these are."""


def batch_problems(shape: Shape, batch: Batch, count: int, *, own_loss: bool) -> Iterator[str]:
    """What is wrong with a batch; ask for the first alone, since the others may follow from it.

    Args:
        shape: of the task, for the stage that the batch is of.
        batch: what a method of the task gave.
        count: how many examples were asked for.
        own_loss: whether the task defines its loss, and so what its targets are.
    """
    if not isinstance(batch, Batch):
        yield f"must give a Batch, got {type(batch).__name__}"
        return
    rule: Rule = (np.float32, "(B, L, C)", 3) if shape.channels else (np.int64, "(B, L)", 2)
    yield from _array_problems("inputs", batch.inputs, rule, count)
    if own_loss:
        yield from _own_target_problems(batch.targets, count)
    elif shape.output == "values":
        yield from _value_problems(shape, batch.targets, count)
    else:
        several = shape.output == "symbols"
        rule = (np.int64, "(B, T)", 2) if several else (np.int64, "(B,)", 1)
        yield from _array_problems("targets", batch.targets, rule, count)
    yield from _length_problems(shape, batch)
    if shape.channels:
        yield from _channel_problems(shape, batch)
    else:
        if batch.mask is not None:
            yield f"must give no mask for symbols: {PADDING} pads the end of shorter sequences"
        yield from _outside("inputs", batch.inputs, shape.input_vocab_size, PADDING)
    if not own_loss and shape.output != "values":
        bit = shape.output == "bit"
        size = 2 if bit else shape.output_vocab_size
        yield from _outside("targets", batch.targets, size, None if bit else IGNORED)
    for name, part in (("weights", batch.weights), *(batch.slices or {}).items()):
        if part is not None and (not isinstance(part, np.ndarray) or part.shape != (count,)):
            found = getattr(part, "shape", type(part).__name__)
            yield f"must give {name} as a numpy array of shape ({count},), got {found}"
    yield from _count_problems(batch, count)


def _count_problems(batch: Batch, count: int) -> Iterator[str]:
    for name, numbers in (("units", batch.units), ("byte_counts", batch.byte_counts)):
        if numbers is not None:
            yield from _array_problems(name, numbers, (np.int64, "(B,)", 1), count)
            if (numbers < 0).any():
                yield f"must give {name} of at least 0, got {numbers.min()}"


def _array_problems(name: str, value: Any, rule: Rule, count: int) -> Iterator[str]:
    dtype, axes, dimensions = rule
    if not isinstance(value, np.ndarray):
        yield f"must give {name} as a numpy array, got {type(value).__name__}"
    elif value.dtype != dtype:
        yield f"must give {name} as {dtype.__name__}, got {value.dtype}; {_way_out(value, dtype)}"
    elif value.ndim != dimensions:
        yield f"must give {name} of shape {axes}, got {value.shape}"
    elif len(value) != count:
        yield f"gave {len(value)} {name} where {count} examples were asked for"


def _way_out(value: Any, dtype: type[np.generic]) -> str:
    whole = value.dtype.kind in "iub"
    if dtype is np.int64 and not whole:
        return "symbols are whole numbers; for real ones say `channels` in `shape(last)`"
    return f"use .astype(np.{dtype.__name__})"


def _own_target_problems(targets: Any, count: int) -> Iterator[str]:
    if not isinstance(targets, np.ndarray):
        yield f"must give targets as a numpy array, got {type(targets).__name__}"
    elif targets.dtype not in (np.int64, np.float32):
        yield f"must give targets as int64 or float32, got {targets.dtype}"
    elif len(targets) != count:
        yield f"gave {len(targets)} targets where {count} examples were asked for"


def _value_problems(shape: Shape, targets: Any, count: int) -> Iterator[str]:
    """That values are not (B, K), or (B,) where K is 1."""
    size = shape.value_count
    flat = size == 1 and isinstance(targets, np.ndarray) and targets.ndim == 1
    rule: Rule = (np.float32, "(B,)", 1) if flat else (np.float32, f"(B, {size})", 2)
    yield from _array_problems("targets", targets, rule, count)
    if not flat and targets.shape[1] != size:
        yield (
            f"must give targets of shape (B, {size}), got {targets.shape}; say otherwise in "
            f"`shape(last)`, by value_count"
        )
    if not np.isfinite(targets).all():
        yield "must give targets that are finite numbers"


def _length_problems(shape: Shape, batch: Batch) -> Iterator[str]:
    lengths = {"length": batch.inputs.shape[1]}
    if shape.output == "symbols" and batch.targets.ndim > 1:
        lengths["output_length"] = batch.targets.shape[1]
    for name, length in lengths.items():
        if length > getattr(shape, name):
            yield (
                f"gave {'inputs' if name == 'length' else 'targets'} of length {length}, and the "
                f"task's shape has {name} {getattr(shape, name)}; say otherwise in `shape(last)`"
            )


def _channel_problems(shape: Shape, batch: Batch) -> Iterator[str]:
    """That channels are of another number or not finite, or that their mask is none."""
    if batch.inputs.shape[2] != shape.channels:
        yield (
            f"gave {batch.inputs.shape[2]} channels, and the task's shape has {shape.channels}; "
            f"say otherwise in `shape(last)`"
        )
    mask, wanted = batch.mask, batch.inputs.shape[:2]
    if mask is not None:
        if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != wanted:
            found = getattr(mask, "shape", type(mask).__name__)
            kind = f"{mask.dtype} of shape {found}" if isinstance(mask, np.ndarray) else found
            yield f"must give the mask as bool of shape {wanted}, got {kind}"
        elif not mask[:, 0].all() or (np.diff(mask.astype(np.int8), axis=1) > 0).any():
            yield "must give a mask that is True from the first position to a sequence's end"
    if not np.isfinite(batch.inputs[batch.present]).all():
        yield "must give inputs that are finite numbers"


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
