"""What a process has loaded: once for each settings, as long as its file is as it was."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")

Stamp = tuple[int, int]

_LOADED: dict[Hashable, tuple[Stamp | None, object]] = {}


def load_once(settings: Hashable, file: str, load: Callable[[], T], *, anew: bool) -> T:
    """What was loaded by these settings; loaded now where it wasn't yet.

    Args:
        settings: that it depends on.
        file: that it depends on too; empty where that isn't known.
        load: loads it.
        anew: whether it is loaded again where the file's size or time has changed.
    """
    if settings not in _LOADED or (anew and _LOADED[settings][0] != _stamp(file)):
        stamp = _stamp(file)
        _LOADED[settings] = stamp, load()
    return cast(T, _LOADED[settings][1])


def _stamp(file: str) -> Stamp | None:
    """The file's size and time; None where there is none."""
    try:
        found = Path(file).expanduser().stat() if file else None
    except OSError:
        return None
    return None if found is None else (found.st_size, found.st_mtime_ns)
