"""Which MLflow, and which Optuna storage, a store is mirrored into."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from curriculum.record.store import Store

__all__ = [
    "STUDIES_VARIABLE",
    "artifacts_folder",
    "database_uri",
    "displayed",
    "first_line",
    "studies_url_of",
    "tracking_uri_of",
]

STUDIES_VARIABLE = "CURRICULUM_STUDIES"


def database_uri(store: Store) -> str:
    """The store's own database."""
    return f"sqlite:///{store.root / 'mlflow.db'}"


def tracking_uri_of(store: Store, given: str | None = None) -> str:
    """The URI given, or `MLFLOW_TRACKING_URI`, or else the store's own database."""
    return given or os.environ.get("MLFLOW_TRACKING_URI") or database_uri(store)


def studies_url_of(store: Store, given: str | None = None) -> str:
    """The URL or path given, or `CURRICULUM_STUDIES`, or else a journal file in the store."""
    return given or os.environ.get(STUDIES_VARIABLE) or str(store.root / "studies.journal")


def artifacts_folder(store: Store, tracking_uri: str) -> Path | None:
    """Where new experiments keep artifacts; None where that is a server's affair."""
    return store.root / "artifacts" if tracking_uri == database_uri(store) else None


def displayed(tracking_uri: str) -> str:
    """A URI without the user and password in it."""
    parts = urlsplit(tracking_uri)
    if "@" not in parts.netloc:
        return tracking_uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def first_line(error: BaseException) -> str:
    """An error in one line, without a password that a URI in it may hold."""
    said = (str(error).splitlines() or [""])[0]
    return re.sub(r"://[^/@\s]*@", "://", f"{type(error).__name__}: {said}")[:300]
