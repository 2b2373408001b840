"""What is made of a user's files once, and kept in the cache folder: arrays that are mapped into memory.

Whatever becomes of the folder, it is only a cache.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curriculum.data.folder import cache_folder

ABOUT = "about.json"

VERSION = 1
"""Of what is kept: another version has folders of its own."""

DAY_SECONDS = 86_400.0
UNUSED_DAYS = 90
"""After which arrays are deleted: nobody may ask for them again."""

NOT_KEPT = (OSError, ValueError, KeyError, TypeError)
"""What comes of a folder that can't be read or written, or was written by somebody else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What is kept: numbers and words as JSON, and arrays.

    Attributes:
        about: what JSON can hold.
        arrays: by name; read-only, and on disk where they could be kept there.
    """

    about: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


class ArrayWriter:
    """Writes arrays to files of a folder, part by part, so that none need fit into memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kinds: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._rows: dict[str, int] = {}

    def append(self, name: str, rows: NDArray[Any]) -> None:
        """Add rows, (N, …), to an array; all have the type and the shape of its first."""
        kind = (rows.dtype.str, rows.shape[1:])
        assert self._kinds.setdefault(name, kind) == kind, f"{name} is of {self._kinds[name]}"
        self._rows[name] = self._rows.get(name, 0) + len(rows)
        with _file(self._folder, name).open("ab") as file:
            file.write(np.ascontiguousarray(rows).data)

    def shapes(self) -> dict[str, Any]:
        """The type and the shape of each array, as JSON."""
        return {
            name: [dtype, [self._rows[name], *rest]] for name, (dtype, rest) in self._kinds.items()
        }


Build = Callable[[ArrayWriter], Mapping[str, Any]]
"""Writes arrays, and gives what JSON can hold."""


def kept(key: str, build: Build) -> Kept:
    """What is kept under a key, built where it isn't there yet.

    Two processes may build it at the same time: each does so aside, and the first to be done puts its
    folder in place, whole.

    Args:
        key: a digest of all that it is made of.
        build: makes it.
    """
    for parent in (_parent(), None):  # None: for this process alone
        if parent is None:
            with tempfile.TemporaryDirectory(prefix="curriculum-") as temporary:
                # The arrays are still mapped when their names are gone.
                return _built(Path(temporary), build)
        folder = parent / f"{key}-{VERSION}"
        found = _opened(folder)
        if found is not None:
            return found
        aside = _aside(parent)
        if aside is None:
            continue
        try:
            made = _built(aside, build)
            with suppress(OSError):  # another process was first
                os.rename(aside, folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return made
    raise AssertionError("the last parent gives something")


def _parent() -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / "data"


def _aside(parent: Path) -> Path | None:
    """A new folder beside those that are kept; None where none can be made."""
    try:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _delete_unused(parent)
        return Path(tempfile.mkdtemp(prefix=".new-", dir=parent))
    except OSError:
        return None


def _built(folder: Path, build: Build) -> Kept:
    writer = ArrayWriter(folder)
    about = build(writer)
    text = json.dumps({"about": about, "arrays": writer.shapes()})
    (folder / ABOUT).write_text(text)
    found = _opened(folder)
    assert found is not None  # it was written just now
    return found


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.bin"


def _opened(folder: Path) -> Kept | None:
    """What a folder holds; None where it isn't there, or not what was written."""
    try:
        content = json.loads((folder / ABOUT).read_text())
        arrays = {
            name: _mapped(_file(folder, name), np.dtype(dtype), tuple(shape))
            for name, (dtype, shape) in content["arrays"].items()
        }
        _mark_used(folder / ABOUT)
        return Kept(about=content["about"], arrays=arrays)
    except NOT_KEPT:
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _mapped(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    size = int(np.prod(shape)) * dtype.itemsize
    if path.stat().st_size != size:
        raise ValueError(f"{path} is not what was written")
    if size == 0:  # what is empty can't be mapped
        return np.empty(shape, dtype)
    return np.asarray(np.memmap(path, dtype, mode="r", shape=shape))


def _mark_used(path: Path) -> None:
    if path.stat().st_mtime < time.time() - DAY_SECONDS:
        with suppress(OSError):
            os.utime(path)


def _delete_unused(parent: Path) -> None:
    """Delete what nobody has asked for in a long time, and what a killed process has left aside."""
    now = time.time()
    for folder in parent.iterdir():
        days = 1 if folder.name.startswith(".new-") else UNUSED_DAYS
        about = folder / ABOUT
        used = (about if about.exists() else folder).lstat().st_mtime
        if used < now - days * DAY_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
