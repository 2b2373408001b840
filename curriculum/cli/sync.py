"""The command `sync`: copies a run into MLflow and Optuna's storage."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from curriculum import record, report, tracking, tune
from curriculum.cli.arguments import OptunaOption, RunArgument, StoreOption, TrackingOption
from curriculum.cli.parser import option
from curriculum.cli.terminal import print_line


@dataclass(frozen=True, kw_only=True)
class SyncRequest(RunArgument, StoreOption, TrackingOption, OptunaOption):
    """Which run to copy, and where."""

    follow: bool = option("copy until the run is over", bool)


def sync(request: SyncRequest) -> int:
    """Copy what a run has recorded; with --follow, until it is over."""
    store = record.Store(request.store)
    folder = store.find(request.run)
    uri, storage = request.tracking_uri, request.optuna_storage
    if request.follow:  # the run that started this process says where to, by the environment
        return _follow(store, folder, destinations(store, uri, storage))
    description = folder.description()
    copies = destinations(
        store, uri or description.tracking_uri, storage or description.optuna_storage
    )
    tracking.sync_run(store, folder, copies)
    print_line(f"Run {folder.id} is in MLflow at {record.redacted(copies.tracking_uri)}")
    return 0


def destinations(
    store: record.Store, tracking_uri: str | None = None, optuna_storage: str | None = None
) -> tracking.Destinations:
    """MLflow and Optuna's storage, as given, or as the environment names them, or the store's own."""
    # Each function is looked up late, since Optuna and Matplotlib are loaded with them: a mirror
    # starts beside a run, which is not to be slowed.
    # ruff: noqa: PLW0108
    return tracking.Destinations(
        tracking_uri=tracking.resolve_tracking_uri(store, tracking_uri),
        optuna_storage=tune.resolve_storage(store, optuna_storage),
        open_studies=lambda folder, url: tune.StudiesCopy(folder, url),
        presentation=tracking.Presentation(
            note=lambda history: report.markdown_note(history),
            figures=lambda history: report.run_figures(history),
            visit_figures=lambda history, visit: report.trial_figures(
                visit, tune.importances(visit), history.description.axis_names
            ),
            trials=lambda visit: report.trial_columns(visit),
            visits=lambda history: report.visit_columns(history),
        ),
    )


def _follow(store: record.Store, folder: record.RunFolder, copies: tracking.Destinations) -> int:
    """Copy until the run is over; what fails is logged beside the run, as nobody sees the output."""
    log = store.mirror_file(folder, "log")
    record.check_file(log)
    logging.basicConfig(handlers=[logging.FileHandler(log, delay=True)], level=logging.WARNING)
    try:
        return 0 if tracking.follow_run(store, folder, copies) else 1
    except Exception:
        logging.getLogger(__name__).exception("the mirror stopped")
        raise
