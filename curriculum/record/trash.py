"""Moves a run's copy into the trash of an MLflow that is not the store's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from curriculum.errors import UsageError
from curriculum.record.mirror import connect
from curriculum.record.store import Store
from curriculum.record.tracking import RUN_TAG, database_uri, displayed, first_line

__all__ = ["Trash"]


class Trash:
    """A server's trash, or another database's. What is in it already stays as it is."""

    def __init__(self, store: Store, tracking_uri: str) -> None:
        """Check that it can be reached.

        Raises:
            UsageError: where it can't.
        """
        self.name = f"MLflow at {displayed(tracking_uri)}"
        try:
            self._client = connect(store, tracking_uri)
            self._client.search_experiments(max_results=1)
        except Exception as error:
            raise UsageError(
                f"{self.name} can't be reached ({first_line(error)}), so nothing is deleted; name "
                f"another with --tracking-uri, such as the store's own, {database_uri(store)}"
            ) from error

    def delete(self, run_id: str) -> str | None:
        """Delete a run's parent run and children, and their models, as far as MLflow lets us."""
        experiments = [found.experiment_id for found in _all(self._client.search_experiments)]
        query = f"tags.`{RUN_TAG}` = '{run_id}'"
        runs = (
            [run.info.run_id for run in _all(self._client.search_runs, experiments, query)]
            if experiments
            else []
        )
        for run in runs:
            source = f"source_run_id = '{run}'"
            for model in _all(self._client.search_logged_models, experiments, source):
                self._client.delete_logged_model(model.model_id)
            self._client.delete_run(run)
        if not runs:
            return None
        return f"{self.name} keeps it in its trash, until 'mlflow gc' is run there"


def _all(search: Callable[..., Any], *what: Any) -> Iterator[Any]:
    """What a search finds, page by page."""
    token: str | None = None
    while True:
        page = search(*what, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
