"""The list of runs that one mirror is to copy: a file with an id a line, which grows.

Who writes it holds a lock on it while runs may be added. A mirror reads it until that is over.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from curriculum.errors import UsageError
from curriculum.record import RUN_ID, Lock

PROBING_SECONDS = 1.0
"""Who only asks whether a lock is held holds it for an instant."""


class RunsFile:
    """The list, as it is written: use it in a `with`, and start the mirror within that.

    Runs that there are not yet may be added too: they are copied once they begin. One that is added
    again is looked at before the others.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock(path)

    def __enter__(self) -> Self:
        """Be the one that writes it.

        Raises:
            UsageError: where a living process writes it, or none can.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_free = self._lock.acquire(seconds=PROBING_SECONDS)
        except OSError as error:
            raise UsageError(f"{self.path} can't be written ({error.strerror})") from error
        if not is_free:
            raise UsageError(f"another process writes {self.path}; only one can at a time")
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def add(self, *run_ids: str) -> None:
        """Have these copied too.

        Raises:
            OSError: where the disk is full, or can't be written.
        """
        text = "".join(f"{run_id}\n" for run_id in run_ids)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        with os.fdopen(file, "a") as opened:
            opened.write(text)


class RunsReader:
    """The list, as its mirror reads it.

    Raises:
        UsageError: where there is none.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UsageError(f"there is no file of runs {path}; write one with a run's id a line")
        self.path = path
        self._offset = 0

    @property
    def is_complete(self) -> bool:
        """Whether no run is added any more: no living process writes it."""
        lock = Lock(self.path)
        is_free = lock.acquire()
        lock.release()
        return is_free

    def read_new(self, *, whole: bool) -> list[str]:
        """The ids that were added since the last call; a line that is none is skipped.

        Args:
            whole: take the last line too, though it lacks its end; the rest may else be to come.
        """
        with self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._offset:
                self._offset = 0  # it was written anew
            file.seek(self._offset)
            added = file.read()
        if not whole:
            added = added[: added.rfind(b"\n") + 1]
        self._offset += len(added)
        found = map(str.strip, added.decode(errors="replace").split("\n"))
        return [run_id for run_id in found if RUN_ID.fullmatch(run_id)]
