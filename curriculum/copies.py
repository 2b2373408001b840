"""Where copies of runs may lie besides their folders, so that they can be deleted there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

from curriculum.errors import UsageError
from curriculum.record.deletion import Place
from curriculum.record.store import RunFolder, Store
from curriculum.record.tracking import (
    database_uri,
    default_studies,
    displayed,
    studies_url_of,
    tracking_uri_of,
)

__all__ = ["places"]


def places(
    store: Store,
    folders: Iterable[RunFolder],
    tracking_uri: str | None = None,
    studies: str | None = None,
) -> list[list[Place]]:
    """For each run, what may hold copies of it; each was reached.

    That is the MLflow and the Optuna storage that are given, or that the run was begun with,
    or that the environment names; and the store's own, into which `ui` copies every run.

    Raises:
        UsageError: where one can't be reached, or what is given isn't there.
    """
    own, own_studies = database_uri(store), default_studies(store)
    for given in (tracking_uri, studies):
        if given not in (None, own, own_studies) and not _is_there(given):
            raise UsageError(f"there is no {displayed(given)}, so nothing is deleted")
    open_once = cache(partial(_open_place, store))
    found = []
    for folder in folders:
        begun = _begun(folder)
        mlflow = {own, tracking_uri_of(store, tracking_uri or begun.get("tracking_uri"))}
        optuna = {own_studies, studies_url_of(store, studies or begun.get("studies"))}
        found.append(
            [open_once("mlflow", uri) for uri in sorted(mlflow) if _is_there(uri)]
            + [open_once("optuna", url) for url in sorted(optuna) if _is_there(url)]
        )
    return found


def _open_place(store: Store, kind: str, address: str) -> Place:
    if kind == "optuna":
        from curriculum.tune.deletion import Studies

        return Studies(address)
    if address == database_uri(store):
        from curriculum.record.database import Database

        return Database(store)
    from curriculum.record.trash import Trash

    return Trash(store, address)


def _begun(folder: RunFolder) -> dict[str, Any]:
    """What `run.json` says; nothing where it is damaged."""
    try:
        return folder.description()
    except UsageError:
        return {}


def _is_there(address: str) -> bool:
    """Whether there is such a file, where the address is one's; a server is taken at its word."""
    file = re.fullmatch(r"(?:sqlite:///)?([^?]*)(\?.*)?", address)
    return file is None or "://" in file[1] or Path(file[1]).exists()
