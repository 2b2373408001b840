"""What is brought to the disk itself, and what it means that a file can't be read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from curriculum.errors import RunFailed

__all__ = ["Unreadable", "bring_to_disk", "is_missing", "unreadable", "write_whole"]

MISSING = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG}
"""What the system says where there is no such file, whoever asks and whenever."""


class Unreadable(RunFailed):
    """What may be whole can't be read now: nothing is known of it, so that nothing is given up."""


def is_missing(error: OSError) -> bool:
    """Whether a file could not be read since it isn't there, or is no file."""
    return error.errno in MISSING


def unreadable(path: Path, error: OSError) -> Unreadable:
    """What is said of a file or folder that the system keeps from being read."""
    why = str(error) if error.errno is None else os.strerror(error.errno)
    return Unreadable(
        f"{path} can't be read ({why}), which says nothing of what it holds: nothing was deleted; "
        f"try again once it can be read"
    )


def write_whole(path: Path, content: str) -> None:
    """Put a file in place, whole or not at all, and bring it to the disk.

    Raises:
        OSError: where the disk is full, or can't be written.
    """
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(content)
    bring_to_disk(aside)
    os.replace(aside, path)
    bring_to_disk(path.parent)


def bring_to_disk(path: Path) -> None:
    """Have a file's content, or a folder's list of names, outlast the machine.

    Raises:
        OSError: where the disk refuses it.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
