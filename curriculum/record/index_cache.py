"""The database that keeps a store's index, in the user's cache folder. Whatever becomes of it, it is only a cache."""

from __future__ import annotations

import os
import re
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from curriculum.data import cache_folder
from curriculum.errors import UsageError
from curriculum.record.description import FORMAT
from curriculum.record.files import check_file

VERSION = f"{FORMAT}.3"
"""Of what is kept: another version has a database of its own."""

DATABASE = re.compile(r"[0-9a-f]{24}-\d+\.\d+\.db")

BUSY_SECONDS = 5.0
DAY_SECONDS = 86_400.0
UNUSED_DAYS = 90
"""After which a store's database is deleted: the store may be long gone."""

UNFIT = (OSError, UsageError, sqlite3.Error, ValueError, TypeError, OverflowError)
"""What comes of a database that can't be read, or was written by somebody else."""

IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL)


@dataclass(frozen=True, slots=True)
class SharedRow:
    """What the descriptions of several runs have in common.

    Attributes:
        key: its digest.
        content: as JSON.
    """

    key: str
    content: str


@dataclass(frozen=True, slots=True)
class DescriptionRow:
    """What a run's `run.json` says, or why that can't be read.

    Attributes:
        key: the run's id.
        state: of the file.
        created: the time of day when the run was started, as far as it says so.
        experiment: its name.
        seed: the run's.
        shared: the key of the rest.
        kind: of the problem; empty where it can be read.
        problem: why it can't be read, in words.
    """

    key: str
    state: str
    created: float
    experiment: str = ""
    seed: str = ""
    shared: str = ""
    kind: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """What a run's journal adds up to, and how far it was read.

    Attributes:
        key: the run's id.
        described: the state of `run.json` that they belong to.
        state: of the other files.
        content: as JSON.
        position: the byte of the journal behind what was read; 0 where it isn't read on.
        lines: those of it that are kept.
    """

    key: str
    described: str
    state: str
    content: str
    position: int = 0
    lines: bytes = b""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """What the final model of a run was found to score.

    Attributes:
        key: the run's id, a slash, and a digest of all that the score depends on.
        content: the score as JSON.
    """

    key: str
    content: str


Row = SharedRow | DescriptionRow | TotalsRow | ScoreRow
R = TypeVar("R", SharedRow, DescriptionRow, TotalsRow, ScoreRow)


class IndexCache:
    """What is kept of a store, and what is to be: it is read at once, and written at the end.

    So no process waits for another while it reads runs, and where nothing can be kept all works as well.
    """

    def __init__(self, path: Path | None) -> None:
        """What is kept in that file; None for nothing."""
        self._path = path
        self._new: list[Row] = []
        self._gone: set[str] = set()

    def rows(self, kind: type[R]) -> dict[str, R]:
        """The rows of a kind by their keys; those that are not what was written are left out."""
        found: dict[str, R] = {}
        with suppress(*UNFIT):
            if self._path is not None and _is_there(self._path):
                address = f"{self._path.absolute().as_uri()}?mode=ro"
                with closing(sqlite3.connect(address, timeout=BUSY_SECONDS, uri=True)) as file:
                    for *values, check in file.execute(f"SELECT * FROM {kind.__name__}"):  # noqa: S608
                        if check == _check(values):
                            found[values[0]] = kind(*values)
        return found

    def put(self, row: Row) -> None:
        """Have a row kept in the place of that with its key."""
        self._new.append(row)

    def remove(self, run_id: str) -> None:
        """Have a run forgotten."""
        self._gone.add(run_id)

    def save(self) -> None:
        """Keep what is new, if that can be."""
        with suppress(*UNFIT):
            if self._path is not None and (self._new or self._gone):
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if not _is_there(self._path):
                    _delete_unused(self._path.parent)
                self._write(self._path)

    def _write(self, path: Path) -> None:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as file:
            try:
                with file:
                    for statement, rows in self._changes():
                        file.executemany(statement, rows)
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", None)
                if code is None or code & 0xFF not in IN_USE:
                    path.unlink(missing_ok=True)  # it is damaged: the next command makes it anew

    def _changes(self) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        gone = [(run_id,) for run_id in self._gone]
        # What is kept of a run's model has keys that begin with its id and a slash, which "0" follows.
        scores = [(f"{run_id}/", f"{run_id}0") for run_id in self._gone]
        for kind in (SharedRow, DescriptionRow, TotalsRow, ScoreRow):
            names = [field.name for field in fields(kind)]
            table, marks = kind.__name__, ", ".join("?" * (len(names) + 1))
            columns = ", ".join([f"{names[0]} PRIMARY KEY", *names[1:], "check_sum"])
            yield f"CREATE TABLE IF NOT EXISTS {table} ({columns})", [()]
            if kind is ScoreRow:
                yield f"DELETE FROM {table} WHERE key > ? AND key < ?", scores  # noqa: S608
            elif kind is not SharedRow:
                yield f"DELETE FROM {table} WHERE key = ?", gone  # noqa: S608
            values = [astuple(row) for row in self._new if isinstance(row, kind)]
            rows = [(*row, _check(row)) for row in values]
            yield f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows  # noqa: S608
        if gone:
            yield (
                "DELETE FROM SharedRow WHERE key NOT IN (SELECT shared FROM DescriptionRow)",
                [()],
            )


def cache_path(name: str) -> Path | None:
    """Where the index of that name is kept."""
    folder = cache_folder()
    return None if folder is None else folder / "stores" / f"{name}-{VERSION}.db"


def _is_there(path: Path) -> bool:
    """Whether the file is there, and a file; it is then marked as used."""
    check_file(path)
    if not path.exists():
        return False
    if path.stat().st_mtime < time.time() - DAY_SECONDS:
        with suppress(OSError):
            os.utime(path)
    return True


def _delete_unused(folder: Path) -> None:
    """Delete the databases of stores that nobody has asked for in a long time."""
    for path in folder.iterdir():
        changed = path.lstat().st_mtime
        if DATABASE.fullmatch(path.name) and changed < time.time() - UNUSED_DAYS * DAY_SECONDS:
            path.unlink()


def _check(values: Any) -> int:
    """A check of a row."""
    return zlib.crc32(repr(tuple(values)).encode(errors="surrogatepass"))
