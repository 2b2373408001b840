"""Copies many runs in one process, while they are made, until all of them are copied."""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from curriculum.record import Lock, RunFolder, Store, check_file, first_line
from curriculum.tracking.copy_state import Content, content_of, forget, is_synced, remember
from curriculum.tracking.destinations import Destinations
from curriculum.tracking.persistent_copy import Pause, PersistentCopy
from curriculum.tracking.reachability import Reachability
from curriculum.tracking.runs_file import RunsReader

POLL_SECONDS = 0.5
COPY_SECONDS = 2.0
"""Between two copies of a run that is running: what it has recorded meanwhile is one batch."""

MOST_OPEN = 128
"""Runs whose copies are held open: while they are running, and briefly at their end."""

LOOKS = 200
"""How many runs, of those with nothing to copy, are looked at each time round."""

PATIENCE_SECONDS = 600.0
"""After the last run has ended, how long a destination that is away is waited for."""

TRIES = 8
"""Before a run is given up that can't be copied though its destinations answer: about a minute."""

log = logging.getLogger(__name__)


def follow_runs(store: Store, runs_file: Path, destinations: Destinations) -> bool:
    """Copy the runs that a file lists, as long as its writer adds to it, and until all are copied.

    A run is copied while it is running, whoever runs it; one that is copied already costs a glance.
    Where a destination is away, all runs wait for it, while the others continue; ten minutes after
    the last run's end give up, and return False. So does a run that can't be copied.

    Raises:
        UsageError: where there is no such file.
    """
    reader = RunsReader(runs_file)
    lock_file = list_mirror_file(store, runs_file, "lock")
    check_file(lock_file)
    with Lock(lock_file) as lock:
        lock.acquire(seconds=math.inf)  # of a mirror that still completes what was added before
        return _Follower(store, reader, destinations).follow()


def list_mirror_file(store: Store, runs_file: Path, ending: str) -> Path:
    """A file that the mirror of a list of runs keeps for itself, such as its log."""
    store.mirrors.mkdir(parents=True, exist_ok=True)
    return store.mirrors / f"of {runs_file.stem}.{ending}"  # no run's id has a space in it


