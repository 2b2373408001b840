"""A journal without the records that later ones make up for, for those who want a run's totals alone."""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from curriculum.record.disk import reading
from curriculum.record.events import Record
from curriculum.record.journal import (
    CHECK_BYTES,
    DamagedJournal,
    VisitOrder,
    read_lines,
    record_of,
)

REPEATED = re.compile(
    rb'\{"kind":"(?:evaluation|target_screen|final_evaluation|retention|rollback)",|'
    rb'\{"kind":"trial_evaluation","visit":\d+,"study":\d+,"report":\{"trial":\d+,'
)
"""How records begin of which, in a row, the last tells all: costs are of the run, or the trial, so far."""


class ThinnedJournal:
    """A journal's records but for those that later ones make up for, read from where reading stopped.

    Every record's check is compared, but only those that are kept are taken apart.

    Attributes:
        end: the byte behind the last record that was read.
        is_damaged: whether what comes then is damaged; nothing more is read then.
    """

    def __init__(self, lines: Iterable[bytes] = (), end: int = 0) -> None:
        """What was kept, when reading had come to `end`."""
        self.end = end
        self.is_damaged = False
        self._lines: list[bytes] = []
        self._repeated: dict[bytes, bytes] = {}
        for line in lines:
            self._take(line)

    @property
    def lines(self) -> list[bytes]:
        """Those that are kept, in order."""
        return [*self._lines, *self._repeated.values()]

    @property
    def last_check(self) -> bytes:
        """The end of the last record, which has its check; empty before any."""
        return self.lines[-1][-CHECK_BYTES:] if self.end else b""

    def read_on(self, path: Path) -> None:
        """Read what the journal has gained, up to any damage; there may be none yet.

        Raises:
            UnexpectedFileType: where it is no file.
            Unreadable: where the system keeps it from being read.
        """
        try:
            with suppress(OSError), reading(path):
                for line, end in read_lines(path, self.end):
                    self._take(line)
                    self.end = end
        except DamagedJournal:
            self.is_damaged = True

    def records(self) -> list[Record]:
        """Those that are kept, up to any that is none; the journal is damaged then."""
        found: list[Record] = []
        order = VisitOrder()
        for line in self.lines:
            try:
                record = record_of(line)
            except (ValueError, RecursionError, OverflowError):
                self.is_damaged = True
                break
            if not order.allows(record.event):
                self.is_damaged = True
                break
            found.append(record)
        return found

    def _take(self, line: bytes) -> None:
        """Take one more line into account."""
        repeated = REPEATED.match(line)
        if repeated is None:
            self._lines += self._repeated.values()
            self._lines.append(line)
            self._repeated.clear()
            return
        self._repeated.pop(repeated[0], None)  # so that the last comes last
        self._repeated[repeated[0]] = line
