"""Brings files to the disk itself, and tells what it means that one can't be read."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curriculum.errors import RunFailed
from curriculum.record.files import opened, write_new

MISSING = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG}
"""What the system says where there is no such file, whoever asks and whenever."""


class Unreadable(RunFailed):
    """What may be intact can't be read now: nothing is known of it, so nothing is given up."""


@contextmanager
def reading(path: Path, *, is_there: bool = False) -> Iterator[None]:
    """A context in which a file or folder is read, missing or not, unless it is known to exist.

    Raises:
        OSError: where it is missing, or is no file.
        Unreadable: where the system keeps it from being read.
    """
    try:
        yield
    except OSError as error:
        if error.errno in MISSING and not is_there:
            raise
        why = str(error) if error.errno is None else os.strerror(error.errno)
        raise Unreadable(
            f"{path} can't be read ({why}), so it may still be intact: nothing was deleted; try "
            f"again once it can be read"
        ) from error


def write_atomically(path: Path, content: str) -> None:
    """Put a file in place, whole or not at all, and bring it to the disk.

    Raises:
        OSError: where the disk is full, or can't be written.
    """
    aside = path.with_name(f".{path.name}.new")
    write_new(aside, content.encode())
    fsync(aside)
    os.replace(aside, path)
    fsync(path.parent)


def fsync(path: Path) -> None:
    """Have a file's content, or a folder's list of names, outlast the machine.

    Raises:
        OSError: where the disk refuses it.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def sha256_of(path: Path) -> str:
    """The digest of a file's content."""
    with os.fdopen(opened(path, os.O_RDONLY), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
