"""A user's files: which they are, and whether they are as they were."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from curriculum.data.folder import cache_folder
from curriculum.errors import UsageError

YOUNG_NS = 2_000_000_000
"""A file that was changed so shortly before it was read may have been changed again, with the same time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file.

    Attributes:
        path: where it is.
        size: in bytes.
        changed_ns: when it was changed, as the system says.
    """

    path: Path
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Source:
        """That file, as it is now.

        Raises:
            UsageError: where it isn't there, or is none.
        """
        try:
            if not path.is_file():
                raise UsageError(f"there is no file {path}; give the path of one")
            found = path.stat()
        except OSError as error:
            raise unreadable(path, error) from error
        return cls(path=path, size=found.st_size, changed_ns=found.st_mtime_ns)

    def read(self) -> bytes:
        """Its content.

        Raises:
            UsageError: where it can't be read.
        """
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise unreadable(self.path, error) from error


def unreadable(path: Path, error: OSError) -> UsageError:
    """The error that a file can't be read."""
    why = os.strerror(error.errno) if error.errno else str(error)
    return UsageError(f"{path} can't be read ({why}); give files that can, or leave it out")


def matching_files(root: str, pattern: str, exclude: tuple[str, ...]) -> list[Source]:
    """The files below a folder that match a pattern such as `**/*.py`, by their paths.

    Args:
        root: the folder; `~` is the user's own.
        pattern: of names, with `**` for any folders between; hidden folders are none of them.
        exclude: names, or patterns of names, of files and folders that are left out.

    Raises:
        UsageError: where there is no such folder, or no such file in it.
    """
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {root!r}; give the one that the files are below")
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    try:
        found = sorted(set(_matching(folder, parts, exclude)))
    except OSError as error:
        raise unreadable(folder, error) from error
    if not found:
        without = f" without {', '.join(exclude)}" if exclude else ""
        raise UsageError(
            f"no file below {folder} matches {pattern!r}{without}; give another pattern, such as "
            f"'**/*.txt', or another root"
        )
    return [Source.of(path) for path in found]


def _matching(folder: Path, parts: list[str], exclude: tuple[str, ...]) -> Iterator[Path]:
    head, rest = parts[0], parts[1:]
    if head == "**" and rest:
        yield from _matching(folder, rest, exclude)
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if any(fnmatchcase(name, each) for each in exclude):
                continue
            if head == "**":
                if entry.is_dir(follow_symlinks=False) and not name.startswith("."):
                    yield from _matching(folder / name, parts, exclude)
                elif not rest and entry.is_file():
                    yield folder / name
            elif fnmatchcase(name, head):
                if rest and entry.is_dir():
                    yield from _matching(folder / name, rest, exclude)
                elif not rest and entry.is_file():
                    yield folder / name


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What was found when files were read.

    Attributes:
        key: of what is made of them: a digest of their contents.
        copies: how many documents are copies of others.
    """

    key: str
    copies: int


def known_reading(sources: Iterable[Source], settings: str) -> tuple[Reading | None, str]:
    """What was found in these files under these settings, and a stamp of both; None where that isn't known.

    Files are taken to be as they were where their paths, sizes and times are.
    """
    files = [(str(each.path.absolute()), each.size, each.changed_ns) for each in sources]
    stamp = hashlib.sha256(json.dumps([settings, files]).encode()).hexdigest()[:32]
    path = _stamp_path(stamp)
    youngest = max(changed for _, _, changed in files)
    with suppress(OSError, ValueError, KeyError, TypeError):
        if path is not None:
            content = json.loads(path.read_text())
            if youngest < content["read_ns"] - YOUNG_NS:
                return Reading(key=str(content["key"]), copies=int(content["copies"])), stamp
    return None, stamp


def remember_reading(stamp: str, found: Reading, read_ns: int) -> None:
    """Note what was found in files that were read from that time on; where it can't be noted, they are read again."""
    path = _stamp_path(stamp)
    if path is not None:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            aside = path.with_name(f".{stamp}.{os.getpid()}.{time.monotonic_ns()}")
            aside.write_text(
                json.dumps({"key": found.key, "copies": found.copies, "read_ns": read_ns})
            )
            os.replace(aside, path)


def _stamp_path(stamp: str) -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / "data" / "stamps" / f"{stamp}.json"
