"""The append-only record of a run: one JSON object a line, each with a check of its own."""

from __future__ import annotations

import json
import math
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from curriculum.errors import UsageError
from curriculum.record.disk import bring_to_disk, is_missing, unreadable
from curriculum.record.forms import OF_A_VISIT, is_well_formed

__all__ = ["DamagedJournal", "Journal", "Record", "content_of", "read_journal", "whole_records"]

Record = dict[str, Any]

CHECK = b',"check":"%08x"}\n'
CHECK_BYTES = len(CHECK % 0)


class DamagedJournal(UsageError):
    """A record of a journal is not what was written."""


class Journal:
    """Appends records to a file. A record survives the process once `write` returns.

    Surviving the machine takes `sync`, which checkpoints call. Of a record that could not
    be written whole, as on a full disk, nothing stays.
    """

    def __init__(self, path: Path, *, begin: int | None = None) -> None:
        """Open the file, and cut off what lies behind the byte `begin`; None for nothing."""
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if begin is not None:
            os.ftruncate(self._file, begin)
        self.bytes = os.lseek(self._file, 0, os.SEEK_END)
        if self.bytes == 0:
            bring_to_disk(path.parent)

    def write(self, kind: str, content: Mapping[str, Any], *, seconds: float) -> Record:
        """Append a record and give it back.

        Args:
            kind: what the record tells of.
            content: what must be the same whenever the run is repeated.
            seconds: since the run's start; kept apart with the time of day, under `clock`.

        Raises:
            OSError: where the disk is full, or can't be written.
        """
        clock = {"time": round(time.time(), 3), "seconds": round(seconds, 4)}
        record = {"kind": kind, **content, "clock": clock}
        line = _checked(_json(record).encode(), self.bytes)
        rest = line
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, self.bytes)
            os.lseek(self._file, self.bytes, os.SEEK_SET)
            raise
        self.bytes += len(line)
        return record

    def sync(self) -> None:
        """Bring all records to the disk itself."""
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def read_journal(path: Path, offset: int = 0) -> Iterator[tuple[Record, int]]:
    """The records from a byte offset on, each with the offset behind it.

    A last line without its end, cut off or still being written, is left for later.

    Raises:
        DamagedJournal: at a record that is not what was written, or lacks what is read from it.
        OSError: where it can't be read.
    """
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            record = _record(line, offset)
            if record is None:
                raise DamagedJournal(
                    f"{path} is damaged at byte {offset:,}, or is of an earlier version; 'resume' "
                    f"goes on from what comes before"
                )
            offset += len(line)
            yield record, offset


def whole_records(path: Path) -> tuple[list[tuple[Record, int]], bool]:
    """The records up to the first damage, each with the offset behind it; and whether there is any.

    It is damage, too, where a record is of a visit before any has begun.

    Raises:
        Unreadable: where the system keeps it from being read, whole or not.
    """
    found: list[tuple[Record, int]] = []
    visited = False
    try:
        for record, offset in read_journal(path):
            visited = visited or record["kind"] == "visit"
            if not visited and record["kind"] in OF_A_VISIT:
                return found, True
            found.append((record, offset))
    except DamagedJournal:
        return found, True
    except OSError as error:
        if not is_missing(error):
            raise unreadable(path, error) from error
    return found, False


def content_of(record: Mapping[str, Any]) -> str:
    """What must be the same whenever a run is repeated: the record as JSON, without its clock."""
    return _json({key: value for key, value in record.items() if key != "clock"})


def _checked(line: bytes, offset: int) -> bytes:
    """A JSON object with a check of its bytes, and of the place where it lies."""
    return line[:-1] + CHECK % zlib.crc32(line[:-1], offset & 0xFFFFFFFF)


def _record(line: bytes, offset: int) -> Record | None:
    """The record of a line; None where it is not what was written there."""
    body = line[:-CHECK_BYTES]
    if line != body + CHECK % zlib.crc32(body, offset & 0xFFFFFFFF):
        return None
    try:
        record = json.loads(body + b"}")
    except (ValueError, RecursionError):
        return None
    return record if is_well_formed(record) else None


def _json(record: Record) -> str:
    try:
        return _line(record)
    except ValueError:  # a loss that is no longer finite, which is rare
        return _line(_finite(record))


def _line(record: Record) -> str:
    return json.dumps(record, separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    """JSON knows no infinity and no NaN: these become their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value
