"""Deletes a run's copy from the store's own MLflow: from its database and its artifacts.

`mlflow gc` would do less and more. It leaves folders and links between runs and models; it
follows the addresses of artifacts out of a store that was copied, into the original; and it
empties the trash of all experiments and models, whoever put them there.
"""

import shutil
import sqlite3
from contextlib import closing
from typing import Any

from curriculum.errors import UsageError
from curriculum.record import Store, first_line
from curriculum.tracking.addresses import RUN_TAG, local_tracking_uri

BUSY_SECONDS = 30.0
COLUMNS = """
    SELECT tables.name, columns.name
    FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
    WHERE tables.type = 'table'
    AND columns.name IN ('run_uuid', 'model_id', 'source_id', 'destination_id')
"""
"""The columns of MLflow's tables that name a run or a model."""
RUNS = "SELECT run_uuid FROM tags WHERE key = ? AND value = ?"
COPIES = """
    SELECT value FROM tags JOIN runs USING (run_uuid)
    WHERE key = ? AND NOT EXISTS (
        SELECT 1 FROM tags AS other
        WHERE other.run_uuid = runs.run_uuid AND other.key = 'mlflow.parentRunId'
    )
"""
MODELS = "SELECT model_id FROM logged_models WHERE source_run_id = ?"


EXPERIMENTS = """
    SELECT name, experiment_id FROM experiments
    WHERE lifecycle_stage = 'active' AND experiment_id != 0
    ORDER BY last_update_time DESC, experiment_id DESC
"""


def experiment_ids(store: Store) -> dict[str, str]:
    """By name, the ids of the experiments in the store's own database, the newest first.

    None where there is no database, or none that can be read.
    """
    return {name: str(found) for name, found in _rows(store, EXPERIMENTS) or ()}


def copied_runs(store: Store) -> set[str] | None:
    """The ids of the runs that the store's own database has a copy of; None where it can't be read.

    One in MLflow's trash is a copy too: somebody has put it there.
    """
    found = _rows(store, COPIES, RUN_TAG)
    return None if found is None else {run_id for (run_id,) in found}


def _rows(store: Store, query: str, *values: str) -> list[tuple[Any, ...]] | None:
    """What a query of the store's own database finds: nothing where there is none; None where it can't be read."""
    path = store.root / "mlflow.db"
    if not path.is_file():
        return []
    try:
        uri = f"{path.as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as database:
            return database.execute(query, values).fetchall()
    except sqlite3.Error:
        return None


class LocalDatabase:
    """MLflow's database in a store, which is there already."""

    def __init__(self, store: Store) -> None:
        """Check that it can be read.

        Raises:
            UsageError: where it can't.
        """
        self.name = f"MLflow at {local_tracking_uri(store)}"
        self._path = store.root / "mlflow.db"
        self._artifacts = store.root / "artifacts"
        try:
            with closing(self._connect()) as database:
                self._tables = database.execute(COLUMNS).fetchall()
        except sqlite3.Error as error:
            raise UsageError(
                f"MLflow's database {self._path} can't be read ({first_line(error)}), so nothing "
                f"is deleted; move it away, or put back one that is whole"
            ) from error

    def delete(self, run_id: str) -> None:
        """Delete a run's parent run and children, their models, and the artifacts of all."""
        if not self._tables:
            return
        with closing(self._connect()) as database:
            ids = [name for (name,) in database.execute(RUNS, (RUN_TAG, run_id))]
            for run in tuple(ids):
                ids += [name for (name,) in database.execute(MODELS, (run,))]
            # Artifacts first: only the database knows which run they belong to.
            self._delete_artifacts(set(ids))
            database.execute("CREATE TEMP TABLE gone (id TEXT PRIMARY KEY)")
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO gone VALUES (?)", [(name,) for name in ids])
            for table, column in self._tables:
                database.execute(f"DELETE FROM {table} WHERE {column} IN gone")  # noqa: S608 - the database's own names
            database.execute("COMMIT")

    def _delete_artifacts(self, ids: set[str]) -> None:
        """Delete the folders of these names, in the store alone."""
        for pattern in ("*/*", "*/models/*"):
            for path in self._artifacts.glob(pattern):
                if path.name in ids:
                    shutil.rmtree(path)

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self._path.as_uri()}?mode=rw"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
