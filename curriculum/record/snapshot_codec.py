"""A learner's snapshot as plain tensors and JSON, for disk and for other processes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curriculum.config import Choices, Experiment, widest_size
from curriculum.errors import UsageError
from curriculum.learn import HIDDEN_SIZE, OptimizerSettings, Recipe, Shape
from curriculum.record.codec import Json, decode, encode
from curriculum.record.files import opened

if TYPE_CHECKING:
    from torch import Tensor, nn

    from curriculum.learn import Snapshot, State

STATE = "state"
BATCH_SIZE = "training.batch_size"
MOST_HEADER_BYTES = 1 << 24
MOST_NUMBER_BYTES = 16
MOST_CARRIED = 1 << 24
"""Numbers in a state that a learner carries from batch to batch, at most."""

Sizes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnerState:
    """What of a snapshot is no tensor.

    Attributes:
        shape: that the model was built for.
        recipe: of its settings, those that differ from the run's own.
        trial: the number of the trial that it comes from.
        param_groups: the optimizer's.
        values: of the optimizer's state, what is no tensor, named `parameter/entry`.
    """

    shape: Shape
    recipe: Mapping[str, Json]
    trial: int
    param_groups: Json
    values: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class PackedSnapshot:
    """The model's tensors, the optimizer's (named `parameter/entry`), and the rest.

    A carried state is kept beside the optimizer's tensors, as `state/0` and so on.
    """

    model: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    rest: LearnerState

    def to_bytes(self) -> list[bytes]:
        """The same as three objects of bytes: safetensors twice, and JSON."""
        from safetensors.torch import save

        return [save(self.model), save(self.optimizer), json.dumps(encode(self.rest)).encode()]

    @classmethod
    def from_bytes(cls, blobs: Sequence[bytes]) -> PackedSnapshot:
        """What `to_bytes` made bytes of."""
        from safetensors.torch import load

        rest = decode(LearnerState, json.loads(blobs[2]))
        return cls(load(blobs[0]), load(blobs[1]), rest)


def pack(snapshot: Snapshot, recipe: Recipe) -> PackedSnapshot:
    """A snapshot taken in a run of that recipe: of its own, what differs is kept."""
    from torch import Tensor

    tensors: dict[str, Tensor] = {}
    values: dict[str, Any] = {}
    for parameter, entries in snapshot.optimizer["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"{parameter}/{name}"] = value.contiguous()
            else:
                values[f"{parameter}/{name}"] = value
    for number, part in enumerate(snapshot.state or ()):
        tensors[f"{STATE}/{number}"] = part.contiguous()
    rest = LearnerState(
        shape=snapshot.shape,
        recipe=snapshot.recipe.changes_from(recipe),
        trial=snapshot.trial,
        param_groups=snapshot.optimizer["param_groups"],
        values=values,
    )
    model = {name: value.contiguous() for name, value in snapshot.model.items()}
    return PackedSnapshot(model, tensors, rest)


def unpack(packed: PackedSnapshot, recipe: Recipe) -> Snapshot:
    """The snapshot that was packed in a run of that recipe."""
    from curriculum.learn import Snapshot

    rest = packed.rest
    state: dict[int, dict[str, Any]] = {}
    carried: dict[int, Tensor] = {}
    for key, value in (*packed.optimizer.items(), *rest.values.items()):
        parameter, name = key.split("/", 1)
        if parameter == STATE:
            carried[int(name)] = value
        else:
            state.setdefault(int(parameter), {})[name] = value
    return Snapshot(
        shape=rest.shape,
        recipe=recipe.replace(rest.recipe),
        trial=rest.trial,
        model=packed.model,
        optimizer={"state": state, "param_groups": rest.param_groups},
        state=tuple(carried[number] for number in sorted(carried)) or None,
    )


def check_fits(rest: LearnerState, experiment: Experiment) -> None:
    """Check that what was packed is of no other size than the experiment's models may have.

    Raises:
        UsageError: where it is.
    """
    shape, needed = rest.shape, experiment.shape
    sizes = {name: value for name, value in asdict(shape).items() if name != "output"}
    if shape.output != needed.output or any(
        value < 0 or value > getattr(needed, name) for name, value in sizes.items()
    ):
        raise UsageError(f"its model was built for {shape}, and the path needs {needed}")
    largest = _largest(experiment)
    for name, value in rest.recipe.items():
        if name in largest and isinstance(value, int) and 0 < value <= largest[name]:
            continue
        if name in largest or name.startswith("model."):
            raise UsageError(f"it has {name} {value}, which no search of the run can give")


def _largest(experiment: Experiment) -> dict[str, int]:
    """By dotted name, the settings that memory depends on, as large as a search makes them."""
    tuning, model = experiment.tuning, experiment.model
    widths, batches = [model.hidden_size], [experiment.training.batch_size]
    if tuning.is_on:
        widths.append(widest_size(tuning, model))
        for parameter in tuning.also:
            if parameter.setting == BATCH_SIZE:
                if isinstance(parameter, Choices):
                    batches += [int(value) for value in parameter.values if value is not None]
                else:
                    batches.append(int(parameter.high))
    return {HIDDEN_SIZE: max(widths), BATCH_SIZE: max(batches)}


def check_tensors(model: Path, optimizer: Path, rest: LearnerState, experiment: Experiment) -> None:
    """Check that two files hold a model's tensors, and its optimizer's, by name and size.

    Only the headers of the files are read.

    Raises:
        UsageError: where they hold others.
    """
    from curriculum.learn import build_empty, forked

    recipe = experiment.recipe.replace(rest.recipe)
    with forked("shapes"):
        module = build_empty(recipe.model, rest.shape)
    expected = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    if _sizes(model) != expected:
        raise UsageError("its tensors are not those of the model")
    found: dict[str, dict[str, Any]] = {}
    values = {name: type(value) for name, value in rest.values.items()}
    for name, size_or_type in (*_sizes(optimizer).items(), *values.items()):
        owner, _, entry = name.partition("/")
        found.setdefault(owner, {})[entry] = size_or_type
    _check_carried(module, found.pop(STATE, {}))
    entries = _entries(module, recipe.optimizer)
    for parameter, held in found.items():
        if held != entries.get(parameter):
            raise UsageError(
                f"its optimizer's state of parameter {parameter} is not of the model's"
            )


def _check_carried(module: nn.Module, sizes: Sizes) -> None:
    """Check the sizes of a carried state, of any number of rows."""
    from curriculum.learn import Stateful

    blank: State = ()
    if sizes and isinstance(module, Stateful) and module.carries_state:
        blank = module.initial_state(1)
    fits = len(sizes) == len(blank) and sum(map(prod, sizes.values())) <= MOST_CARRIED
    for number, part in enumerate(blank):
        size = sizes.get(str(number), ())
        one_row = (*size[:-2], 1, *size[-1:])
        fits = fits and one_row == tuple(part.shape)
    if not fits:
        raise UsageError("its carried state is not of the model's size")


def _entries(module: nn.Module, settings: OptimizerSettings) -> dict[str, dict[str, Any]]:
    """What an optimizer keeps of each parameter: by name the sizes of tensors, and other types."""
    from curriculum.learn import forked

    optimizer = settings.build(module.parameters())
    for parameter in module.parameters():
        parameter.grad = parameter.new_zeros(parameter.shape)
    with forked("shapes"):  # some draw at random
        optimizer.step()
    return {
        str(number): {
            name: tuple(value.shape) if hasattr(value, "shape") else type(value)
            for name, value in entries.items()
        }
        for number, entries in optimizer.state_dict()["state"].items()
    }


def _sizes(path: Path) -> Sizes:
    """The sizes of a safetensors file's tensors, from its header: JSON, and before it its length.

    Raises:
        ValueError: where the file is longer than tensors of these sizes can be.
    """
    with os.fdopen(opened(path, os.O_RDONLY), "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MOST_HEADER_BYTES:
            raise ValueError(f"the header of {path} is too long")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    sizes = {name: tuple(entry["shape"]) for name, entry in header.items()}
    if path.stat().st_size > 8 + length + MOST_NUMBER_BYTES * sum(map(prod, sizes.values())):
        raise ValueError(f"{path} is longer than its tensors")
    return sizes
