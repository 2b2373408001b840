"""One holder at a time, over processes, and freed when the holder dies."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from curriculum.errors import UsageError

if TYPE_CHECKING:
    from curriculum.record.store import RunFolder

__all__ = ["Lock", "held", "is_held"]

PROBING_SECONDS = 1.0
"""Who only asks whether a lock is held holds it for an instant."""


class Lock:
    """An advisory lock on a file. Freed by `release`, at the end of a `with`, or by death."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def acquire(self, *, wait: bool = False) -> bool:
        """Take the lock; False where another process holds it and `wait` is off."""
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Free the lock. Releasing twice does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


@contextmanager
def held(folder: RunFolder) -> Iterator[None]:
    """Be the one process that writes a run. What a dead one left is taken over.

    Raises:
        UsageError: where a living process writes it, or none can.
    """
    lock, since = Lock(folder.writer), time.monotonic()
    while not _acquired(lock):
        if time.monotonic() - since > PROBING_SECONDS:
            raise UsageError(
                f"run {folder.id} goes on in another process ({folder.writer.read_text()}); "
                f"one at a time can"
            )
        time.sleep(0.02)
    with lock:
        with suppress(OSError):  # it only helps others to find this process
            folder.writer.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        yield


def _acquired(lock: Lock) -> bool:
    try:
        return lock.acquire()
    except OSError as error:
        raise UsageError(f"{lock.path.parent} can't be written ({error.strerror})") from error


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on that file."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
