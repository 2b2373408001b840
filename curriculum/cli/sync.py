"""The command `sync`: copies runs into MLflow and Optuna's storage."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from curriculum import record, report, tracking, tune
from curriculum.cli.arguments import RUN, OptunaOption, StoreOption, TrackingOption
from curriculum.cli.parser import argument, option
from curriculum.cli.terminal import print_line
from curriculum.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class SyncRequest(StoreOption, TrackingOption, OptunaOption):
    """Which runs to copy, and where."""

    run: str | None = argument("RUN", f"{RUN}; or --runs-file", nargs="?")
    runs_file: Path | None = option(
        "copy the runs that this file lists, an id a line, until all are copied; who adds to it "
        "holds a lock on it",
        Path,
        "FILE",
    )
    follow: bool = option(
        "copy beside what runs, until that is over; what fails goes to a log", bool
    )


def sync(request: SyncRequest) -> int:
    """Copy what a run has recorded; with --follow, until it is over. So with the runs of a list."""
    store = record.Store(request.store)
    uri, storage = request.tracking_uri, request.optuna_storage
    if (request.run is None) == (request.runs_file is None):
        raise UsageError(
            "sync takes a run, or a list of runs by --runs-file FILE; give one of them"
        )
    if request.runs_file is not None:
        return _sync_runs(store, request.runs_file, destinations(store, uri, storage), request)
    assert request.run is not None
    folder = store.find(request.run)
    if request.follow:  # the run that started this process says where to, by the environment
        log = store.mirror_file(folder, "log")
        copies = destinations(store, uri, storage)
        return _logged(log, lambda: tracking.follow_run(store, folder, copies))
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
        studies_in=lambda url: tune.OptunaDestination(url),
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


def _sync_runs(
    store: record.Store, runs_file: Path, copies: tracking.Destinations, request: SyncRequest
) -> int:
    """Copy the runs of a list, as their mirror or for a user who waits for it."""
    if request.follow:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.nice(10)
        log = tracking.list_mirror_file(store, runs_file, "log")
        return _logged(log, lambda: tracking.follow_runs(store, runs_file, copies))
    if not tracking.follow_runs(store, runs_file, copies):
        return 1
    print_line(f"The runs of {runs_file} are in MLflow at {record.redacted(copies.tracking_uri)}")
    return 0


def _logged(log: Path, follow: Callable[[], bool]) -> int:
    """Follow, and log what fails beside the runs, as nobody sees the output."""
    record.check_file(log)
    logging.basicConfig(handlers=[logging.FileHandler(log, delay=True)], level=logging.WARNING)
    try:
        return 0 if follow() else 1
    except Exception:
        logging.getLogger(__name__).exception("the mirror stopped")
        raise
