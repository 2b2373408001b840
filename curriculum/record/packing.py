"""A learner's snapshot as plain tensors and JSON, for disk and for other processes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curriculum.errors import UsageError
from curriculum.learn.network import Carrying
from curriculum.learn.randomness import forked
from curriculum.learn.recipe import HIDDEN_SIZE
from curriculum.learn.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor, nn

    from curriculum.experiment import Experiment
    from curriculum.learn.learner import Snapshot
    from curriculum.learn.network import State
    from curriculum.learn.optimizers import OptimizerSettings
    from curriculum.learn.recipe import Recipe

__all__ = ["Packed", "check_fits", "check_tensors", "from_bytes", "pack", "to_bytes", "unpack"]

STATE = "state"
BATCH_SIZE = "training.batch_size"
MOST_HEADER_BYTES = 1 << 24
MOST_NUMBER_BYTES = 16
MOST_CARRIED = 1 << 24
"""Numbers in a state that a learner carries from batch to batch, at most."""

Sizes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Packed:
    """The model's tensors, the optimizer's (named `parameter/entry`), and the rest as JSON.

    A carried state is kept beside the optimizer's tensors, as `state/0` and so on.
    """

    model: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    rest: dict[str, Any]


def pack(snapshot: Snapshot, recipe: Recipe) -> Packed:
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
    rest = {
        "shape": asdict(snapshot.shape),
        "recipe": snapshot.recipe.changes_from(recipe),
        "trial": snapshot.trial,
        "optimizer": {"param_groups": snapshot.optimizer["param_groups"], "values": values},
    }
    model = {name: value.contiguous() for name, value in snapshot.model.items()}
    return Packed(model, tensors, rest)


def unpack(packed: Packed, recipe: Recipe) -> Snapshot:
    """The snapshot that was packed in a run of that recipe."""
    from curriculum.learn.learner import Snapshot

    rest = packed.rest
    if "shape" not in rest:
        raise UsageError("it was saved by an earlier version, whose checkpoints had no shape")
    state: dict[int, dict[str, Any]] = {}
    carried: dict[int, Tensor] = {}
    for key, value in (*packed.optimizer.items(), *rest["optimizer"]["values"].items()):
        parameter, name = key.split("/", 1)
        if parameter == STATE:
            carried[int(name)] = value
        else:
            state.setdefault(int(parameter), {})[name] = value
    return Snapshot(
        shape=Shape(**rest["shape"]),
        recipe=recipe.but(rest["recipe"]),
        trial=rest["trial"],
        model=packed.model,
        optimizer={"state": state, "param_groups": rest["optimizer"]["param_groups"]},
        state=tuple(carried[number] for number in sorted(carried)) or None,
    )


def check_fits(rest: Mapping[str, Any], experiment: Experiment) -> None:
    """Check that what was packed is of no other size than the experiment's models may have.

    Raises:
        UsageError: where it is.
    """
    if "shape" not in rest:
        raise UsageError("it was saved by an earlier version, whose checkpoints had no shape")
    shape = Shape(**rest["shape"])
    if shape.answer != experiment.shape.answer or any(
        not isinstance(value, int) or value < 0 or value > getattr(experiment.shape, name)
        for name, value in asdict(shape).items()
        if name != "answer"
    ):
        raise UsageError(f"its model was built for {shape}, and the path needs {experiment.shape}")
    largest = _largest(experiment)
    for name, value in rest["recipe"].items():
        if name in largest and isinstance(value, int) and 0 < value <= largest[name]:
            continue
        if name in largest or name.startswith("model."):
            raise UsageError(f"it has {name} {value}, which no search of the run comes to")


def _largest(experiment: Experiment) -> dict[str, int]:
    """By dotted name, the settings that memory depends on, as large as a search makes them."""
    from curriculum.tune.settings import Choices
    from curriculum.tune.space import widest_of

    tuning, model = experiment.tuning, experiment.model
    widths, batches = [model.hidden_size], [experiment.training.batch_size]
    if tuning.is_on:
        widths.append(widest_of(tuning, model))
        for axis in tuning.also:
            if axis.setting == BATCH_SIZE:
                values = axis.values if isinstance(axis, Choices) else (axis.high,)
                batches += [int(value) for value in values if value is not None]
    return {HIDDEN_SIZE: max(widths), BATCH_SIZE: max(batches)}


def check_tensors(
    model: Path, optimizer: Path, rest: Mapping[str, Any], experiment: Experiment
) -> None:
    """Check that two files hold a model's tensors, and its optimizer's, by name and size.

    Only what the files say of themselves is read.

    Raises:
        UsageError: where they hold others.
    """
    from curriculum.learn.randomness import forked

    recipe = experiment.recipe.but(rest["recipe"])
    with forked("shapes"):
        module = recipe.model.build(Shape(**rest["shape"]))
    expected = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    if _sizes(model) != expected:
        raise UsageError("its tensors are not those of the model")
    found: dict[str, dict[str, Any]] = {}
    values = {name: type(value) for name, value in rest["optimizer"]["values"].items()}
    for name, form in (*_sizes(optimizer).items(), *values.items()):
        owner, _, entry = name.partition("/")
        found.setdefault(owner, {})[entry] = form
    _check_carried(module, found.pop(STATE, {}))
    entries = _entries(module, recipe.optimizer)
    for owner, forms in found.items():
        if forms != entries.get(owner):
            raise UsageError(f"its optimizer's state of parameter {owner} is not of the model's")


def _check_carried(module: nn.Module, sizes: Sizes) -> None:
    """Check the sizes of a carried state, of any number of rows."""
    blank: State = ()
    if sizes and isinstance(module, Carrying) and module.carries:
        blank = module.blank(1)
    fits = len(sizes) == len(blank) and sum(map(prod, sizes.values())) <= MOST_CARRIED
    for number, part in enumerate(blank):
        size = sizes.get(str(number), ())
        one_row = (*size[:-2], 1, *size[-1:])
        fits = fits and one_row == tuple(part.shape)
    if not fits:
        raise UsageError("its carried state is not of the model's size")


def _entries(module: nn.Module, settings: OptimizerSettings) -> dict[str, dict[str, Any]]:
    """What an optimizer keeps of each parameter: by name the sizes of tensors, and other types."""
    optimizer = settings.build(module.parameters())
    for parameter in module.parameters():
        parameter.grad = parameter.new_zeros(parameter.shape)
    with forked("shapes"):  # some draw at random
        optimizer.step()
    return {
        str(number): {
            name: tuple(value.shape) if hasattr(value, "shape") else type(value)
            for name, value in kept.items()
        }
        for number, kept in optimizer.state_dict()["state"].items()
    }


def _sizes(path: Path) -> Sizes:
    """The sizes of a safetensors file's tensors: eight bytes say how long the JSON is that tells.

    Raises:
        ValueError: where the file is longer than tensors of these sizes can be.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MOST_HEADER_BYTES:
            raise ValueError(f"the header of {path} is too long")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    sizes = {name: tuple(entry["shape"]) for name, entry in header.items()}
    if path.stat().st_size > 8 + length + MOST_NUMBER_BYTES * sum(map(prod, sizes.values())):
        raise ValueError(f"{path} is longer than its tensors")
    return sizes


def to_bytes(packed: Packed) -> list[bytes]:
    """A packed snapshot as three objects of bytes: safetensors twice, and JSON."""
    from safetensors.torch import save

    return [save(packed.model), save(packed.optimizer), json.dumps(packed.rest).encode()]


def from_bytes(blobs: Sequence[bytes]) -> Packed:
    """What `to_bytes` made bytes of."""
    from safetensors.torch import load

    return Packed(load(blobs[0]), load(blobs[1]), json.loads(blobs[2]))
