"""Runs that are still being recorded, a record at a time."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from curriculum.record import Lock, RunFolder


@dataclass
class Recording:
    """A run that is still being recorded: `advance` adds a record, and after the last it ends."""

    folder: RunFolder
    records: list[bytes]

    def __post_init__(self) -> None:
        self._lock = Lock(self.folder.writer)
        assert self._lock.acquire()
        self.advance()

    @classmethod
    def again(cls, whole: RunFolder, path: Path) -> Self:
        """A run that is recorded again, as it was, in that folder."""
        shutil.copytree(whole.path, path, ignore=shutil.ignore_patterns("journal.jsonl"))
        return cls(RunFolder(path), whole.journal.read_bytes().splitlines(keepends=True))

    def advance(self) -> None:
        if self.records:
            with self.folder.journal.open("ab") as journal:
                journal.write(self.records.pop(0))
        else:
            self.stop()

    def stop(self) -> None:
        """Have its process end."""
        self._lock.release()
