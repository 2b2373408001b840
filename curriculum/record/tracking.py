"""Which MLflow, and which Optuna storage, a store is mirrored into."""

from __future__ import annotations

import os
import re
from pathlib import Path

from curriculum.record.store import Store

__all__ = [
    "RUN_TAG",
    "STUDIES_VARIABLE",
    "artifacts_folder",
    "database_uri",
    "default_studies",
    "displayed",
    "first_line",
    "studies_url_of",
    "tracking_uri_of",
]

STUDIES_VARIABLE = "CURRICULUM_STUDIES"
RUN_TAG = "curriculum.run_id"
"""In MLflow, the run's id: on its parent run and on all children."""


def database_uri(store: Store) -> str:
    """The store's own database."""
    return f"sqlite:///{store.root / 'mlflow.db'}"


def tracking_uri_of(store: Store, given: str | None = None) -> str:
    """The URI given, or `MLFLOW_TRACKING_URI`, or else the store's own database."""
    return given or os.environ.get("MLFLOW_TRACKING_URI") or database_uri(store)


def default_studies(store: Store) -> str:
    """The store's own file of studies."""
    return str(store.root / "studies.journal")


def studies_url_of(store: Store, given: str | None = None) -> str:
    """The URL or path given, or `CURRICULUM_STUDIES`, or else the store's own file."""
    return given or os.environ.get(STUDIES_VARIABLE) or default_studies(store)


def artifacts_folder(store: Store, tracking_uri: str) -> Path | None:
    """Where new experiments keep artifacts; None where that is a server's affair."""
    return store.root / "artifacts" if tracking_uri == database_uri(store) else None


def displayed(tracking_uri: str) -> str:
    """A URI without the user and password that it, or its query, may hold."""
    if "://" not in tracking_uri:
        return tracking_uri
    return re.sub(r"\?.*", "", _bare(tracking_uri))


def first_line(error: BaseException) -> str:
    """An error in one line, without a password that a URI in it may hold."""
    said = (str(error).splitlines() or [""])[0]
    said = re.sub(r"(://\S*?)\?\S*", r"\1", _bare(said))
    return f"{type(error).__name__}: {said}"[:300]


def _bare(text: str) -> str:
    """A text without what stands before the @ of a URI in it."""
    return re.sub(r"://\S*@", "://", text)
