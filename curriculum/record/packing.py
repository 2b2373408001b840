"""A learner's snapshot as plain tensors and JSON, for disk and for other processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curriculum.plan import Stage

if TYPE_CHECKING:
    from torch import Tensor

    from curriculum.learn.learner import Snapshot
    from curriculum.learn.recipe import Recipe

__all__ = ["Packed", "from_bytes", "pack", "to_bytes", "unpack"]


@dataclass(frozen=True, slots=True)
class Packed:
    """The model's tensors, the optimizer's (named `parameter/entry`), and the rest as JSON."""

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
    rest = {
        "answer": snapshot.answer,
        "recipe": snapshot.recipe.changes_from(recipe),
        "last": snapshot.last.key,
        "trial": snapshot.trial,
        "optimizer": {"param_groups": snapshot.optimizer["param_groups"], "values": values},
    }
    model = {name: value.contiguous() for name, value in snapshot.model.items()}
    return Packed(model, tensors, rest)


def unpack(packed: Packed, recipe: Recipe) -> Snapshot:
    """The snapshot that was packed in a run of that recipe."""
    from curriculum.learn.learner import Snapshot

    rest = packed.rest
    state: dict[int, dict[str, Any]] = {}
    for key, value in (*packed.optimizer.items(), *rest["optimizer"]["values"].items()):
        parameter, name = key.split("/", 1)
        state.setdefault(int(parameter), {})[name] = value
    return Snapshot(
        answer=rest["answer"],
        recipe=recipe.but(rest["recipe"]),
        last=Stage.from_key(rest["last"]),
        trial=rest["trial"],
        model=packed.model,
        optimizer={"state": state, "param_groups": rest["optimizer"]["param_groups"]},
    )


def to_bytes(packed: Packed) -> list[bytes]:
    """A packed snapshot as three objects of bytes: safetensors twice, and JSON."""
    from safetensors.torch import save

    return [save(packed.model), save(packed.optimizer), json.dumps(packed.rest).encode()]


def from_bytes(blobs: Sequence[bytes]) -> Packed:
    """What `to_bytes` made bytes of."""
    from safetensors.torch import load

    return Packed(load(blobs[0]), load(blobs[1]), json.loads(blobs[2]))
