"""A learner and the state of its run on disk: safetensors and JSON in a folder, never pickle."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from curriculum import config
from curriculum.errors import RunFailed, UsageError
from curriculum.learn import TrainingInterval
from curriculum.record import snapshot_codec
from curriculum.record.codec import Json, decode, encode
from curriculum.record.disk import fsync, reading, sha256_of
from curriculum.record.files import UnexpectedFileType, check_folder, read_bytes, remove
from curriculum.record.run_folder import RunFolder

if TYPE_CHECKING:
    import torch

    from curriculum.config import Experiment
    from curriculum.learn import Learner, Recipe, Snapshot

log = logging.getLogger(__name__)

TENSORS = ("model.safetensors", "optimizer.safetensors")
BEST_TENSORS = ("best_model.safetensors", "best_optimizer.safetensors")
STATE = "state.json"
MOST_JSON_BYTES = 1 << 24
MALFORMED = (*config.MALFORMED, SafetensorError)
"""What comes of reading what is not what was written."""


class DamagedCheckpoint(UsageError):
    """A checkpoint is not what was saved, or does not fit its run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunState:
    """The state of a run, saved beside its learner.

    Attributes:
        visits: how many are over.
        training: whether it was saved within a visit's training.
        interval: of training that it was saved in; None where it was in none.
        parent: the checkpoint of what the visit goes back to, should it be given up.
        settled: whether the weights stay, whatever comes.
        mastered: the key of the stage whose mastery ended the visit; None for no mastery.
        ready: likewise of a stage that was found ready.
        journal: how many bytes the journal had.
        scheduler: its state.
    """

    visits: int
    training: bool
    interval: TrainingInterval | None
    parent: str | None
    settled: bool
    mastered: str | None
    journal: int
    scheduler: Mapping[str, Json]
    ready: str | None = None

    @property
    def passed(self) -> str | None:
        """The key of the stage that was passed at the visit's end; None for none."""
        return self.mastered or self.ready


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckpointJson:
    """What `state.json` holds.

    Attributes:
        state: of the run.
        learner: its learner, without the tensors.
        best: the same of the visit's best state; None where there is none yet.
    """

    state: RunState
    learner: snapshot_codec.LearnerState
    best: snapshot_codec.LearnerState | None = None


def save_checkpoint(
    folder: Path,
    snapshot: Snapshot,
    recipe: Recipe,
    state: RunState,
    best: Snapshot | None = None,
    *,
    epoch: int = 1,
    check: Callable[[], None] | None = None,
) -> None:
    """Write a checkpoint whole or not at all.

    It is written aside, brought to disk, and renamed to `folder` at last.

    Args:
        folder: where it shall be.
        snapshot: the learner that is saved.
        recipe: the run's own; of the learner's, what differs is saved.
        state: of the run.
        best: the best state of the visit, which it may go back to.
        epoch: of the lease that it is written under: no other process writes aside under the same name.
        check: called before it is renamed; what that raises, such as `LeaseLost`, leaves nothing behind.

    Raises:
        OSError: where the disk is full, or can't be written.
    """
    aside = folder.with_name(f".{folder.name}.{epoch}.new")
    remove(aside)
    try:
        aside.mkdir(parents=True)
        rest = []
        for each, names in ((snapshot, TENSORS), (best, BEST_TENSORS)):
            if each is not None:
                packed = snapshot_codec.pack(each, recipe)
                _write_tensors(packed.model, aside / names[0])
                _write_tensors(packed.optimizer, aside / names[1])
                rest.append(packed.rest)
        content = CheckpointJson(state=state, learner=rest[0], best=rest[1] if best else None)
        (aside / STATE).write_text(json.dumps(encode(content), indent=1))
        digests = {path.name: sha256_of(path) for path in aside.iterdir()}
        (aside / "digest.json").write_text(json.dumps(digests, indent=1))
        for path in (*aside.iterdir(), aside):
            fsync(path)
        if check is not None:
            check()
        os.rename(aside, folder)
    except (OSError, RunFailed):
        remove(aside)
        raise
    fsync(folder.parent)


def latest_settled_checkpoint(folder: RunFolder) -> Path:
    """The newest checkpoint whose weights stay, whatever comes; where there is none, the newest.

    The weights of a visit that is not over may be given up yet.

    Raises:
        UsageError: where the run has no whole checkpoint.
        Unreadable: where the system keeps one from being read.
    """
    damage, intact = list[DamagedCheckpoint](), list[Path]()
    for path in reversed(folder.checkpoint_folders()):
        try:
            if load_state(path).state.settled:
                return path
            intact.append(path)
        except DamagedCheckpoint as error:
            log.warning("%s; an older one is taken", error)
            damage.append(error)
    if intact:
        return intact[0]
    raise damage[0] if damage else UsageError(f"run {folder.id} has no checkpoint yet")


