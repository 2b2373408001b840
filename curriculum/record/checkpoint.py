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
from curriculum.record.packing import Packed, pack, unpack

if TYPE_CHECKING:
    import torch

    from curriculum.learn.learner import Learner
    from curriculum.learn.recipe import Recipe
    from curriculum.record.store import RunFolder

__all__ = ["load_learner", "load_state", "newest_checkpoint", "save_checkpoint"]

FILES = ("model.safetensors", "optimizer.safetensors", "state.json")


def save_checkpoint(folder: Path, learner: Learner, recipe: Recipe, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all.

    It is written aside, brought to disk, and renamed to `folder` at last.

    Args:
        folder: where it shall lie.
        learner: what is saved.
        recipe: the run's own; of the learner's, what differs is saved.
        state: JSON to keep beside it.
    """
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    packed = pack(learner.snapshot(), recipe)
    save_file(packed.model, aside / FILES[0])
    save_file(packed.optimizer, aside / FILES[1])
    content = json.dumps({"state": state, "learner": packed.rest}, indent=1)
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


def load_learner(folder: Path, recipe: Recipe, device: torch.device) -> Learner:
    """The learner of a checkpoint, of a run of that recipe.

    Raises:
        UsageError: where the checkpoint isn't whole.
    """
    from curriculum.learn.learner import Learner

    content = load_state(folder)
    packed = Packed(
        model=load_file(folder / FILES[0], device=str(device)),
        optimizer=load_file(folder / FILES[1], device=str(device)),
        rest=content["learner"],
    )
    return Learner.of(unpack(packed, recipe), device)


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
