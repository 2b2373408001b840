"""Deletes a run's studies from an Optuna storage."""

import optuna

from curriculum.record import redacted
from curriculum.tune.storage import close_storage, open_storage


class StoredStudies:
    """The studies in a storage."""

    def __init__(self, url: str) -> None:
        """Open the storage.

        Raises:
            UsageError: where it can't be reached.
        """
        self.name = f"Optuna's storage {redacted(url)}"
        self._storage = open_storage(url)

    def delete(self, run_id: str) -> None:
        """Delete those of a run."""
        try:
            for study in optuna.get_all_study_summaries(self._storage, include_best_trial=False):
                if study.user_attrs.get("run") == run_id:
                    optuna.delete_study(study_name=study.study_name, storage=self._storage)
        finally:
            close_storage(self._storage)
