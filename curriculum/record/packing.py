"""A learner's snapshot as plain tensors and JSON, for disk and for other processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from curriculum.errors import UsageError
from curriculum.learn.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor

    from curriculum.learn.learner import Snapshot
    from curriculum.learn.recipe import Recipe

__all__ = ["Packed", "from_bytes", "pack", "to_bytes", "unpack"]

STATE = "state"


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


def to_bytes(packed: Packed) -> list[bytes]:
    """A packed snapshot as three objects of bytes: safetensors twice, and JSON."""
    from safetensors.torch import save

    return [save(packed.model), save(packed.optimizer), json.dumps(packed.rest).encode()]


def from_bytes(blobs: Sequence[bytes]) -> Packed:
    """What `to_bytes` made bytes of."""
    from safetensors.torch import load

    return Packed(load(blobs[0]), load(blobs[1]), json.loads(blobs[2]))
