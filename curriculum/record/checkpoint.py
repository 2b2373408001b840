"""A learner and what stands beside it on disk: safetensors and JSON in one directory, never pickle."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from curriculum.errors import UsageError
from curriculum.record.disk import bring_to_disk, is_missing, unreadable
from curriculum.record.packing import Packed, check_fits, check_tensors, pack, unpack

if TYPE_CHECKING:
    import torch

    from curriculum.experiment import Experiment
    from curriculum.learn.learner import Learner, Snapshot
    from curriculum.learn.recipe import Recipe
    from curriculum.record.store import RunFolder

__all__ = [
    "DamagedCheckpoint",
    "load_learner",
    "load_state",
    "save_checkpoint",
    "standing_checkpoint",
]

FILES = ("model.safetensors", "optimizer.safetensors", "state.json")
MOST_JSON_BYTES = 1 << 24
SENSELESS = (
    AttributeError,
    LookupError,
    OverflowError,
    RecursionError,
    SafetensorError,
    TypeError,
    ValueError,
)
"""What comes of making sense of what is not what was written."""


class DamagedCheckpoint(UsageError):
    """A checkpoint is not what was saved, or does not fit its run."""


def save_checkpoint(
    folder: Path, snapshot: Snapshot, recipe: Recipe, state: dict[str, Any]
) -> None:
    """Write a checkpoint whole or not at all.

    It is written aside, brought to disk, and renamed to `folder` at last.

    Args:
        folder: where it shall lie.
        snapshot: the learner that is saved.
        recipe: the run's own; of the learner's, what differs is saved.
        state: JSON to keep beside it.

    Raises:
        OSError: where the disk is full, or can't be written.
    """
    aside = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        packed = pack(snapshot, recipe)
        _write_tensors(packed.model, aside / FILES[0])
        _write_tensors(packed.optimizer, aside / FILES[1])
        content = json.dumps({"state": state, "learner": packed.rest}, indent=1)
        (aside / FILES[2]).write_text(content)
        digests = {name: _sha256(aside / name) for name in FILES}
        (aside / "digest.json").write_text(json.dumps(digests, indent=1))
        for path in (*aside.iterdir(), aside):
            bring_to_disk(path)
        os.rename(aside, folder)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    bring_to_disk(folder.parent)


def standing_checkpoint(folder: RunFolder) -> Path:
    """The newest checkpoint whose weights stand, whatever comes; where there is none, the newest.

    The weights of a visit that goes on may be given up yet.

    Raises:
        UsageError: where the run has no whole checkpoint.
        Unreadable: where the system keeps one from being read.
    """
    found = folder.saved
    if not found:
        raise UsageError(f"run {folder.id} has no checkpoint yet")
    damage: UsageError | None = None
    whole = []
    for path in reversed(found):
        try:
            if load_state(path)["state"]["stands"]:
                return path
            whole.append(path)
        except DamagedCheckpoint as error:
            damage = damage or error
    if whole:
        return whole[0]
    assert damage is not None
    raise damage


def load_state(folder: Path, experiment: Experiment | None = None) -> dict[str, Any]:
    """What was saved beside the tensors: the `state`, and the `learner`'s rest.

    Sizes and names are compared with what the experiment may have, if it is given, before
    anything of that size is read.

    Raises:
        DamagedCheckpoint: where the checkpoint isn't whole, or doesn't fit.
        Unreadable: where the system keeps it from being read, whole or not.
    """
    model, optimizer, state = (folder / name for name in FILES)
    try:
        digests = _json(folder / "digest.json")
        content = _json(state)
        _check(folder, digests, state)
        if not all(isinstance(content[part], dict) for part in ("state", "learner")):
            raise TypeError
        if experiment is not None:
            check_fits(content["learner"], experiment)
            check_tensors(model, optimizer, content["learner"], experiment)
        _check(folder, digests, model, optimizer)
    except DamagedCheckpoint:
        raise
    except UsageError as error:
        raise _damaged(folder, str(error)) from error
    except OSError as error:
        if not is_missing(error):
            raise unreadable(folder, error) from error
        raise _damaged(folder, "not all of its files are there") from error
    except SENSELESS as error:
        raise _damaged(folder, "it can't be read") from error
    return dict(content)


def load_learner(folder: Path, experiment: Experiment, device: torch.device) -> Learner:
    """The learner of a checkpoint of such an experiment's run.

    Raises:
        DamagedCheckpoint: where the checkpoint isn't whole, or doesn't fit.
        Unreadable: where the system keeps it from being read, whole or not.
    """
    from curriculum.learn.learner import Learner

    content = load_state(folder, experiment)
    try:
        packed = Packed(
            model=_read_tensors(folder / FILES[0], device),
            optimizer=_read_tensors(folder / FILES[1], device),
            rest=content["learner"],
        )
        return Learner.of(unpack(packed, experiment.recipe), device)
    except UsageError as error:
        raise _damaged(folder, str(error)) from error
    except OSError as error:  # its digests were right a moment ago
        raise unreadable(folder, error) from error
    except SENSELESS as error:
        raise _damaged(folder, "it does not fit its experiment") from error


def _json(path: Path) -> Any:
    if path.stat().st_size > MOST_JSON_BYTES:
        raise ValueError(f"{path} is too long")
    return json.loads(path.read_text())


def _check(folder: Path, digests: Mapping[str, str], *files: Path) -> None:
    if any(_sha256(path) != digests[path.name] for path in files):
        raise _damaged(folder, "its digest does not match")


def _damaged(folder: Path, why: str) -> DamagedCheckpoint:
    return DamagedCheckpoint(f"the checkpoint {folder} is not whole: {why}")


def _write_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Save tensors; a full disk is an `OSError`, whatever the library makes of it."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        raise OSError(*_number_of(error), str(path)) from error


def _read_tensors(path: Path, device: torch.device) -> dict[str, torch.Tensor]:
    """Load tensors. Whatever keeps the library from opening a file, it calls the file missing."""
    try:
        return load_file(path, device=str(device))
    except OSError:
        path.open("rb").close()  # says what it is
        raise


def _number_of(error: SafetensorError) -> tuple[int, str]:
    """The system's number of an error that the library has put in words, and its meaning."""
    found = re.search(r"os error (\d+)", str(error))
    number = int(found[1]) if found else 5  # an input or output error
    return number, os.strerror(number)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
