"""Connects to MLflow, quietly, and asks for what all that is kept there takes."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from curriculum import record

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "120")  # a server may be slow

from mlflow.entities import Param
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from curriculum.tracking.addresses import DATABASES, NOTE_TAG, local_tracking_uri
from curriculum.tracking.relocation import check_database, folder_name, relocate_artifacts


def connect(store: record.Store, tracking_uri: str) -> MlflowClient:
    """A client of MLflow. The store's own database is made where there is none, and follows the store."""
    if tracking_uri != local_tracking_uri(store):
        return _connect_elsewhere(tracking_uri)
    check_database(store)
    store.mirrors.mkdir(parents=True, exist_ok=True)
    with record.Lock(store.mirrors / "database.lock") as lock:  # two may not migrate at once
        lock.acquire(seconds=math.inf)
        client = MlflowClient(tracking_uri)
        client.search_experiments(max_results=1)
        relocate_artifacts(store)
    return client


def _connect_elsewhere(tracking_uri: str) -> MlflowClient:
    if tracking_uri.startswith(DATABASES) and not tracking_uri.startswith("sqlite"):
        # A server has a hundred connections for all its clients, and a mirror is idle most of the time.
        os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")
    try:
        return MlflowClient(record.with_driver(tracking_uri))
    except ModuleNotFoundError as error:
        name = f"MLflow at {record.redacted(tracking_uri)}"
        raise record.missing_driver(name, error) from error


def experiment_id(
    client: MlflowClient, name: str, artifacts: Path | None, note: str | None = None
) -> str:
    """MLflow's id of an experiment, made where there is none, restored where it was deleted.

    Args:
        client: MLflow's.
        name: the experiment's.
        artifacts: where a new one keeps its artifacts; None leaves it to the server.
        note: its description, where it is new.
    """
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    location = None if artifacts is None else (artifacts / folder_name(name)).as_uri()
    try:
        tags = {"mlflow.experimentKind": "custom_model_development"}  # the UI's layout
        if note is not None:
            tags[NOTE_TAG] = note
        return str(client.create_experiment(name, location, tags))
    except MlflowException:
        found = client.get_experiment_by_name(name)  # another mirror was faster
        if found is None:
            raise
        return str(found.experiment_id)


def log_params(client: MlflowClient, run: str, values: Mapping[str, Any]) -> None:
    """Log params of a run; those that are there already must be the same."""
    client.log_batch(run, params=[Param(name, str(value)) for name, value in values.items()])


def paginate(search: Callable[..., Any], *what: Any) -> Iterator[Any]:
    """All results of a paginated search."""
    token: str | None = None
    while True:
        page = search(*what, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
