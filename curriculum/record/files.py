"""A run's own files: regular ones, in its own folder. No link is followed, no pipe or device is read."""

import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from curriculum.errors import UsageError

KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISREG, "a file"),
)

MOST_TRIES = 20
"""To make a folder that others make and take away at the same time: each does so once."""


class UnexpectedFileType(UsageError):
    """In the place of a run's file or folder is what no run writes: a link, a pipe, a device."""


def opened(path: Path, flags: int) -> int:
    """A descriptor of a regular file; with `O_CREAT`, of a new one where there is none.

    Raises:
        UnexpectedFileType: where it is something else.
        OSError: where it can't be opened, or is missing.
    """
    flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(path, flags, 0o644)
    except OSError as error:
        _check(path, stat.S_ISREG, error)
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        _check(path, stat.S_ISREG)
    return file


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a regular file.

    Raises:
        UnexpectedFileType: where it is something else.
        ValueError: where it is longer than `most` bytes.
        OSError: where it can't be read, or is missing.
    """
    with os.fdopen(opened(path, os.O_RDONLY), "rb") as file:
        if os.fstat(file.fileno()).st_size > most:
            raise ValueError(f"{path} is longer than {most:,} bytes")
        return file.read()


def write_new(path: Path, content: bytes) -> None:
    """Write a file anew, never through what stands there: that is deleted, a link itself.

    Raises:
        OSError: where the disk is full, or can't be written.
    """
    path.unlink(missing_ok=True)
    with os.fdopen(opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
        file.write(content)


def make_within(folder: Path, make: Callable[[], object]) -> None:
    """Make something in a folder that may be missing, and that another process may take away while it is empty.

    Raises:
        OSError: where it can't be made.
    """
    for left in reversed(range(MOST_TRIES)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            make()
            return
        except FileNotFoundError:
            if not left:
                raise


def check_folder(path: Path) -> None:
    """Check that what is there, if anything, is a folder, and no link to one.

    Raises:
        UnexpectedFileType: where it is something else.
    """
    _check(path, stat.S_ISDIR)


def check_file(path: Path) -> None:
    """Check that what is there, if anything, is a regular file.

    Raises:
        UnexpectedFileType: where it is something else.
    """
    _check(path, stat.S_ISREG)


def remove(path: Path) -> None:
    """Delete a folder and all in it, as far as that can be; of anything else, such as a link, itself."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _check(path: Path, is_right: Callable[[int], bool], cause: OSError | None = None) -> None:
    """Raise `UnexpectedFileType` where a path is of another kind; a missing one, or one that can't be asked, is not."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if is_right(mode):
        return
    kind = next((name for is_kind, name in KINDS if is_kind(mode)), "a device")
    raise UnexpectedFileType(
        f"{path} is {kind}, which no run writes: nothing there is read or changed; move it away, "
        f"or put back what was there"
    ) from cause
