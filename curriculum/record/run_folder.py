"""The folder of one run: its description, journal, checkpoints, and how it stopped."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from curriculum.errors import RunFailed, UsageError
from curriculum.record.codec import decode, encode
from curriculum.record.description import OtherFormat, RunDescription
from curriculum.record.disk import fsync, reading, write_atomically
from curriculum.record.files import (
    UnexpectedFileType,
    check_file,
    check_folder,
    opened,
    read_bytes,
    remove,
    write_new,
)
from curriculum.record.found_lease import is_held, lease_path, newest_epoch
from curriculum.record.lease import Lease, held

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A run's id is its folder's name: eight hex digits, or what a copy of the folder was called."""

CHECKPOINT = re.compile(r"[0-9]{6,}(-[0-9]{8,})?")
LEFTOVER = re.compile(rf"\.({CHECKPOINT.pattern}|target)(\.[0-9]+)?\.(new|old)")
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
        self._lease: Lease | None = None  # while this process writes the run

    @property
    def journal(self) -> Path:
        """What happened."""
        return self.path / "journal.jsonl"

    @property
    def arms(self) -> Path:
        """The folder of the arms of a portfolio, each with a folder such as this one."""
        return self.path / "arms"

    def arm(self, name: str) -> RunFolder:
        """The folder of an arm of that name."""
        return RunFolder(self.arms / name)

    @property
    def checkpoints(self) -> Path:
        """The folder of the states that were saved."""
        return self.path / "checkpoints"

    @property
    def writer(self) -> Path:
        """The lease of the process that runs it, or has; or else of the first that will."""
        return lease_path(self.path, newest_epoch(self.path) or 1)

    @property
    def dropped(self) -> Path:
        """Records that forced resumes have taken out of the journal."""
        return self.path / "dropped.jsonl"

    @property
    def epoch(self) -> int:
        """The number of the lease that this object writes the run under; 0 where it has none."""
        return 0 if self._lease is None else self._lease.epoch

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
        self.check_held()
        for path in self.checkpoints.glob(".*"):
            if LEFTOVER.fullmatch(path.name):
                remove(path)
        for path in (self.journal, self.path / "run.json", self.path / "stopped.json"):
            remove(path.with_name(f".{path.name}.new"))

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
        self.check_held()
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
        """Whether a living process writes it, on any machine, as far as can be seen at once.

        On this machine a lock tells. Of another that shares no locks with it, the run's lease tells, by
        the time of day when it was renewed: so lists and mirrors may take a run for stopped, or for
        running, where the clocks of machines differ by half a minute; nothing is taken over by that.

        Raises:
            UnexpectedFileType: where the lease is no file.
            Unreadable: where the system doesn't tell.
        """
        with reading(self.path, is_there=True):
            return is_held(self.path)

    @contextlib.contextmanager
    def held(self, *, wait_seconds: float = 0.0) -> Iterator[None]:
        """Be the one process that writes the run; see `lease.held`.

        Until the end of it, what this object writes is checked to be this process's to write.
        """
        with held(self.path, self.id, self._take_away, wait_seconds=wait_seconds) as lease:
            self._lease = lease
            try:
                yield
            finally:
                self._lease = None

    def check_held(self, *, now: bool = False) -> None:
        """Check that the run, if this object holds it, is still its to write; see `Lease.check`.

        Raises:
            LeaseLost: where another process writes it by now.
            OSError: where that can't be found out.
        """
        if self._lease is not None:
            self._lease.check(now=now)

    def _take_away(self) -> None:
        """Take from a process that may be stopped in the midst of writing the files that it has open.

        It goes on between two instructions, without looking at its lease: what it appends then goes into a
        journal that has no name any more, and what it was about to rename is gone.
        """
        self.check_is_own()
        self.remove_leftovers()
        with contextlib.suppress(FileNotFoundError):
            with os.fdopen(opened(self.journal, os.O_RDONLY), "rb") as file:
                content = file.read()
            aside = self.journal.with_name(f".{self.journal.name}.new")
            write_new(aside, content)
            fsync(aside)
            os.replace(aside, self.journal)
            fsync(self.path)

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
            LeaseLost: where another process writes the run by now.
        """
        self.check_held()
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
            LeaseLost: where another process writes the run by now.
        """
        try:
            self.check_held()
            yield
        except OSError as error:
            with contextlib.suppress(OSError):  # which may have taken a file away
                self.check_held(now=True)
            raise RunFailed(
                f"{self.path} can't be written ({os.strerror(error.errno or 0)}): make room "
                f"there, then 'resume {self.id}' continues from what is saved"
            ) from error

    def note_stop(self, status: Literal["interrupted", "failed"], reason: str) -> None:
        """Leave a note of how the run stopped before its end, and why, in words.

        Raises:
            OSError: where it can't be written.
            LeaseLost: where another process writes the run by now.
        """
        self.check_held()
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
        self.check_held()
        (self.path / "stopped.json").unlink(missing_ok=True)
