"""The copies of runs in MLflow, and what it holds of them."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from curriculum.cli.sync import destinations
from curriculum.record import RunFolder, Store
from curriculum.tracking import Destinations, local_tracking_uri, sync_run
from curriculum.tracking.addresses import ARM_TAG, RUN_TAG
from curriculum.tracking.client import connect
from curriculum.tracking.mirror import VISIT_TAG

NewDatabase = Callable[[Path], Path]
"""Puts an empty database of MLflow's in a folder."""


def destinations_in(store: Store, uri: str | None = None, *, plots: bool = False) -> Destinations:
    """MLflow in the store, or at that URI; and Optuna's storage in the store.

    Plots take longer than all else, and are left out unless a test is about them.
    """
    found = destinations(store, uri or local_tracking_uri(store))
    if plots:
        return found
    presentation = replace(found.presentation, figures=lambda _: {}, visit_figures=lambda *_: {})
    return replace(found, presentation=presentation)


def sync(store: Store, folder: RunFolder, uri: str | None = None, *, plots: bool = False) -> None:
    sync_run(store, folder, destinations_in(store, uri, plots=plots))


def client_of(store: Store) -> Any:
    """A client of the MLflow in the store."""
    return connect(store, local_tracking_uri(store))


def copy_of(store: Store, folder: RunFolder) -> tuple[Any, list[Any]]:
    """The one parent run that a run has in the store's MLflow, and the children by their visits."""
    parent, children = _runs_of(store, folder)
    visits = [run for run in children if VISIT_TAG in run.data.tags]
    return parent, sorted(visits, key=lambda run: int(run.data.tags[VISIT_TAG]))


def arms_of(store: Store, folder: RunFolder) -> dict[str, Any]:
    """The child runs of a run's arms, by name."""
    _, children = _runs_of(store, folder)
    arms = [run for run in children if ARM_TAG in run.data.tags]
    found = {run.data.tags[ARM_TAG]: run for run in arms}
    assert len(found) == len(arms)
    return found


def _runs_of(store: Store, folder: RunFolder) -> tuple[Any, list[Any]]:
    client = client_of(store)
    experiments = {found.experiment_id: found.name for found in client.search_experiments()}
    runs = client.search_runs(list(experiments), f"tags.`{RUN_TAG}` = '{folder.id}'")
    [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert experiments[parent.info.experiment_id] == folder.description().experiment
    return parent, children


def points_of(store: Store, run: Any, metric: str) -> list[tuple[float, int, int]]:
    """The value, step and time of each point of a metric, in the order of their logging."""
    points = client_of(store).get_metric_history(run.info.run_id, metric)
    return [(point.value, point.step, point.timestamp) for point in points]


def plots_of(store: Store, run: Any) -> list[str]:
    found = client_of(store).list_artifacts(run.info.run_id, "plots")
    return [Path(info.path).stem for info in found]


def rows_of(database: Path) -> dict[str, set[str]]:
    """All that a database holds, by table."""
    with closing(sqlite3.connect(database)) as opened:
        tables = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            table: set(map(str, opened.execute(f"SELECT * FROM {table}"))) for (table,) in tables
        }


def in_mlflow(store: Store, folder: RunFolder, uri: str) -> dict[str, Any]:
    """All that MLflow has of a run: parent and children with points, params, tags and plots."""
    client = connect(store, uri)
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    found: dict[str, Any] = {}
    for run in client.search_runs(ids, f"tags.`curriculum.run_id` = '{folder.id}'"):
        tags = run.data.tags
        key = tags.get(VISIT_TAG) or tags.get(ARM_TAG) or "parent"
        assert key not in found, f"{key} is there twice"
        points = Counter(
            (point.key, point.step, point.timestamp, point.value)
            for metric in run.data.metrics
            for point in client.get_metric_history(run.info.run_id, metric)
        )
        tags = {
            name: value
            for name, value in tags.items()
            if name not in ("mlflow.parentRunId", "mlflow.loggedArtifacts", "mlflow.user")
        }
        plots = {plot.path for plot in client.list_artifacts(run.info.run_id, "plots")}
        found[key] = (run.info.status, run.info.end_time, points, run.data.params, tags, plots)
    return found


def check_in_mlflow(root: Path, new_database: NewDatabase) -> None:
    """MLflow has of the run what a copy made at once would have."""
    store = Store(root)
    folder = store.find("last")
    found = in_mlflow(store, folder, f"sqlite:///{root / 'mlflow.db'}")
    other = f"sqlite:///{new_database(root.with_name(f'other than {root.name}'))}"
    sync_run(store, folder, destinations(store, other))
    expected = in_mlflow(store, folder, other)
    assert found["parent"][0] == "FINISHED"
    assert found["parent"][-1]  # plots
    assert found == expected
