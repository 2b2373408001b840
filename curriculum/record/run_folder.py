"""The folder of one run: its description, journal, checkpoints, and how it stopped."""

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from curriculum.errors import RunFailed, UsageError
from curriculum.record.codec import decode, encode
from curriculum.record.description import OtherFormat, RunDescription
from curriculum.record.disk import reading, write_atomically
from curriculum.record.files import UnexpectedFileType, check_file, check_folder, read_bytes, remove
from curriculum.record.lock import held, is_held

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A run's id is its folder's name: eight hex digits, or what a copy of the folder was called."""

CHECKPOINT = re.compile(r"[0-9]{6,}(-[0-9]{8,})?")
LEFTOVER = re.compile(rf"\.({CHECKPOINT.pattern}|target)\.(new|old)")
"""What a process that was killed leaves beside checkpoints."""

MOST_JSON_BYTES = 1 << 24
TARGET_CHECKPOINT = "target"
"""The name of the state that mastered the target ahead of the stages below it."""


def checkpoint_name(visits: int, steps: int | None = None) -> str:
    """The name of the state after so many visits, or of `steps` steps into the next one.

    In the order of their names, checkpoints are in the order of the run.
    """
    return f"{visits:06d}" if steps is None else f"{visits:06d}-{steps:08d}"


@dataclass(frozen=True, kw_only=True, slots=True)
class StopNote:
    """How a run stopped before its end, as `stopped.json` holds it, and when."""

    status: Literal["interrupted", "failed"]
    reason: str
    time: float


class RunFolder:
    """The folder of one run.

    Attributes:
        id: its name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    @property
    def journal(self) -> Path:
        """What happened."""
        return self.path / "journal.jsonl"

    @property
    def checkpoints(self) -> Path:
        """The folder of the states that were saved."""
        return self.path / "checkpoints"

    @property
    def writer(self) -> Path:
        """The lock of the process that runs it."""
        return self.path / "writer.lock"

    @property
    def dropped(self) -> Path:
        """Records that forced resumes have taken out of the journal."""
        return self.path / "dropped.jsonl"

    def checkpoint_folders(self) -> list[Path]:
        """The folders of its checkpoints, oldest first.

        Raises:
            UnexpectedFileType: where in the place of one, or of all, is what no run writes.
            Unreadable: where the system keeps them from being listed.
        """
        check_folder(self.checkpoints)
        found: list[Path] = []
        with contextlib.suppress(OSError), reading(self.checkpoints):
            found = sorted(
                path for path in self.checkpoints.iterdir() if CHECKPOINT.fullmatch(path.name)
            )
        for path in found:
            check_folder(path)
        return found

    @property
    def journal_bytes_saved(self) -> int:
        """How long the journal was when the newest checkpoint was saved, as that says; 0 for none that does.

        Raises:
            UnexpectedFileType: where in the place of one, or of all, is what no run writes.
            Unreadable: where the system keeps them from being listed.
        """
        newest = self.checkpoint_folders()[-1:]
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
            content = json.loads(read_bytes(newest[0] / "state.json", MOST_JSON_BYTES))
            return int(content["state"]["journal"])
        return 0

    def remove_leftovers(self) -> None:
        """Delete what was being written or deleted when a process was killed."""
        for path in self.checkpoints.glob(".*"):
            if LEFTOVER.fullmatch(path.name):
                remove(path)

    def checkpoint(self, name: str) -> Path:
        """The folder of a checkpoint, if it is there, with nothing in it but files.

        Raises:
            UnexpectedFileType: where in its place, or in it, is what no run writes.
        """
        path = self.checkpoints / name
        self.check_is_own()
        check_folder(path)
        for each in path.iterdir() if path.is_dir() else ():
            check_file(each)
        return path

    def remove_checkpoint(self, name: str) -> None:
        """Delete a checkpoint; half of one is never left under its name."""
        aside = self.checkpoints / f".{name}.old"
        remove(aside)  # what a process that was killed left
        with contextlib.suppress(OSError):
            os.rename(self.checkpoints / name, aside)
        remove(aside)

    def check_is_own(self) -> None:
        """Check that it is a folder of the store's, and so is that of its checkpoints: no link elsewhere.

        Raises:
            UnexpectedFileType: where it is not.
        """
        check_folder(self.path)
        check_folder(self.checkpoints)

    @property
    def journal_bytes(self) -> int:
        """How long the journal is; 0 before it begins."""
        try:
            return self.journal.lstat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return 0

    @property
    def is_running(self) -> bool:
        """Whether a living process writes it.

        Raises:
            UnexpectedFileType: where the lock is no file.
            Unreadable: where the system doesn't tell.
        """
        with reading(self.writer, is_there=True):
            return is_held(self.writer)

    def held(self) -> AbstractContextManager[None]:
        """Be the one process that writes the run; see `lock.held`."""
        return held(self.writer, self.id)

    def description(self) -> RunDescription:
        """What `run.json` says; the run's id is its folder's name.

        Raises:
            OtherFormat: where another version of this package has written it.
            UsageError: where it is not what was written, or is none of ours.
            Unreadable: where the system keeps it from being read.
        """
        path = self.path / "run.json"
        self.check_is_own()
        try:
            with reading(path):
                text = read_bytes(path, MOST_JSON_BYTES).decode()
            return replace(RunDescription.from_json(text), id=self.id)
        except UnexpectedFileType:
            raise
        except OtherFormat as error:
            raise OtherFormat(f"run {self.id} {error}; 'rm {self.id}' deletes the run") from error
        except (OSError, ValueError, RecursionError, OverflowError) as error:
            raise UsageError(f"{path} is damaged; 'rm {self.id}' deletes the run") from error

    def describe(self, description: RunDescription) -> None:
        """Write `run.json`, whole or not at all, and bring it to the disk; without the id, see there.

        Raises:
            OSError: where it can't be written.
        """
        write_atomically(self.path / "run.json", replace(description, id="").to_json())

    @property
    def created(self) -> float:
        """The time of day when the run was started, as `run.json` says; 0 where it doesn't say."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            found = json.loads(read_bytes(self.path / "run.json", MOST_JSON_BYTES))
            if isinstance(found, dict) and isinstance(found.get("created"), float):
                return float(found["created"])
        return 0.0

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """A context in which the run's record is written: an error of the disk becomes one sentence.

        Raises:
            RunFailed: in place of an `OSError`.
        """
        try:
            yield
        except OSError as error:
            raise RunFailed(
                f"{self.path} can't be written ({os.strerror(error.errno or 0)}): make room "
                f"there, then 'resume {self.id}' continues from what is saved"
            ) from error

    def note_stop(self, status: Literal["interrupted", "failed"], reason: str) -> None:
        """Leave a note of how the run stopped before its end, and why, in words.

        Raises:
            OSError: where it can't be written.
        """
        note = StopNote(status=status, reason=reason, time=round(time.time(), 3))
        write_atomically(self.path / "stopped.json", json.dumps(encode(note)))

    def stop_note(self) -> StopNote | None:
        """How the run stopped before its end, if it said so."""
        try:
            text = read_bytes(self.path / "stopped.json", MOST_JSON_BYTES)
            return decode(StopNote, json.loads(text))
        except UnexpectedFileType:
            raise
        except (OSError, ValueError, RecursionError, OverflowError):
            return None

    def remove_stop_note(self) -> None:
        """Take the note away: the run is resumed."""
        (self.path / "stopped.json").unlink(missing_ok=True)
