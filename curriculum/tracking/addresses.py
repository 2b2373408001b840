"""Where MLflow's copy of a store is: the tracking URI, and the folder of artifacts."""

import os
from pathlib import Path

from curriculum.record import Store, absolute_address

TRACKING_URI_VARIABLE = "MLFLOW_TRACKING_URI"
RUN_TAG = "curriculum.run_id"
"""In MLflow, the run's id: on its parent run and on all children."""

ARM_TAG = "curriculum.arm"
"""In MLflow, the name of a portfolio's arm: on the child run that shows it."""

PARENT_TAG = "mlflow.parentRunId"
"""In MLflow, the id of the run that a child run belongs to."""

DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
"""How the URIs begin of what MLflow opens by itself."""

NOTE_TAG = "mlflow.note.content"
"""What MLflow's UI shows as the description of a run, a model or an experiment."""


def local_tracking_uri(store: Store) -> str:
    """The tracking URI of the store's own database."""
    return f"sqlite:///{store.root / 'mlflow.db'}"


def resolve_tracking_uri(store: Store, given: str | None = None) -> str:
    """The URI given, or `MLFLOW_TRACKING_URI`, or else the store's own database."""
    named = given or os.environ.get(TRACKING_URI_VARIABLE)
    return local_tracking_uri(store) if not named else absolute_address(named)


def artifacts_folder(store: Store, tracking_uri: str) -> Path | None:
    """Where new experiments keep artifacts; None where that is up to a server.

    MLflow would have those of a database in the folder that a process happens to stand in.
    """
    return store.root / "artifacts" if tracking_uri.startswith(DATABASES) else None
