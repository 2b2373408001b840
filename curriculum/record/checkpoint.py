"""A learner and a scheduler on disk: safetensors and JSON in one directory, never pickle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file, save_file

from curriculum.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from curriculum.learn.learner import Learner
    from curriculum.record.store import RunFolder

__all__ = ["load_learner", "load_state", "newest_checkpoint", "save_checkpoint"]

FILES = ("model.safetensors", "optimizer.safetensors", "state.json")


def save_checkpoint(folder: Path, learner: Learner, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all.

    It is written aside, brought to disk, and renamed to `folder` at last.
    """
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    tensors, rest = _optimizer_state(learner.optimizer.state_dict())
    weights = {name: value.clone() for name, value in learner.model.state_dict().items()}
    save_file(weights, aside / FILES[0])
    save_file(tensors, aside / FILES[1])
    content = json.dumps({"state": state, "optimizer": rest}, indent=1)
    (aside / FILES[2]).write_text(content)
    digests = {name: _sha256(aside / name) for name in FILES}
    (aside / "digest.json").write_text(json.dumps(digests, indent=1))
    for path in (*aside.iterdir(), aside):
        _fsync(path)
    os.rename(aside, folder)
    _fsync(folder.parent)


def newest_checkpoint(folder: RunFolder) -> Path:
    """The folder of a run's newest checkpoint.

    Raises:
        UsageError: where the run has none yet.
    """
    found = sorted(path for path in folder.checkpoints.glob("[0-9]*") if path.is_dir())
    if not found:
        raise UsageError(f"run {folder.id} has no checkpoint yet")
    return found[-1]


def load_state(folder: Path) -> dict[str, Any]:
    """The state that was saved beside the tensors.

    Raises:
        UsageError: where the checkpoint isn't whole.
    """
    _check(folder)
    content: dict[str, Any] = json.loads((folder / FILES[2]).read_text())
    return content


def load_learner(folder: Path, learner: Learner) -> dict[str, Any]:
    """Fill a learner of the same shape from a checkpoint, and give the state beside it."""
    content = load_state(folder)
    device = str(learner.device)
    learner.model.load_state_dict(load_file(folder / FILES[0], device=device))
    tensors = load_file(folder / FILES[1], device=device)
    learner.optimizer.load_state_dict(_joined(tensors, content["optimizer"]))
    state: dict[str, Any] = content["state"]
    return state


def _optimizer_state(state: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimizer's state as tensors, named `parameter/entry`, and the rest."""
    import torch

    tensors: dict[str, torch.Tensor] = {}
    rest: dict[str, Any] = {"param_groups": state["param_groups"], "values": {}}
    for parameter, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{parameter}/{name}"] = value.contiguous()
            else:
                rest["values"][f"{parameter}/{name}"] = value
    return tensors, rest


def _joined(tensors: dict[str, Tensor], rest: dict[str, Any]) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {}
    for key, value in (*tensors.items(), *rest["values"].items()):
        parameter, name = key.split("/", 1)
        state.setdefault(int(parameter), {})[name] = value
    return {"state": state, "param_groups": rest["param_groups"]}


def _check(folder: Path) -> None:
    try:
        digests = json.loads((folder / "digest.json").read_text())
        good = all(_sha256(folder / name) == digests[name] for name in FILES)
    except (OSError, ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise UsageError(f"the checkpoint {folder} is not whole: its digest does not match")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fsync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
