"""One holder at a time, over processes, and freed when the holder dies."""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

from curriculum.record.files import opened


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

    @property
    def is_held(self) -> bool:
        """Whether anybody holds it. Asking needs no right to write, and those who ask don't see one another."""
        try:
            file = opened(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    def _take(self) -> bool:
        file = opened(self.path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
