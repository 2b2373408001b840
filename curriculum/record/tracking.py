"""Which MLflow a store is mirrored into."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from curriculum.record.store import Store

__all__ = ["artifacts_folder", "database_uri", "displayed", "tracking_uri_of"]


def database_uri(store: Store) -> str:
    """The store's own database."""
    return f"sqlite:///{store.root / 'mlflow.db'}"


def tracking_uri_of(store: Store, given: str | None = None) -> str:
    """The URI given, or `MLFLOW_TRACKING_URI`, or else the store's own database."""
    return given or os.environ.get("MLFLOW_TRACKING_URI") or database_uri(store)


def artifacts_folder(store: Store, tracking_uri: str) -> Path | None:
    """Where new experiments keep artifacts; None where that is a server's affair."""
    return store.root / "artifacts" if tracking_uri == database_uri(store) else None


def displayed(tracking_uri: str) -> str:
    """A URI without the user and password in it."""
    parts = urlsplit(tracking_uri)
    if "@" not in parts.netloc:
        return tracking_uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
