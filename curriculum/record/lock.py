"""One holder at a time, over processes, and freed when the holder dies."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from curriculum.errors import UsageError
from curriculum.record.files import opened, read_bytes

MOST_BYTES = 1000
"""Of what a holder says of itself."""

PROBING_SECONDS = 1.0
"""Who only asks whether a lock is held holds it for an instant."""


class Lock:
    """An advisory lock on a file. Freed by `release`, at the end of a `with`, or by death."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def acquire(self, *, seconds: float = 0.0) -> bool:
        """Take the lock; False where another process holds it through all of these seconds."""
        until = time.monotonic() + seconds
        while not self._take():
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)
        return True

    def _take(self) -> bool:
        file = opened(self.path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def write(self, text: str) -> None:
        """Say in the file who holds the lock; it only helps others to find this process."""
        assert self._file is not None
        with suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text.encode(), 0)

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
def held(path: Path, run_id: str) -> Iterator[None]:
    """Be the one process that writes a run, by the lock on that file.

    What a dead process left is taken over.

    Raises:
        UsageError: where a living process writes it, or none can; or the file is none of ours.
    """
    lock = Lock(path)
    try:
        is_free = lock.acquire(seconds=PROBING_SECONDS)
    except OSError as error:
        raise UsageError(f"{path.parent} can't be written ({error.strerror})") from error
    if not is_free:
        raise UsageError(
            f"run {run_id} is running in another process ({_holder(path)}); only one can "
            f"write it at a time"
        )
    with lock:
        lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        yield


def _holder(path: Path) -> str:
    """What the holder of a lock has written into it, as far as that can be read."""
    with suppress(OSError, ValueError):
        text = read_bytes(path, MOST_BYTES).decode(errors="replace")
        return "".join(filter(str.isprintable, text))
    return "which says nothing of itself"


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on that file."""
    try:
        file = opened(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