def load_state(folder: Path, experiment: Experiment | None = None) -> CheckpointJson:
    """What a checkpoint holds beside the tensors.

    Sizes and names are compared with what the experiment may have, if it is given, before
    anything of that size is read.

    Raises:
        DamagedCheckpoint: where the checkpoint isn't whole, or doesn't fit.
        Unreadable: where the system keeps it from being read, whole or not.
    """
    with checked(folder, "it can't be read"), reading(folder):
        check_folder(folder)
        digests = _json(folder / "digest.json")
        content = _json(folder / STATE)
        _check_digests(folder, digests, STATE)
        found = decode(CheckpointJson, content)
        for rest, names in ((found.learner, TENSORS), (found.best, BEST_TENSORS)):
            if rest is not None:
                if experiment is not None:
                    model, optimizer = (folder / name for name in names)
                    snapshot_codec.check_fits(rest, experiment)
                    snapshot_codec.check_tensors(model, optimizer, rest, experiment)
                _check_digests(folder, digests, *names)
        return found


def load_learner(folder: Path, experiment: Experiment, device: torch.device) -> Learner:
    """The learner of a checkpoint of such an experiment's run.

    Raises:
        DamagedCheckpoint: where the checkpoint isn't whole, or doesn't fit.
        Unreadable: where the system keeps it from being read, whole or not.
    """
    rest = load_state(folder, experiment).learner
    return _load(folder, experiment, device, rest, TENSORS)


def load_best(folder: Path, experiment: Experiment, device: torch.device) -> Learner | None:
    """The best state of the visit that a checkpoint was saved in; None where there is none.

    Raises:
        DamagedCheckpoint: where the checkpoint isn't whole, or doesn't fit.
        Unreadable: where the system keeps it from being read, whole or not.
    """
    rest = load_state(folder, experiment).best
    return None if rest is None else _load(folder, experiment, device, rest, BEST_TENSORS)


def _load(
    folder: Path,
    experiment: Experiment,
    device: torch.device,
    rest: snapshot_codec.LearnerState,
    names: tuple[str, str],
) -> Learner:
    from curriculum.learn import Learner

    # Its digests were right a moment ago.
    with checked(folder, "it does not fit its experiment"), reading(folder, is_there=True):
        model, optimizer = (_read_tensors(folder / name, device) for name in names)
        packed = snapshot_codec.PackedSnapshot(model, optimizer, rest)
        return Learner.of(snapshot_codec.unpack(packed, experiment.recipe), device)


@contextmanager
def checked(folder: Path, misfit: str) -> Iterator[None]:
    """A context in which a checkpoint is read.

    Raises:
        DamagedCheckpoint: in place of what comes of reading another one than was saved.
        UnexpectedFileType: where in the place of its files is what no run writes.
    """
    try:
        yield
    except (DamagedCheckpoint, UnexpectedFileType):
        raise
    except UsageError as error:
        raise _damaged(folder, str(error)) from error
    except OSError as error:
        raise _damaged(folder, "not all of its files are there") from error
    except MALFORMED as error:
        raise _damaged(folder, misfit) from error


def _json(path: Path) -> Any:
    return json.loads(read_bytes(path, MOST_JSON_BYTES))


def _check_digests(folder: Path, digests: Mapping[str, str], *names: str) -> None:
    if any(sha256_of(folder / name) != digests[name] for name in names):
        raise _damaged(folder, "its digest does not match")


def _damaged(folder: Path, why: str) -> DamagedCheckpoint:
    return DamagedCheckpoint(f"the checkpoint {folder} is not whole: {why}")


def _write_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Save tensors; a full disk is an `OSError`, whatever the library makes of it."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        found = re.search(r"os error (\d+)", str(error))  # the library has put it in words
        number = int(found[1]) if found else errno.EIO
        raise OSError(number, os.strerror(number), str(path)) from error


def _read_tensors(path: Path, device: torch.device) -> dict[str, torch.Tensor]:
    """Load tensors. Whatever keeps the library from opening a file, it calls the file missing."""
    try:
        return load_file(path, device=str(device))
    except OSError:
        path.open("rb").close()  # raises what it is
        raise
