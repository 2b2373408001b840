"""Where runs lie: `STORE/runs/<id>/`, beside MLflow's database and artifacts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from curriculum.errors import RunFailed, UsageError
from curriculum.record.disk import bring_to_disk, is_missing, unreadable, write_whole
from curriculum.record.lock import is_held

__all__ = ["DEFAULT_STORE", "RunFolder", "Store", "checkpoint_name"]

DEFAULT_STORE = Path("mlruns")
RUN_ID = re.compile(r"[0-9a-f]{1,8}")
CHECKPOINT = re.compile(r"[0-9]{6,}(-[0-9]{8,})?")


def checkpoint_name(visits: int, steps: int | None = None) -> str:
    """The name of the state after so many visits, or of `steps` steps into the next one.

    In the order of their names, checkpoints are in the order of the run.
    """
    return f"{visits:06d}" if steps is None else f"{visits:06d}-{steps:08d}"


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def saved(self) -> list[Path]:
        """The folders of its checkpoints, oldest first.

        Raises:
            Unreadable: where the system keeps them from being listed.
        """
        try:
            found = self.checkpoints.iterdir()
            return sorted(
                path for path in found if CHECKPOINT.fullmatch(path.name) and path.is_dir()
            )
        except OSError as error:
            if is_missing(error):
                return []
            raise unreadable(self.checkpoints, error) from error

    @property
    def writer(self) -> Path:
        """The lock that the process that runs it holds."""
        return self.path / "writer.lock"

    @property
    def dropped(self) -> Path:
        """Records that a forced resume has taken out of the journal."""
        return self.path / "dropped.jsonl"

    def remove_checkpoint(self, name: str) -> None:
        """Delete a checkpoint; half of one is never left under its name."""
        aside = self.checkpoints / f".{name}.old"
        shutil.rmtree(aside, ignore_errors=True)  # what a process that was killed left
        with contextlib.suppress(OSError):
            os.rename(self.checkpoints / name, aside)
        shutil.rmtree(aside, ignore_errors=True)

    @property
    def journal_bytes(self) -> int:
        """How long the journal is; 0 before it begins."""
        return self.journal.stat().st_size if self.journal.exists() else 0

    @property
    def is_running(self) -> bool:
        return is_held(self.writer)

    def description(self) -> dict[str, Any]:
        """What `run.json` says: the experiment, the seed and the circumstances.

        Raises:
            UsageError: where it is not what was written.
            Unreadable: where the system keeps it from being read.
        """
        path = self.path / "run.json"
        try:
            described = json.loads(path.read_text())
            good = described.pop("check") == _check_of(described)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            good = False
        except OSError as error:
            if not is_missing(error):
                raise unreadable(path, error) from error
            good = False
        if not good:
            raise UsageError(
                f"{path} is damaged, or is of an earlier version; 'rm {self.id}' deletes the run"
            )
        return dict(described)

    def describe(self, description: Mapping[str, Any]) -> None:
        """Write `run.json`, whole or not at all, and bring it to the disk.

        Raises:
            OSError: where it can't be written.
        """
        content = json.dumps({**description, "check": _check_of(description)}, indent=1)
        write_whole(self.path / "run.json", content + "\n")

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """While the run's record is written: what the disk refuses is said in a sentence.

        Raises:
            RunFailed: in place of an `OSError`.
        """
        try:
            yield
        except OSError as error:
            raise RunFailed(
                f"{self.path} can't be written ({os.strerror(error.errno or 0)}): make room "
                f"there, then 'resume {self.id}' goes on from what is saved"
            ) from error

    def note_stop(self, status: str, reason: str) -> None:
        """Leave a note of how the run stopped before its end: what `stopped` gives.

        Args:
            status: `interrupted` or `failed`.
            reason: why, in words.

        Raises:
            OSError: where it can't be written.
        """
        content = {"status": status, "reason": reason, "time": round(time.time(), 3)}
        write_whole(self.path / "stopped.json", json.dumps(content))

    def stopped(self) -> dict[str, Any] | None:
        """How the run stopped before its end, if it said so: `status`, `reason`, `time`."""
        try:
            said = json.loads((self.path / "stopped.json").read_text())
            return {name: said[name] for name in ("status", "reason", "time")}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def forget_stop(self) -> None:
        """Take the note away: the run goes on."""
        (self.path / "stopped.json").unlink(missing_ok=True)


class Store:
    """A folder of runs."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def runs_folder(self) -> Path:
        return self.root / "runs"

    @property
    def mirrors(self) -> Path:
        """What the mirror keeps for itself: locks, and how far it has come."""
        return self.root / "mirrors"

    def create(self, description: Mapping[str, Any]) -> RunFolder:
        """A new run's folder with its `run.json`. Its name, eight hex digits, is the run's id.

        It is on the disk itself once it is given back.

        Raises:
            UsageError: where the store can't be written.
        """
        try:
            place = (self.runs_folder, *self.runs_folder.parents)
            new = [path for path in place if not path.exists()]
            self.runs_folder.mkdir(parents=True, exist_ok=True)
            for path in new:
                bring_to_disk(path.parent)
            while True:
                folder = RunFolder(self.runs_folder / secrets.token_hex(4))
                aside = folder.path.with_name(f".{folder.id}.new")
                if not folder.path.exists():
                    break
            (aside / "checkpoints").mkdir(parents=True)
            RunFolder(aside).describe({"id": folder.id, **description})
            os.rename(aside, folder.path)
            bring_to_disk(self.runs_folder)
        except OSError as error:
            raise UsageError(
                f"the store {self.root} can't be written ({error.strerror}); "
                f"choose another with --store"
            ) from error
        return folder

    def runs(self) -> list[RunFolder]:
        """All runs, oldest first."""
        begun: dict[Path, int] = {}
        if self.runs_folder.is_dir():
            for path in self.runs_folder.iterdir():
                if RUN_ID.fullmatch(path.name):
                    with contextlib.suppress(OSError):  # no run, or one that is being deleted
                        begun[path] = (path / "run.json").stat().st_mtime_ns
        return [RunFolder(path) for path in sorted(begun, key=begun.__getitem__)]

    def some_runs(self) -> list[RunFolder]:
        """All runs, oldest first; one at least.

        Raises:
            UsageError: where there is none.
        """
        found = self.runs()
        if not found:
            raise UsageError(f"the store {self.root} holds no runs yet; start one with 'run'")
        return found

    def find(self, name: str) -> RunFolder:
        """The run of that id, of an unambiguous beginning of one, or the `last`.

        Raises:
            UsageError: where there is none, or several.
        """
        runs = self.some_runs()
        if name == "last":
            return runs[-1]
        found = [folder for folder in runs if name and folder.id.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(folder.id for folder in found)
            raise UsageError(
                f"{name!r} is the beginning of {len(found)} runs: {ids}; give more of it"
            )
        raise UsageError(
            f"there is no run {name!r} in {self.root}; the latest are "
            f"{', '.join(folder.id for folder in runs[-3:])}, or say last"
        )


def _check_of(description: Mapping[str, Any]) -> str:
    """A digest of what a description says."""
    content = {name: value for name, value in description.items() if name != "check"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
