"""What of a run has been copied, as the store remembers it: `mirrors/<run id>.json`."""

from __future__ import annotations

import hashlib
import json

from curriculum.record import RunFolder, Store, read_bytes, write_atomically
from curriculum.tracking.destinations import Destinations

MOST_BYTES = 1 << 20
"""Of what a mirror keeps of a run."""

Content = dict[str, object]


def is_synced(store: Store, folder: RunFolder, destinations: Destinations) -> bool:
    """Whether the run has stopped, and was copied whole to these destinations."""
    return _remembered(store, folder) == content_of(store, folder, destinations)


def was_copied(store: Store, folder: RunFolder) -> bool:
    """Whether all that the run has recorded was copied, to wherever that was."""
    return _remembered(store, folder).get("journal_bytes") == folder.journal_bytes


def content_of(store: Store, folder: RunFolder, destinations: Destinations) -> Content:
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


def remember(store: Store, folder: RunFolder, content: Content) -> None:
    """Keep that this was copied."""
    write_atomically(store.mirror_file(folder, "json"), json.dumps(content))


def forget(store: Store, folder: RunFolder) -> None:
    """Say of no copy that it is whole: the run goes on."""
    store.mirror_file(folder, "json").unlink(missing_ok=True)


def _remembered(store: Store, folder: RunFolder) -> Content:
    """What there was to copy when the copy was completed; empty where nothing says."""
    try:
        found = json.loads(read_bytes(store.mirror_file(folder, "json"), MOST_BYTES))
    except (OSError, ValueError):
        found = None
    return found if isinstance(found, dict) else {}


def _digest(store: Store, url: str) -> str:
    return hashlib.sha256(url.replace(str(store.root), "", 1).encode()).hexdigest()
