"""Where runs are copied: MLflow, and an Optuna storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from curriculum.record import RunFolder, Store, redacted
from curriculum.tracking.addresses import artifacts_folder
from curriculum.tracking.presentation import Presentation

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


class Copy(Protocol):
    """A run's copy elsewhere. What is there already is not copied again."""

    def copy(self) -> None:
        """Copy what the journal has gained."""

    def close(self, status: str) -> None:
        """Complete the copy of a run that has stopped or is over."""

    def release(self) -> None:
        """Free what it holds, whatever was copied."""


class Destination(Protocol):
    """A place that any number of runs are copied to, over one connection."""

    @property
    def name(self) -> str:
        """What messages call it, without secrets."""

    def open(self, folder: RunFolder) -> Copy:
        """Start or find a run's copy there; raises whatever keeps it from that."""

    def check(self) -> None:
        """Ask for next to nothing; raises where there is no answer."""

    def reset(self) -> None:
        """Connect anew, when next something is asked for."""


class MlflowDestination:
    """MLflow, asked by one client for all runs: its connections don't grow with them."""

    def __init__(self, store: Store, tracking_uri: str, presentation: Presentation) -> None:
        self.name = f"MLflow at {redacted(tracking_uri)}"
        self._store, self._uri, self._presentation = store, tracking_uri, presentation
        self._connected: MlflowClient | None = None

    def open(self, folder: RunFolder) -> Copy:
        """Start or find a run's copy there."""
        client = self._client()  # first: it quietens MLflow before that is imported
        from curriculum.tracking.mirror import Mirror

        artifacts = artifacts_folder(self._store, self._uri)
        return Mirror(folder, client, artifacts=artifacts, presentation=self._presentation)

    def check(self) -> None:
        """Ask for one experiment."""
        self._client().search_experiments(max_results=1)

    def reset(self) -> None:
        """Connect anew, when next something is asked for."""
        self._connected = None

    def _client(self) -> MlflowClient:
        from curriculum.tracking.client import connect

        self._connected = self._connected or connect(self._store, self._uri)
        return self._connected


@dataclass(frozen=True, kw_only=True, slots=True)
class Destinations:
    """Where runs are copied.

    Attributes:
        tracking_uri: MLflow's.
        optuna_storage: the URL or path of an Optuna storage.
        studies_in: gives the destination of studies that is the storage of a URL or path.
        presentation: makes notes, plots and tables for MLflow.
    """

    tracking_uri: str
    optuna_storage: str
    studies_in: Callable[[str], Destination]
    presentation: Presentation

    def of(self, store: Store) -> tuple[Destination, ...]:
        """Both of them, for the runs of a store; nothing is connected yet."""
        mlflow = MlflowDestination(store, self.tracking_uri, self.presentation)
        return mlflow, self.studies_in(self.optuna_storage)
