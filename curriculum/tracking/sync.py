"""Brings the copy of a run up to date: once, or beside the run until it is over."""

from __future__ import annotations

import math
import os
import signal
import time

from curriculum.errors import UsageError
from curriculum.record import Lock, RunFolder, Store, first_line
from curriculum.tracking.copy_state import content_of, forget, is_synced, remember
from curriculum.tracking.destinations import Destinations
from curriculum.tracking.persistent_copy import PersistentCopy, update

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 60.0  # how long a mirror tries on after the run's end


def sync_run(store: Store, folder: RunFolder, destinations: Destinations) -> None:
    """Copy all that the run has recorded, and its status where it is over.

    Raises:
        UsageError: where a destination can't be reached or written, or another process
            has been copying the same run for long.
    """
    with _locked(store, folder):
        stopped = not folder.is_running  # read first: what comes before is then all there
        content = content_of(store, folder, destinations)
        failures = []
        for destination in destinations.of(store):
            try:
                update(destination.open(folder), folder, stopped=stopped)
            except Exception as error:  # one failing does not keep the others back
                failures.append((destination.name, error))
        for name, failure in failures:
            raise UsageError(
                f"{name} can't be brought up to date ({first_line(failure)}); the run is safe, "
                f"and 'sync {folder.id}' can be repeated"
            ) from failure
        if stopped:
            remember(store, folder, content)


def follow_run(store: Store, folder: RunFolder, destinations: Destinations) -> bool:
    """Copy a run while it is running, and until its last record is copied.

    Where a destination fails, wait and start anew, while the others continue; give up a
    minute after the run's end, and return False.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    # One mirror at a time: the one of the run before it stopped, a `sync`, or an `rm` may hold it.
    with Lock(store.mirror_file(folder, "lock")) as lock:
        lock.acquire(seconds=math.inf)
        if not folder.path.exists():
            return True  # it was deleted
        if is_synced(store, folder, destinations):
            if not folder.is_running:
                return True
            forget(store, folder)
        # Wait for the first record: the run loads its own libraries first, and is not slowed.
        while folder.is_running and folder.journal_bytes == 0:
            time.sleep(0.05)
        copies = [PersistentCopy(each, folder) for each in destinations.of(store)]
        return _follow(store, folder, destinations, copies)


def _follow(
    store: Store, folder: RunFolder, destinations: Destinations, copies: list[PersistentCopy]
) -> bool:
    ended: float | None = None
    while True:
        running = folder.is_running  # read first: what comes before is then all there
        content = content_of(store, folder, destinations)
        for copy in copies:
            copy.advance(content, stopped=not running)
        if all(copy.holds == content for copy in copies):
            remember(store, folder, content)
            return True  # should the run have been resumed meanwhile, its own mirror follows
        if not running:
            ended = ended or time.monotonic()
            if time.monotonic() - ended > PATIENCE_SECONDS:
                return False
        time.sleep(POLL_SECONDS)


def _locked(store: Store, folder: RunFolder) -> Lock:
    """The run's mirror lock, waited for while another mirror is at work."""
    lock = Lock(store.mirror_file(folder, "lock"))
    since = time.monotonic()
    while not lock.acquire(seconds=POLL_SECONDS / 5):
        if folder.is_running:
            raise UsageError(f"run {folder.id} is running, and is being copied meanwhile")
        if time.monotonic() - since > PATIENCE_SECONDS + 30:
            raise UsageError(f"another process has been copying run {folder.id} for long")
    return lock
