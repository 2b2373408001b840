"""The descriptions of a copy's runs in MLflow, of which a user's own stay."""

from __future__ import annotations

from collections.abc import Mapping

from mlflow.entities import RunTag

from curriculum.tracking.addresses import NOTE_TAG
from curriculum.tracking.run_fields import note_digest

WRITTEN_TAG = "curriculum.note_digest"
"""Of the description that was written last: another one is a user's."""


class Notes:
    """What is to be written where nobody has written anything else."""

    def __init__(self, known: Mapping[str, Mapping[str, str]]) -> None:
        """Make ready: `known` are the tags of the runs that there are, by MLflow's ids."""
        self._known = known

    def tags(self, run: str, note: str) -> list[RunTag]:
        """The tags of a run's description; none where somebody has written another one.

        They are to be written at once: a note whose digest is missing is taken for a user's.
        """
        known = self._known.get(run, {})
        present = known.get(NOTE_TAG)
        if present is not None and note_digest(present) != known.get(WRITTEN_TAG):
            return []
        return [RunTag(NOTE_TAG, note), RunTag(WRITTEN_TAG, note_digest(note))]
