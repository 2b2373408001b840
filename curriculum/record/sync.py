"""Brings MLflow up to date with runs: once, or beside a run until it is over."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from curriculum.errors import UsageError
from curriculum.record.lock import Lock
from curriculum.record.store import RunFolder, Store
from curriculum.record.tracking import artifacts_folder, displayed

if TYPE_CHECKING:
    from curriculum.record.mirror import Mirror, Note, Pictures

__all__ = ["follow", "is_synced", "sync"]

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 60.0  # how long a mirror tries on after the run's end

log = logging.getLogger(__name__)


def sync(
    store: Store, folder: RunFolder, tracking_uri: str, *, note: Note, pictures: Pictures
) -> None:
    """Copy all that the run has recorded, and its status where it is over.

    Raises:
        UsageError: where MLflow can't be reached or written, or another process has been
            copying the same run for long.
    """
    with _held(store, folder):
        try:
            mirror = _open(store, folder, tracking_uri, note, pictures)
            _finish(store, mirror, tracking_uri)
        except Exception as error:
            raise UsageError(
                f"MLflow at {displayed(tracking_uri)} can't be brought up to date "
                f"({_first_line(error)}); the run is safe, and 'sync {folder.id}' can be repeated"
            ) from error


def follow(
    store: Store, folder: RunFolder, tracking_uri: str, *, note: Note, pictures: Pictures
) -> bool:
    """Copy a run while it goes on, and until its last record is copied.

    Where MLflow fails, wait and begin anew; give up a minute after the run's end, and say
    False.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    lock = Lock(_mark(store, folder).with_suffix(".lock"))
    if not lock.acquire():
        return True  # another mirror has it
    with lock:
        while folder.is_running and folder.journal_bytes == 0:
            time.sleep(0.05)  # the run loads its own libraries first
        pause, over = POLL_SECONDS, None
        while True:
            try:
                mirror = _open(store, folder, tracking_uri, note, pictures)
                while folder.is_running:
                    mirror.copy()
                    time.sleep(POLL_SECONDS)
                _finish(store, mirror, tracking_uri)
                return True
            except Exception as error:
                log.warning("MLflow fails: %s", _first_line(error))
                if not folder.is_running:
                    over = over or time.monotonic()
                    if time.monotonic() - over > PATIENCE_SECONDS:
                        return False
                time.sleep(pause)
                pause = min(2 * pause, 10.0)


def is_synced(store: Store, folder: RunFolder, tracking_uri: str) -> bool:
    """Whether the run is over, and was copied whole to that MLflow."""
    try:
        mark = json.loads(_mark(store, folder).read_text())
    except (OSError, ValueError):
        return False
    return bool(mark == _content(folder, tracking_uri))


def _finish(store: Store, mirror: Mirror, tracking_uri: str) -> None:
    """Copy the rest; where the run is over, close its copy and remember that."""
    over = not mirror.folder.is_running  # asked first: what comes before is then all there
    mirror.copy()
    if over or mirror.complete:
        mirror.close(mirror.history.status())
        mark = _mark(store, mirror.folder)
        aside = mark.with_suffix(".new")
        aside.write_text(json.dumps(_content(mirror.folder, tracking_uri)))
        os.replace(aside, mark)


def _open(
    store: Store, folder: RunFolder, tracking_uri: str, note: Note, pictures: Pictures
) -> Mirror:
    from curriculum.record.mirror import Mirror, connect

    client = connect(store, tracking_uri)
    artifacts = artifacts_folder(store, tracking_uri)
    return Mirror(folder, client, artifacts=artifacts, note=note, pictures=pictures)


def _held(store: Store, folder: RunFolder) -> Lock:
    """The run's mirror lock, waited for while another mirror is at work."""
    lock = Lock(_mark(store, folder).with_suffix(".lock"))
    waited_since = time.monotonic()
    while not lock.acquire():
        if folder.is_running:
            raise UsageError(f"run {folder.id} goes on, and is being copied into MLflow meanwhile")
        if time.monotonic() - waited_since > PATIENCE_SECONDS + 30:
            raise UsageError(f"another process has been copying run {folder.id} for long")
        time.sleep(POLL_SECONDS / 5)
    return lock


def _mark(store: Store, folder: RunFolder) -> Path:
    store.mirrors.mkdir(parents=True, exist_ok=True)
    return store.mirrors / f"{folder.id}.json"


def _content(folder: RunFolder, tracking_uri: str) -> dict[str, object]:
    """What was copied whereto; of the URI a digest alone, for it may hold a password."""
    where = hashlib.sha256(tracking_uri.encode()).hexdigest()
    return {"journal_bytes": folder.journal_bytes, "mlflow": where}


def _first_line(error: BaseException) -> str:
    """The error in one line, without a password that a URI in it may hold."""
    said = (str(error).splitlines() or [""])[0]
    return re.sub(r"://[^/@\s]*@", "://", f"{type(error).__name__}: {said}")[:300]