class _Follower:
    """What is known of the listed runs: those whose copies are open, and those that wait."""

    def __init__(self, store: Store, reader: RunsReader, destinations: Destinations) -> None:
        self._store, self._reader, self._destinations = store, reader, destinations
        self._reached = [Reachability(each) for each in destinations.of(store)]
        self._waiting = OrderedDict[str, None]()
        self._open: dict[str, _OpenRun] = {}
        self._retries: dict[str, Pause] = {}
        self._failed = set[str]()

    def follow(self) -> bool:
        """Copy until all is copied, or can't be."""
        progress = time.monotonic()
        while True:
            complete = self._reader.is_complete  # read first: what comes before is then all there
            self._list(self._reader.read_new(whole=complete))
            self._look(len(self._waiting) if complete else LOOKS, complete=complete)
            if self._advance():
                progress = time.monotonic()
            if complete and not self._open and not self._waiting:
                return not self._failed
            if complete and time.monotonic() - progress > PATIENCE_SECONDS:
                return False
            time.sleep(POLL_SECONDS)

    def _list(self, run_ids: Sequence[str]) -> None:
        """Take these up, before those that wait for long."""
        for run_id in reversed(run_ids):
            self._retries.pop(run_id, None)
            self._failed.discard(run_id)
            if run_id not in self._open:
                self._waiting[run_id] = None
                self._waiting.move_to_end(run_id, last=False)

    def _look(self, count: int, *, complete: bool) -> None:
        """Look at so many of the runs that wait, and open those that there is something to copy of.

        The others wait on, at the end of the queue. Once the list is `complete`, those that have
        nothing to copy are dropped: nobody starts them.
        """
        for _ in range(min(count, len(self._waiting))):
            if len(self._open) >= MOST_OPEN:
                return
            run_id, _ = self._waiting.popitem(last=False)
            if complete and run_id in self._retries and self._retries[run_id].tries >= TRIES:
                log.warning("run %s can't be copied; 'sync %s' says why", run_id, run_id)
                self._failed.add(run_id)
                continue
            try:
                need = self._need(self._store.folder(run_id), complete=complete)
            except Exception as error:
                need = self._postpone(run_id, error)
            if need is _Need.LATER or (need is _Need.NOTHING and not complete):
                self._waiting[run_id] = None

    def _need(self, folder: RunFolder, *, complete: bool) -> _Need:
        """Open a run's copies if it needs that, and can be; tells whether it does."""
        if folder.journal_bytes == 0 and not (complete and folder.is_running):
            return _Need.NOTHING  # it has not begun, or was deleted
        synced = is_synced(self._store, folder, self._destinations)
        running = folder.is_running
        if synced and not running:
            return _Need.NOTHING
        pause = self._retries.get(folder.id)
        if pause is not None and not pause.is_over:
            return _Need.LATER
        # One that is over is copied once, to all destinations.
        if folder.journal_bytes == 0 or not (running or all(each.is_up for each in self._reached)):
            return _Need.LATER
        lock = Lock(self._store.mirror_file(folder, "lock"))
        if not lock.acquire():
            return _Need.LATER  # a mirror of its own, a `sync`, or an `rm` holds it
        if synced:
            forget(self._store, folder)
        run = _OpenRun(self._store, folder, self._destinations, self._reached, lock)
        self._open[folder.id] = run
        return _Need.COPY

    def _advance(self) -> bool:
        """Copy what is new of the open runs; True where any is running, or was completed."""
        progress = False
        for run_id, run in list(self._open.items()):
            try:
                state = run.advance()
            except Exception as error:
                log.warning("run %s can't be read: %s", run_id, first_line(error))
                state = _State.INCOMPLETE
            progress = progress or state is not _State.INCOMPLETE
            if state is not _State.RUNNING:
                self._open.pop(run_id).close()
                self._waiting[run_id] = None
                if state is _State.COPIED:
                    self._retries.pop(run_id, None)
                elif all(each.was_up for each in self._reached):
                    self._retries.setdefault(run_id, Pause(30.0)).begin()
        return progress

    def _postpone(self, run_id: str, error: Exception) -> _Need:
        """Have a run tried again later that can't be read."""
        pause = self._retries.setdefault(run_id, Pause(30.0))
        if pause.is_over:
            log.warning("run %s can't be read: %s", run_id, first_line(error))
            pause.begin()
        return _Need.LATER


class _Need(Enum):
    """Whether a run's copies need to be open."""

    NOTHING = auto()
    LATER = auto()
    COPY = auto()


class _State(Enum):
    """What a look at an open run found."""

    RUNNING = auto()
    COPIED = auto()
    INCOMPLETE = auto()


class _OpenRun:
    """A run whose copies are open; no other mirror copies it meanwhile."""

    def __init__(
        self,
        store: Store,
        folder: RunFolder,
        destinations: Destinations,
        reached: Sequence[Reachability],
        lock: Lock,
    ) -> None:
        self._store, self._folder, self._destinations = store, folder, destinations
        self._reached, self._lock = reached, lock
        self._copies = [PersistentCopy(each.destination, folder) for each in reached]
        self._copied: Content | None = None
        self._due = 0.0

    def advance(self) -> _State:
        """Copy what is new, as far as destinations answer."""
        running = self._folder.is_running  # read first: what comes before is then all there
        content = content_of(self._store, self._folder, self._destinations)
        if running and (content == self._copied or time.monotonic() < self._due):
            return _State.RUNNING
        succeeded = True
        for copy, reached in zip(self._copies, self._reached, strict=True):
            if not reached.is_up:
                succeeded = False
            elif not copy.advance(content, stopped=not running):
                succeeded = False
                reached.check()
        self._copied = content if succeeded else None
        self._due = time.monotonic() + COPY_SECONDS
        if all(copy.holds == content for copy in self._copies):
            remember(self._store, self._folder, content)
            return _State.COPIED
        return _State.RUNNING if running else _State.INCOMPLETE

    def close(self) -> None:
        """Leave it to other mirrors."""
        for copy in self._copies:
            copy.release()
        self._lock.release()
