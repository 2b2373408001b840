"""Where the studies of a store are copied: the URL or path of an Optuna storage."""

import os

from curriculum.record import Store, absolute_address

STORAGE_VARIABLE = "CURRICULUM_OPTUNA_STORAGE"


def local_storage(store: Store) -> str:
    """The store's own file of studies."""
    return str(store.root / "studies.journal")


def resolve_storage(store: Store, given: str | None = None) -> str:
    """The URL or path given, or `CURRICULUM_OPTUNA_STORAGE`, or else the store's own file."""
    named = given or os.environ.get(STORAGE_VARIABLE)
    return local_storage(store) if not named else absolute_address(named)
