"""Copying that outlasts the failures of its destination."""

from __future__ import annotations

import logging
import time

from curriculum.record import History, RunFolder, first_line
from curriculum.tracking.copy_state import Content
from curriculum.tracking.destinations import Copy, Destination

FIRST_SECONDS = 0.5

log = logging.getLogger(__name__)


class Pause:
    """The time between two tries, twice as long after each that fails, up to `most` seconds.

    Attributes:
        tries: how many have failed.
    """

    def __init__(self, most: float) -> None:
        self.tries = 0
        self._most, self._length, self._until = most, FIRST_SECONDS, 0.0

    @property
    def is_over(self) -> bool:
        """Whether it is time to try."""
        return time.monotonic() >= self._until

    def begin(self) -> None:
        """Wait after a failure."""
        self.tries += 1
        self._until = time.monotonic() + self._length
        self._length = min(2 * self._length, self._most)


class PersistentCopy:
    """A copy that is opened anew after each failure, at longer and longer intervals.

    Attributes:
        destination: where the copy is.
        holds: what there was to copy when the run had stopped, and its copy was completed.
    """

    def __init__(self, destination: Destination, folder: RunFolder) -> None:
        self.destination = destination
        self.holds: Content | None = None
        self._folder = folder
        self._copy: Copy | None = None
        self._pause = Pause(10.0)

    def advance(self, content: Content, *, stopped: bool) -> bool:
        """Copy what is new, and complete the copy once the run has stopped; False where that fails."""
        if self.holds == content or not self._pause.is_over:
            return True
        try:
            self._copy = self._copy or self.destination.open(self._folder)
            update(self._copy, self._folder, stopped=stopped)
            self.holds = content if stopped else None
        except Exception as error:
            name = self.destination.name
            log.warning("%s fails, at run %s: %s", name, self._folder.id, first_line(error))
            self.destination.reset()
            self.release()
            self._pause.begin()
            return False
        return True

    def release(self) -> None:
        """Free what the copy holds; it is opened anew when it next advances."""
        if self._copy is not None:
            self._copy.release()
            self._copy = None


def update(copy: Copy, folder: RunFolder, *, stopped: bool) -> None:
    """Copy what is new, and complete the copy once the run has stopped."""
    copy.copy()
    if stopped:
        copy.close(History.of(folder).status())
