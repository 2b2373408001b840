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
from curriculum.record.codec import encode
from curriculum.record.disk import fsync, reading
from curriculum.record.events import Event, Record
from curriculum.record.files import opened

CHECK = b',"check":"%08x"}\n'
CHECK_BYTES = len(CHECK % 0)

MOST_LINE_BYTES = 1 << 24
"""A record is no longer than this."""


class DamagedJournal(UsageError):
    """A record of a journal is not what was written."""


class VisitOrder:
    """What happens within a visit comes after it has started."""

    def __init__(self) -> None:
        self._has_started = False

    def allows(self, event: Event) -> bool:
        """Whether an event may come next."""
        self._has_started = self._has_started or isinstance(event, events.VisitStarted)
        return self._has_started or not isinstance(event, events.OF_A_VISIT)


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

    def write(self, event: Event, *, seconds: float, at: float | None = None) -> Record:
        """Append an event and give its record back.

        Args:
            event: what must be the same whenever the run is repeated.
            seconds: since the run's start; kept apart with the time of day, as its clock.
            at: the time of day; by default now.

        Raises:
            OSError: where the disk is full, or can't be written.
        """
        clock = events.Clock(
            time=round(time.time() if at is None else at, 3), seconds=round(seconds, 4)
        )
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
    for line, end in read_lines(path, offset):
        try:
            record = record_of(line)
        except (ValueError, RecursionError, OverflowError) as error:
            raise _damaged(path, end - len(line)) from error
        yield record, end


def read_whole_journal(path: Path) -> Iterator[tuple[Record, int]]:
    """The records of a run, each with the offset behind it.

    Raises:
        DamagedJournal: see `read_journal`; and at a record of a visit before any has started.
        UnexpectedFileType, OSError: see there.
    """
    order, start = VisitOrder(), 0
    for record, end in read_journal(path):
        if not order.allows(record.event):
            raise _damaged(path, start)
        start = end
        yield record, end


def read_lines(path: Path, offset: int = 0) -> Iterator[tuple[bytes, int]]:
    """The lines from a byte offset on, each with the offset behind it; their checks are right.

    Raises:
        DamagedJournal, UnexpectedFileType, OSError: see `read_journal`.
    """
    with os.fdopen(opened(path, os.O_RDONLY), "rb") as file:
        file.seek(offset)
        while line := file.readline(MOST_LINE_BYTES):
            if not line.endswith(b"\n") and len(line) < MOST_LINE_BYTES:
                return
            if line[-CHECK_BYTES:] != CHECK % _check(memoryview(line)[:-CHECK_BYTES], offset):
                raise _damaged(path, offset)
            offset += len(line)
            yield line, offset


def record_of(line: bytes) -> Record:
    """The record of a line whose check is right.

    Raises:
        ValueError: where it holds none; or an error of JSON's depth or size.
    """
    return events.record_from_json(json.loads(line[:-CHECK_BYTES] + b"}"))


def intact_records(path: Path) -> tuple[list[tuple[Record, int]], bool]:
    """The records up to the first damage, each with the offset behind it; and whether there is any.

    Raises:
        UnexpectedFileType: where it is no file.
        Unreadable: where the system keeps it from being read, intact or not.
    """
    found: list[tuple[Record, int]] = []
    try:
        with suppress(OSError), reading(path):  # there may be none yet
            for each in read_whole_journal(path):
                found.append(each)  # noqa: PERF402 - what comes before damage is kept
    except DamagedJournal:
        return found, True
    return found, False


def _checked(body: bytes, offset: int) -> bytes:
    """A JSON object without its end, with a check of its bytes, and of the position where it lies."""
    return body + CHECK % _check(body, offset)


def _check(body: bytes | memoryview, offset: int) -> int:
    return zlib.crc32(body, offset & 0xFFFFFFFF)


def _damaged(path: Path, offset: int) -> DamagedJournal:
    return DamagedJournal(
        f"{path} is damaged at byte {offset:,}; 'resume' continues from what comes before"
    )
