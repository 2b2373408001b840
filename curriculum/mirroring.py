"""Where a command's runs are mirrored, and how they are shown there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curriculum.record.presentation import Presentation
from curriculum.record.store import RunFolder, Store
from curriculum.record.sync import Copy, Destinations
from curriculum.record.tracking import studies_url_of, tracking_uri_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from curriculum.record.history import Visit

__all__ = ["destinations"]


def destinations(
    store: Store, tracking_uri: str | None = None, studies: str | None = None
) -> Destinations:
    """MLflow and Optuna's storage, as given, or as the environment names them, or the store's own."""
    from curriculum.report.note import note
    from curriculum.report.plots import figures
    from curriculum.report.trials import trials_table

    return Destinations(
        tracking_uri=tracking_uri_of(store, tracking_uri),
        studies=studies_url_of(store, studies),
        open_studies=_open_studies,
        presentation=Presentation(
            note=note, pictures=figures, visit_pictures=_visit_pictures, trials=trials_table
        ),
    )


def _open_studies(folder: RunFolder, url: str) -> Copy:
    from curriculum.tune.storage import StudiesCopy

    return StudiesCopy(folder, url)


def _visit_pictures(visit: Visit) -> dict[str, Figure]:
    from curriculum.report.plots import trial_figures
    from curriculum.tune.importance import importances

    return trial_figures(visit, importances(visit))
