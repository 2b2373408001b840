"""The append-only record of a run: one JSON object a line, each with a check of its own."""

import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from curriculum.errors import UsageError
from curriculum.record import events
from curriculum.record.codec import Malformed, encode
from curriculum.record.disk import fsync, reading
from curriculum.record.events import Event, Record
from curriculum.record.files import opened

CHECK = b',"check":"%08x"}\n'
CHECK_BYTES = len(CHECK % 0)


MOST_LINE_BYTES = 1 << 24
"""A record is no longer than this."""


class DamagedJournal(UsageError):
    """A record of a journal is not what was written."""


class Journal:
    """Appends records to a file. A record survives the process once `write` returns.

    Surviving the machine takes `sync`, which checkpoints call. Of a record that could not
    be written whole, as on a full disk, nothing stays.
    """

    def __init__(self, path: Path, *, end: int | None = None) -> None:
        """Open the file, and cut off what is after the byte `end`; None for nothing."""
        self.path = path
        self._file = opened(path, os.O_WRONLY | os.O_CREAT)
        if end is not None:
            os.ftruncate(self._file, end)
        self.bytes = os.lseek(self._file, 0, os.SEEK_END)
        if self.bytes == 0:
            fsync(path.parent)

    def write(self, event: Event, *, seconds: float) -> Record:
        """Append an event and give its record back.

        Args:
            event: what must be the same whenever the run is repeated.
            seconds: since the run's start; kept apart with the time of day, as its clock.

        Raises:
            OSError: where the disk is full, or can't be written.
        """
        clock = events.Clock(time=round(time.time(), 3), seconds=round(seconds, 4))
        content = {**events.event_json(event), "clock": encode(clock)}
        body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()[:-1]
        rest = line = _checked(body, self.bytes)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, self.bytes)
            os.lseek(self._file, self.bytes, os.SEEK_SET)
            raise
        self.bytes += len(line)
        return Record(event, clock)

    def sync(self) -> None:
        """Bring all records to the disk itself."""
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def read_journal(path: Path, offset: int = 0) -> Iterator[tuple[Record, int]]:
    """The records from a byte offset on, each with the offset behind it.

    A last line without its end, cut off or still being written, is left for later.

    Raises:
        DamagedJournal: at a record that is not what was written.
        UnexpectedFileType: where it is no file.
        OSError: where it can't be read.
    """
    with os.fdopen(opened(path, os.O_RDONLY), "rb") as file:
        file.seek(offset)
        while line := file.readline(MOST_LINE_BYTES):
            if not line.endswith(b"\n") and len(line) < MOST_LINE_BYTES:
                return
            try:
                record = _record(line, offset)
            except (ValueError, RecursionError, OverflowError) as error:
                raise DamagedJournal(
                    f"{path} is damaged at byte {offset:,}, or is of an earlier version; 'resume' "
                    f"continues from what comes before"
                ) from error
            offset += len(line)
            yield record, offset


def intact_records(path: Path) -> tuple[list[tuple[Record, int]], bool]:
    """The records up to the first damage, each with the offset behind it; and whether there is any.

    It is damage, too, where an event is of a visit before any has started.

    Raises:
        UnexpectedFileType: where it is no file.
        Unreadable: where the system keeps it from being read, intact or not.
    """
    found: list[tuple[Record, int]] = []
    visited = False
    try:
        with suppress(OSError), reading(path):  # there may be none yet
            for record, offset in read_journal(path):
                visited = visited or isinstance(record.event, events.VisitStarted)
                if not visited and isinstance(record.event, events.OF_A_VISIT):
                    return found, True
                found.append((record, offset))
    except DamagedJournal:
        return found, True
    return found, False


def _checked(body: bytes, offset: int) -> bytes:
    """A JSON object without its end, with a check of its bytes, and of the position where it lies."""
    return body + CHECK % zlib.crc32(body, offset & 0xFFFFFFFF)


def _record(line: bytes, offset: int) -> Record:
    """The record of a line.

    Raises:
        ValueError: where it is not what was written there; or an error of JSON's depth or size.
    """
    body = line[:-CHECK_BYTES]
    if line != _checked(body, offset):
        raise Malformed("its check does not match")
    return events.record_from_json(json.loads(body + b"}"))
