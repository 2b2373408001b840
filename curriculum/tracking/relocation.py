"""Where a store's own MLflow keeps artifacts, once the store was moved or copied.

MLflow's database holds the address of each run's artifacts, from the root of the file system. After a
move they would be looked for, and written, where the store was; after a copy, in the other store.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from curriculum.errors import UsageError
from curriculum.record import Store, first_line

log = logging.getLogger(__name__)

BUSY_SECONDS = 60.0
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Of MLflow's database, all that hold addresses of artifacts."""

EXPERIMENTS = "SELECT name, artifact_location FROM experiments WHERE experiment_id != 0"
UNUSED = """
SELECT artifact_location FROM experiments WHERE experiment_id = 0
AND NOT EXISTS (SELECT 1 FROM runs WHERE experiment_id = 0)
"""
"""MLflow gives its first experiment, which nobody asked for, a place in whatever is the current folder."""

DEFAULT = "UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0"
MOVE = "UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"


def check_database(store: Store) -> None:
    """Check that what is in the place of the store's own database, if anything is, is a file, or a link to one.

    MLflow would try to open anything else for minutes.

    Raises:
        UsageError: where it is not.
    """
    path = store.root / "mlflow.db"
    if os.path.lexists(path) and not path.is_file():
        raise UsageError(
            f"MLflow's database {path} is no file; move it away, or put back what it was"
        )


def relocate_artifacts(store: Store) -> None:
    """Have the store's own database, if there is one, name the folder of artifacts in the store.

    Runs, tags and links stay as they are. Of a store that may only be read nothing is changed.

    Raises:
        UsageError: where the database can't be read.
    """
    check_database(store)
    path = store.root / "mlflow.db"
    if not path.exists():
        return
    try:
        _relocate(path, store.root / "artifacts")
    except sqlite3.OperationalError as error:
        log.warning("%s still names artifacts elsewhere (%s)", path, first_line(error))
    except sqlite3.Error as error:
        raise UsageError(
            f"MLflow's database {path} can't be read ({first_line(error)}); move it away, or put "
            f"back one that is whole"
        ) from error


def _relocate(path: Path, artifacts: Path) -> None:
    """Have the database name that folder."""
    new = artifacts.as_uri() + "/"
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as database:
        if not (_strays(database, new) or {*_elsewhere(database, artifacts)}):
            return
        database.execute("BEGIN IMMEDIATE")  # what another process has done meanwhile is seen
        if _strays(database, new):
            database.execute(DEFAULT, (f"{new}0",))
        for old in {*_elsewhere(database, artifacts)}:
            for table, column in COLUMNS:
                if _has(database, table, column):
                    move = MOVE.format(table=table, column=column)
                    database.execute(move, (new, len(old) + 1, len(old), old))
        database.execute("COMMIT")


def _strays(database: sqlite3.Connection, new: str) -> bool:
    """Whether MLflow's first experiment has a place elsewhere, and nothing in it."""
    return any(address != f"{new}0" for (address,) in database.execute(UNUSED))


def _elsewhere(database: sqlite3.Connection, artifacts: Path) -> Iterator[str]:
    """The folders of artifacts, as beginnings of addresses, that the store had at other places.

    They are known by experiments that we made, each in a folder of its name.
    """
    for name, address in database.execute(EXPERIMENTS):
        parts = urlsplit(address)
        folder = Path(unquote(parts.path))
        ours = parts.scheme == "file" and folder.name == folder_name(name)
        if ours and folder.parent.name == artifacts.name and not _same(folder.parent, artifacts):
            yield address[: -len(address.rpartition("/")[2])]


def folder_name(experiment: str) -> str:
    """The folder of an experiment's artifacts, in that of all.

    >>> folder_name("lstm_firstbit:hard")
    'lstm_firstbit-hard'
    >>> folder_name("../elsewhere")
    '-..-elsewhere'
    """
    name = re.sub(r"[^\w.-]", "-", experiment)
    return f"-{name}" if name.startswith(".") else name


def _same(one: Path, other: Path) -> bool:
    """Whether both are one folder, also by a link; it need not be there yet."""
    if one == other:
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False


def _has(database: sqlite3.Connection, table: str, column: str) -> bool:
    """Whether MLflow's version has that column."""
    return any(found == column for _, found, *_ in database.execute(f"PRAGMA table_info({table})"))
