"""Moves a run's copy into the trash of an MLflow that is not the store's own."""

from curriculum.errors import UsageError
from curriculum.record import Store, first_line, redacted
from curriculum.tracking.addresses import RUN_TAG, local_tracking_uri
from curriculum.tracking.client import connect, paginate


class RemoteTrash:
    """A server's trash, or another database's. What is in it already stays."""

    def __init__(self, store: Store, tracking_uri: str) -> None:
        """Check that it can be reached.

        Raises:
            UsageError: where it can't.
        """
        self.name = f"MLflow at {redacted(tracking_uri)}"
        try:
            self._client = connect(store, tracking_uri)
            self._client.search_experiments(max_results=1)
        except Exception as error:
            raise UsageError(
                f"{self.name} can't be reached ({first_line(error)}), so nothing is deleted; name "
                f"another with --tracking-uri, such as the store's own, {local_tracking_uri(store)}"
            ) from error

    def delete(self, run_id: str) -> str | None:
        """Delete a run's parent run and children, and their models, as far as MLflow allows."""
        experiments = [each.experiment_id for each in paginate(self._client.search_experiments)]
        query = f"tags.`{RUN_TAG}` = '{run_id}'"
        found = paginate(self._client.search_runs, experiments, query) if experiments else ()
        runs = [run.info.run_id for run in found]
        for run in runs:
            source = f"source_run_id = '{run}'"
            for model in paginate(self._client.search_logged_models, experiments, source):
                self._client.delete_logged_model(model.model_id)
            self._client.delete_run(run)
        if not runs:
            return None
        return f"{self.name} keeps it in its trash, until 'mlflow gc' is run there"
