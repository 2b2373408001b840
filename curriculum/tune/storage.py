"""Optuna's storages: a file, or a database."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalRedisBackend

from curriculum import record
from curriculum.errors import UsageError


def open_storage(url: str) -> BaseStorage:
    """The storage of that URL; a plain path is a journal file's.

    Raises:
        UsageError: where it can't be reached.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if "://" not in url:
            lock: Any = JournalLock(url)  # the class that it would be has no public name
            return JournalStorage(JournalFileBackend(url, lock))
        if url.startswith("redis"):
            return JournalStorage(JournalRedisBackend(url))
        return _database(url)
    except UsageError:
        raise
    except ModuleNotFoundError as error:
        raise record.missing_driver(f"Optuna's storage {record.redacted(url)}", error) from error
    except Exception as error:
        raise UsageError(
            f"Optuna's storage {record.redacted(url)} can't be reached ({record.first_line(error)}); give a "
            f"file's path, or a URL such as sqlite:///studies.db"
        ) from error


def _database(url: str) -> RDBStorage:
    """A database. No connection to a server is held between two transactions.

    It has a hundred of them for all its clients, and a mirror is idle most of the time.
    """
    if url.startswith("sqlite"):
        return RDBStorage(url)
    from sqlalchemy.pool import NullPool

    url = record.with_driver(url)
    _check_is_not_mlflows(url)
    return RDBStorage(url, engine_kwargs={"poolclass": NullPool})


def _check_is_not_mlflows(url: str) -> None:
    """Both keep versions of their tables under one name; Optuna would add its own before it finds out."""
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.pool import NullPool

    tables = inspect(create_engine(url, poolclass=NullPool)).get_table_names()
    if "experiments" in tables and "studies" not in tables:
        raise UsageError(
            f"Optuna's storage {record.redacted(url)} is a database of MLflow's; make another "
            f"beside it, such as by 'createdb optuna'"
        )


class JournalLock:
    """Keeps our other processes from a journal file while it is written; freed by the death of its holder.

    Optuna's own lock would be left behind by it, and then be waited for. Programs that take that one are
    not kept out; what is appended is one write.
    """

    def __init__(self, path: str) -> None:
        self._lock = record.Lock(Path(f"{path}.flock"))

    def acquire(self) -> bool:
        """Wait for the lock, and take it."""
        return self._lock.acquire(seconds=math.inf)

    def release(self) -> None:
        """Free the lock."""
        self._lock.release()


def check_storage(url: str) -> None:
    """Check that a storage can be reached.

    Raises:
        UsageError: where it can't.
    """
    if "://" not in url and not Path(url).absolute().parent.is_dir():
        raise UsageError(
            f"Optuna's storage {url} can't be written: there is no folder {Path(url).parent}"
        )
    close_storage(open_storage(url))


def close_storage(storage: BaseStorage) -> None:
    """Close a storage's session, and its connections to a database."""
    if isinstance(storage, RDBStorage):
        storage.remove_session()
        storage.engine.dispose()
