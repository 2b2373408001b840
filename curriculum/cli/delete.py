"""The commands `rm` and `prune`, which delete runs once the user has confirmed it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from curriculum import record, report, tracking, tune
from curriculum.cli.arguments import RUN, OptunaOption, StoreOption, TrackingOption
from curriculum.cli.parser import argument, option
from curriculum.cli.terminal import print_error, print_line
from curriculum.cli.values import age
from curriculum.errors import UsageError, did_you_mean

STATES = ("reached", "stopped", "interrupted", "failed", "killed", "damaged", "foreign")


@dataclass(frozen=True, kw_only=True)
class DeletionRequest(StoreOption, TrackingOption, OptunaOption):
    """What `rm` and `prune` have in common."""

    yes: bool = option("delete without asking", bool)


@dataclass(frozen=True, kw_only=True)
class RemoveRequest(DeletionRequest):
    """Which runs to delete."""

    runs: list[str] = argument("RUN", RUN, nargs="+")


@dataclass(frozen=True, kw_only=True)
class PruneRequest(DeletionRequest):
    """Which conditions a run must meet to be deleted."""

    state: list[str] = option(
        f"runs in this state: {', '.join(STATES[:-1])} or {STATES[-1]}; may be repeated",
        metavar="STATE",
        action="append",
        default=[],
        choices=STATES,
    )
    older_than: float | None = option(
        "runs whose last record is older, such as 30m, 12h, 7d or 2w", age
    )
    experiment: str | None = option("runs of this experiment", metavar="NAME")
    all: bool = option("all runs that are not running", bool)


def rm(request: RemoveRequest) -> int:
    """Delete the runs that are named."""
    store = record.Store(request.store)
    folders = {folder.id: folder for folder in map(store.find, request.runs)}
    lines = [report.run_line(folder) for folder in folders.values()]
    for line in lines:
        if line.state == "running":
            raise UsageError(f"run {line.run_id} is running; stop it first, then delete it")
    return _delete(lines, request)


def prune(request: PruneRequest) -> int:
    """Delete all runs that match."""
    conditions = any((request.state, request.older_than is not None, request.experiment))
    if request.all == conditions:
        raise UsageError(
            "prune takes --state, --older-than, --experiment, or several of them; or else --all"
        )
    store = record.Store(request.store)
    if not store.runs_folder.is_dir():
        store.check_not_empty()  # an emptied store is no mistake, but one that isn't there is
    lines = report.run_lines(store)
    found = report.select_runs(
        lines,
        time.time(),
        states=request.state,
        older_than=request.older_than,
        experiment=request.experiment,
    )
    if found:
        return _delete(found, request)
    names = {line.experiment for line in lines if line.experiment is not None}
    reason = "no run that has stopped matches all conditions"
    if request.experiment is not None and request.experiment not in names:
        reason = f"no run is of {request.experiment!r}; {did_you_mean(request.experiment, names)}"
    print_line(f"Nothing was deleted: {reason}")
    return 0


def _delete(lines: Sequence[report.RunLine], request: DeletionRequest) -> int:
    """Delete runs, once that is confirmed, and give the exit code; one failing keeps no other back."""
    if not (request.yes or _is_confirmed(lines)):
        print_line("Nothing was deleted")
        return 0
    store, folders = record.Store(request.store), [line.folder for line in lines]
    code = 0
    for folder, copies in zip(folders, _copies(store, folders, request), strict=True):
        try:
            remarks = record.delete_run(store, folder, copies)
        except UsageError as error:
            print_error(error)
            code = 2
            continue
        for line in (f"Deleted run {folder.id}", *remarks):
            print_line(line)
    return code


def _is_confirmed(lines: Sequence[report.RunLine]) -> bool:
    """Ask whether to delete these runs."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on; --yes deletes without asking")
    what, whose = f"run {lines[0]},\n", "its"
    if len(lines) > 1:
        report.print_runs(lines, sys.stderr)
        what, whose = f"these {len(lines)} runs, ", "their"
    question = f"Delete {what}with {whose} copies in MLflow and {whose} studies? [y/N] "
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # Ctrl-D leaves the cursor where it is
        print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")


def _copies(
    store: record.Store, folders: Iterable[record.RunFolder], request: DeletionRequest
) -> list[list[record.RunCopies]]:
    """For each run, the places that may hold copies of it; each could be reached.

    These are the MLflow and the Optuna storage that are given, or that the run was started
    with, or that the environment names; and the store's own, where `ui` copies every run.

    Raises:
        UsageError: where one can't be reached, or what is given isn't there.
    """
    own_uri, own_storage = tracking.local_tracking_uri(store), tune.local_storage(store)
    for given in (request.tracking_uri, request.optuna_storage):
        if given not in (None, own_uri, own_storage) and not _exists(given):
            raise UsageError(f"there is no {record.redacted(given)}, so nothing is deleted")

    @cache
    def mlflow(uri: str) -> record.RunCopies:
        if uri == own_uri:
            return tracking.LocalDatabase(store)
        return tracking.RemoteTrash(store, uri)

    @cache
    def studies(url: str) -> record.RunCopies:
        return tune.StoredStudies(url)

    found = []
    for folder in folders:
        uri, storage = request.tracking_uri, request.optuna_storage
        with suppress(UsageError):  # its description may be damaged
            description = folder.description()
            uri, storage = uri or description.tracking_uri, storage or description.optuna_storage
        uris = {own_uri, tracking.resolve_tracking_uri(store, uri)}
        storages = {own_storage, tune.resolve_storage(store, storage)}
        copies = [mlflow(each) for each in sorted(uris) if _exists(each)]
        copies += [studies(each) for each in sorted(storages) if _exists(each)]
        found.append(copies)
    return found


def _exists(address: str) -> bool:
    """Whether the file of an address exists; that of a server is assumed to."""
    file = re.fullmatch(r"(?:sqlite:///)?([^?]*)(\?.*)?", address)
    return file is None or "://" in file[1] or Path(file[1]).exists()
