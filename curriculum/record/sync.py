"""Brings MLflow and Optuna's storage up to date with runs: once, or beside a run until it is over."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from curriculum.errors import UsageError
from curriculum.record.history import History
from curriculum.record.lock import Lock
from curriculum.record.presentation import Presentation
from curriculum.record.store import RunFolder, Store
from curriculum.record.tracking import artifacts_folder, displayed, first_line

__all__ = ["Copy", "Destinations", "follow", "is_synced", "sync", "was_copied"]

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 60.0  # how long a mirror tries on after the run's end

log = logging.getLogger(__name__)

Content = dict[str, object]


class Copy(Protocol):
    """A run's copy elsewhere. What is there already is not copied again."""

    def copy(self) -> None:
        """Copy what the journal has gained."""
        ...

    def close(self, status: str) -> None:
        """Complete the copy of a run that is over."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Destinations:
    """Where runs are copied.

    Attributes:
        tracking_uri: MLflow's.
        studies: the URL or path of Optuna's storage.
        open_studies: begins or finds a run's copy there.
        presentation: makes notes, plots and tables for MLflow.
    """

    tracking_uri: str
    studies: str
    open_studies: Callable[[RunFolder, str], Copy]
    presentation: Presentation

    def openers(self, store: Store, folder: RunFolder) -> dict[str, Callable[[], Copy]]:
        """By name, what opens each copy of a run."""

        def open_mlflow() -> Copy:
            from curriculum.record.mirror import Mirror, connect

            client = connect(store, self.tracking_uri)
            artifacts = artifacts_folder(store, self.tracking_uri)
            return Mirror(folder, client, artifacts=artifacts, presentation=self.presentation)

        return {
            f"MLflow at {displayed(self.tracking_uri)}": open_mlflow,
            f"Optuna's storage {displayed(self.studies)}": lambda: self.open_studies(
                folder, self.studies
            ),
        }


def sync(store: Store, folder: RunFolder, destinations: Destinations) -> None:
    """Copy all that the run has recorded, and its status where it is over.

    Raises:
        UsageError: where a destination can't be reached or written, or another process
            has been copying the same run for long.
    """
    with _held(store, folder):
        over = not folder.is_running  # asked first: what comes before is then all there
        content = _content(folder, destinations)
        failures = []
        for name, opener in destinations.openers(store, folder).items():
            try:
                copy = opener()
                copy.copy()
                if over:
                    copy.close(History.of(folder).status())
            except Exception as error:  # the trouble of one does not keep the others back
                failures.append((name, error))
        for name, failure in failures:
            raise UsageError(
                f"{name} can't be brought up to date ({first_line(failure)}); the run is safe, "
                f"and 'sync {folder.id}' can be repeated"
            ) from failure
        if over:
            _remember(store, folder, content)


def follow(store: Store, folder: RunFolder, destinations: Destinations) -> bool:
    """Copy a run while it goes on, and until its last record is copied.

    Where a destination fails, wait and begin anew, while the others go on; give up a
    minute after the run's end, and say False.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    lock = Lock(_mark(store, folder).with_suffix(".lock"))
    while not lock.acquire():  # the mirror of the run before it stopped, a `sync`, an `rm`
        time.sleep(POLL_SECONDS)
    with lock:
        if not folder.path.exists():
            return True  # it was deleted
        if is_synced(store, folder, destinations):
            if not folder.is_running:
                return True
            _mark(store, folder).unlink()
        while folder.is_running and folder.journal_bytes == 0:
            time.sleep(0.05)  # the run loads its own libraries first
        openers = destinations.openers(store, folder)
        copies = [_Persistent(name, opener) for name, opener in openers.items()]
        over: float | None = None
        while True:
            running = folder.is_running  # asked first: what comes before is then all there
            content = _content(folder, destinations)
            for copy in copies:
                copy.advance(folder, content, over=not running)
            if all(copy.holds == content for copy in copies):
                _remember(store, folder, content)
                return True  # should the run have gone on meanwhile, its next mirror will too
            if not running:
                over = over or time.monotonic()
                if time.monotonic() - over > PATIENCE_SECONDS:
                    return False
            time.sleep(POLL_SECONDS)


class _Persistent:
    """A copy that is opened anew after each failure, at longer and longer intervals.

    Attributes:
        holds: what was there to copy when the run had stopped, and its copy was completed.
    """

    def __init__(self, name: str, opener: Callable[[], Copy]) -> None:
        self.holds: Content | None = None
        self._name = name
        self._open = opener
        self._copy: Copy | None = None
        self._pause = POLL_SECONDS
        self._resting_until = 0.0

    def advance(self, folder: RunFolder, content: Content, *, over: bool) -> None:
        """Copy what is new, and complete the copy once the run has stopped."""
        if self.holds == content or time.monotonic() < self._resting_until:
            return
        try:
            self._copy = self._copy or self._open()
            self._copy.copy()
            if over:
                self._copy.close(History.of(folder).status())
                self.holds = content
        except Exception as error:
            log.warning("%s fails: %s", self._name, first_line(error))
            self._copy = None
            self._resting_until = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, 10.0)


def is_synced(store: Store, folder: RunFolder, destinations: Destinations) -> bool:
    """Whether the run is over, and was copied whole to these places."""
    try:
        mark = json.loads(_mark(store, folder).read_text())
    except (OSError, ValueError):
        return False
    return bool(mark == _content(folder, destinations))


def was_copied(store: Store, folder: RunFolder) -> bool:
    """Whether all that the run has recorded was copied, to wherever that was."""
    try:
        mark = json.loads(_mark(store, folder).read_text())
        return bool(mark["journal_bytes"] == folder.journal_bytes)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _remember(store: Store, folder: RunFolder, content: Content) -> None:
    mark = _mark(store, folder)
    aside = mark.with_suffix(".new")
    aside.write_text(json.dumps(content))
    os.replace(aside, mark)


def _held(store: Store, folder: RunFolder) -> Lock:
    """The run's mirror lock, waited for while another mirror is at work."""
    lock = Lock(_mark(store, folder).with_suffix(".lock"))
    waited_since = time.monotonic()
    while not lock.acquire():
        if folder.is_running:
            raise UsageError(f"run {folder.id} goes on, and is being copied meanwhile")
        if time.monotonic() - waited_since > PATIENCE_SECONDS + 30:
            raise UsageError(f"another process has been copying run {folder.id} for long")
        time.sleep(POLL_SECONDS / 5)
    return lock


def _mark(store: Store, folder: RunFolder) -> Path:
    store.mirrors.mkdir(parents=True, exist_ok=True)
    return store.mirrors / f"{folder.id}.json"


def _content(folder: RunFolder, destinations: Destinations) -> Content:
    """What there is to copy whereto; of the places digests alone, for URIs may hold passwords."""
    return {
        "journal_bytes": folder.journal_bytes,
        "stopped": folder.stopped(),
        "mlflow": _digest(destinations.tracking_uri),
        "studies": _digest(destinations.studies),
    }


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
