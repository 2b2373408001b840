"""Puts a user's code into the store, from where other machines take it, whole and as it was."""

import hashlib
import os
import secrets
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from curriculum.errors import UsageError
from curriculum.record import Store, source_files

FOLDER = "sources"
DIGITS = 24
"""Of a folder's name, which is the digest of all in it."""


def ship_source(source: Path, store: Store) -> Path:
    """Copy a user's file, and the modules beside it that it imports, into `STORE/sources/<digest>/`.

    What is there already is left as it is. Gives the file's place there.

    Raises:
        UsageError: where one can't be read, or the store can't be written.
    """
    try:
        contents = {place: path.read_bytes() for place, path in source_files(source).items()}
        folder = store.root / FOLDER / _digest(contents)
        if not folder.is_dir():
            _write(folder, contents)
    except OSError as error:
        raise UsageError(
            f"{source} can't be copied into the store {store.root} ({error.strerror}), from where other "
            f"machines take it"
        ) from error
    return folder / source.name


@lru_cache
def check_shipped(source: Path) -> None:
    """Check that a file, and what lies beside it, is what was shipped under that address.

    Raises:
        UsageError: where it is not.
    """
    folder = source.parent
    contents = dict[str, bytes]()
    with suppress(OSError):
        for path in folder.rglob("*.py"):
            contents[path.relative_to(folder).as_posix()] = path.read_bytes()
    if not source.is_file() or folder.name != _digest(contents):
        raise UsageError(
            f"{source} on {os.uname().nodename} is not what was put into the store there; delete {folder}, "
            f"and start the sweep again"
        )


def _digest(contents: dict[str, bytes]) -> str:
    lines = (f"{hashlib.sha256(text).hexdigest()} {place}" for place, text in contents.items())
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:DIGITS]


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    """Write them aside, so that the folder is there whole or not at all."""
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.new")
    for place, content in contents.items():
        path = aside / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    try:
        os.rename(aside, folder)
    except OSError:
        for path in sorted(aside.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        aside.rmdir()
        if not folder.is_dir():  # else another sweep was faster
            raise
