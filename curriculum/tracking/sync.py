"""Brings the copies of runs up to date: once, or beside a run until it is over."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from curriculum.errors import UsageError
from curriculum.record import (
    History,
    Lock,
    RunFolder,
    Store,
    first_line,
    read_bytes,
    redacted,
    write_atomically,
)
from curriculum.tracking.addresses import artifacts_folder
from curriculum.tracking.presentation import Presentation

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 60.0  # how long a mirror tries on after the run's end

MOST_BYTES = 1 << 20
"""Of what a mirror keeps of a run."""

log = logging.getLogger(__name__)

Content = dict[str, object]


class Copy(Protocol):
    """A run's copy elsewhere. What is there already is not copied again."""

    def copy(self) -> None:
        """Copy what the journal has gained."""

    def close(self, status: str) -> None:
        """Complete the copy of a run that has stopped or is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Destinations:
    """Where runs are copied.

    Attributes:
        tracking_uri: MLflow's.
        optuna_storage: the URL or path of an Optuna storage.
        open_studies: starts or finds a run's copy there.
        presentation: makes notes, plots and tables for MLflow.
    """

    tracking_uri: str
    optuna_storage: str
    open_studies: Callable[[RunFolder, str], Copy]
    presentation: Presentation

    def openers(self, store: Store, folder: RunFolder) -> dict[str, Callable[[], Copy]]:
        """By name, what opens each copy of a run."""

        def open_mlflow() -> Copy:
            from curriculum.tracking.mirror import Mirror, connect

            client = connect(store, self.tracking_uri)
            artifacts = artifacts_folder(store, self.tracking_uri)
            return Mirror(folder, client, artifacts=artifacts, presentation=self.presentation)

        return {
            f"MLflow at {redacted(self.tracking_uri)}": open_mlflow,
            f"Optuna's storage {redacted(self.optuna_storage)}": lambda: self.open_studies(
                folder, self.optuna_storage
            ),
        }


def sync_run(store: Store, folder: RunFolder, destinations: Destinations) -> None:
    """Copy all that the run has recorded, and its status where it is over.

    Raises:
        UsageError: where a destination can't be reached or written, or another process
            has been copying the same run for long.
    """
    with _locked(store, folder):
        stopped = not folder.is_running  # read first: what comes before is then all there
        content = _content(store, folder, destinations)
        failures = []
        for name, opener in destinations.openers(store, folder).items():
            try:
                _update(opener(), folder, stopped=stopped)
            except Exception as error:  # one failing does not keep the others back
                failures.append((name, error))
        for name, failure in failures:
            raise UsageError(
                f"{name} can't be brought up to date ({first_line(failure)}); the run is safe, "
                f"and 'sync {folder.id}' can be repeated"
            ) from failure
        if stopped:
            _remember(store, folder, content)


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
            store.mirror_file(folder, "json").unlink()
        # Wait for the first record: the run loads its own libraries first, and is not slowed.
        while folder.is_running and folder.journal_bytes == 0:
            time.sleep(0.05)
        openers = destinations.openers(store, folder)
        copies = [_PersistentCopy(name, opener) for name, opener in openers.items()]
        return _follow(store, folder, destinations, copies)


def _follow(
    store: Store, folder: RunFolder, destinations: Destinations, copies: list[_PersistentCopy]
) -> bool:
    ended: float | None = None
    while True:
        running = folder.is_running  # read first: what comes before is then all there
        content = _content(store, folder, destinations)
        for copy in copies:
            copy.advance(folder, content, stopped=not running)
        if all(copy.holds == content for copy in copies):
            _remember(store, folder, content)
            return True  # should the run have been resumed meanwhile, its own mirror follows
        if not running:
            ended = ended or time.monotonic()
            if time.monotonic() - ended > PATIENCE_SECONDS:
                return False
        time.sleep(POLL_SECONDS)


class _PersistentCopy:
    """A copy that is opened anew after each failure, at longer and longer intervals.

    Attributes:
        holds: what there was to copy when the run had stopped, and its copy was completed.
    """

    def __init__(self, name: str, opener: Callable[[], Copy]) -> None:
        self.holds: Content | None = None
        self._name = name
        self._open = opener
        self._copy: Copy | None = None
        self._pause = POLL_SECONDS
        self._paused_until = 0.0

    def advance(self, folder: RunFolder, content: Content, *, stopped: bool) -> None:
        """Copy what is new, and complete the copy once the run has stopped."""
        if self.holds == content or time.monotonic() < self._paused_until:
            return
        try:
            self._copy = self._copy or self._open()
            _update(self._copy, folder, stopped=stopped)
            self.holds = content if stopped else None
        except Exception as error:
            log.warning("%s fails: %s", self._name, first_line(error))
            self._copy = None
            self._paused_until = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, 10.0)


def is_synced(store: Store, folder: RunFolder, destinations: Destinations) -> bool:
    """Whether the run has stopped, and was copied whole to these destinations."""
    return _remembered(store, folder) == _content(store, folder, destinations)


def was_copied(store: Store, folder: RunFolder) -> bool:
    """Whether all that the run has recorded was copied, to wherever that was."""
    return _remembered(store, folder).get("journal_bytes") == folder.journal_bytes


def _update(copy: Copy, folder: RunFolder, *, stopped: bool) -> None:
    """Copy what is new, and complete the copy once the run has stopped."""
    copy.copy()
    if stopped:
        copy.close(History.of(folder).status())


def _remembered(store: Store, folder: RunFolder) -> Content:
    """What there was to copy when the copy was completed; empty where nothing says."""
    try:
        found = json.loads(read_bytes(store.mirror_file(folder, "json"), MOST_BYTES))
    except (OSError, ValueError):
        found = None
    return found if isinstance(found, dict) else {}


def _remember(store: Store, folder: RunFolder, content: Content) -> None:
    write_atomically(store.mirror_file(folder, "json"), json.dumps(content))


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


def _content(store: Store, folder: RunFolder, destinations: Destinations) -> Content:
    """What there is to copy, and where to.

    Of addresses digests alone, as they may hold passwords, and as seen from the store, which may be moved.
    """
    note = folder.stop_note()
    return {
        "journal_bytes": folder.journal_bytes,
        "stopped": None if note is None else note.time,
        "mlflow": _digest(store, destinations.tracking_uri),
        "optuna": _digest(store, destinations.optuna_storage),
    }


def _digest(store: Store, url: str) -> str:
    return hashlib.sha256(url.replace(str(store.root), "", 1).encode()).hexdigest()
