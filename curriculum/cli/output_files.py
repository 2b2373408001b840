"""Files that a command writes where it is told to: a table, a report, a figure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curriculum.cli.terminal import print_note
from curriculum.errors import UsageError


def check_can_be_written(path: Path) -> None:
    """Check, before any work is done, that a file may be written there."""
    if path.is_dir():
        raise UsageError(f"{path} can't be written: it is a folder")
    if path.exists():
        if not os.access(path, os.W_OK):
            raise UsageError(f"{path} can't be written: it is read-only")
        return
    above = next((folder for folder in path.absolute().parents if folder.exists()), Path("/"))
    if not above.is_dir():
        raise UsageError(f"{path} can't be written: {above} is a file")
    if not os.access(above, os.W_OK):
        raise UsageError(f"{path} can't be written: {above} is read-only")


def write_text(path: Path, text: str) -> None:
    """Write a file, and say so."""
    with writing(path):
        path.write_text(text, encoding="utf-8")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A context in which a file is written, in a folder that is there; its end is told.

    Raises:
        UsageError: where it can't be.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}") from error
    print_note(f"Wrote {path}")
