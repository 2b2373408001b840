"""Deletes a run: its folder, and its copies elsewhere."""

import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from curriculum.errors import UsageError
from curriculum.record.lock import Lock
from curriculum.record.redaction import first_line
from curriculum.record.run_folder import RUN_ID, RunFolder
from curriculum.record.store import MIRROR_FILES, Store

WAITING_SECONDS = 60.0
"""A mirror completes the copy of a run that is over within seconds, or else gives up."""
NOTICE_SECONDS = 2.0

DELETED = re.compile(rf"\.{RUN_ID.pattern}\.old")
"""A run's folder whose deletion has begun."""

log = logging.getLogger(__name__)


class RunCopies(Protocol):
    """A place that may hold copies of runs, such as a database."""

    @property
    def name(self) -> str:
        """What messages call the place."""

    def delete(self, run_id: str) -> str | None:
        """Delete what it holds of a run, if anything; tells what of that stays."""


def delete_run(store: Store, folder: RunFolder, copies: Sequence[RunCopies]) -> list[str]:
    """Delete a run and its copies; gives remarks on what could not be deleted.

    Raises:
        UsageError: where a living process runs or copies it, or a part can't be deleted.
            The run is then still there, and deleting it can be repeated.
        UnexpectedFileType: where its folder is a link.
    """
    aside = folder.path.with_name(f".{folder.id}.old")
    folder.check_is_own()
    try:
        with folder.held(), _mirror_held(store, folder):
            # Cut short at any point, a run is still listed, with all that takes to delete
            # the rest; so the folder goes last, by one rename. The mark goes first, for it
            # says that copies are there.
            store.mirror_file(folder, "json").unlink(missing_ok=True)
            remarks = [_delete_from(each, folder.id) for each in copies]
            folder.check_held()
            os.rename(folder.path, aside)
            for ending in MIRROR_FILES:
                store.mirror_file(folder, ending).unlink(missing_ok=True)
        for path in store.runs_folder.glob(".*"):  # besides, what was cut short earlier
            if DELETED.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=path != aside)
    except OSError as error:
        raise UsageError(
            f"run {folder.id} can't be deleted ({error.strerror}: {error.filename})"
        ) from error
    return [remark for remark in remarks if remark is not None]


def _delete_from(copies: RunCopies, run_id: str) -> str | None:
    try:
        return copies.delete(run_id)
    except Exception as error:
        raise UsageError(
            f"run {run_id} can't be deleted from {copies.name} ({first_line(error)}); "
            f"'rm {run_id}' can be repeated"
        ) from error


@contextmanager
def _mirror_held(store: Store, folder: RunFolder) -> Iterator[None]:
    """Keep mirrors from the run."""
    lock, since, logged = Lock(store.mirror_file(folder, "lock")), time.monotonic(), False
    while not lock.acquire():
        waited = time.monotonic() - since
        if waited > WAITING_SECONDS:
            raise UsageError(
                f"run {folder.id} is being copied into MLflow by another process; "
                f"'rm {folder.id}' can be repeated when it is done"
            )
        if waited > NOTICE_SECONDS and not logged:
            log.warning("run %s is still being copied into MLflow; waiting", folder.id)
            logged = True
        time.sleep(0.1)
    with lock:
        yield
