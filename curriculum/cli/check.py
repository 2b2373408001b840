"""The command `check`, which goes through a whole store."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from curriculum import record, tracking
from curriculum.cli.arguments import StoreOption
from curriculum.cli.parser import argument, option
from curriculum.cli.sync import destinations
from curriculum.cli.terminal import print_line, stderr_console
from curriculum.errors import RunFailed, UsageError, counted

EXAMPLES = """\
examples:
  python -m curriculum check
  python -m curriculum check /backup/mlruns
  python -m curriculum check --json | jq '.[] | select(.kind == "damaged")'

exit codes:
  0  all that was found can be read
  2  a mistake on the command line
  3  something is damaged, foreign or can't be read
"""
UNSOUND = ("damaged", "foreign", "unreadable")

MOST_ALIKE = 5
"""Of findings that differ in the run alone: more are one line."""


@dataclass(frozen=True, kw_only=True)
class CheckRequest(StoreOption):
    """Which store to go through."""

    folder: Path | None = argument(
        "STORE", "the store, as --store (default: mlruns)", type=Path, nargs="?"
    )
    json: bool = option("print what is found as one JSON list", bool)


def check(request: CheckRequest) -> int:
    """Read every record and every checkpoint, say what is wrong, and give the exit code."""
    if request.folder is not None and request.store != record.DEFAULT_STORE:
        raise UsageError("the store is given twice; give it once, with --store or without")
    store = record.Store(request.folder or request.store)
    if not store.runs_folder.is_dir():
        store.check_not_empty()  # an emptied store is no mistake, but one that isn't there is
    runs = store.runs()
    found = [*record.foreign_files(store), *_findings(store, runs)]
    if request.json:
        print(json.dumps([asdict(each) for each in found]))
    else:
        _print(found, len(runs), sum(_is_running(folder) for folder in runs))
    return 3 if any(each.kind in UNSOUND for each in found) else 0


def _findings(store: record.Store, runs: Sequence[record.RunFolder]) -> Iterator[record.Finding]:
    """What is to be said of each run, in their order; with progress on a terminal."""
    console = stderr_console()
    bar: dict[str, Any] = {"console": console, "transient": True}
    in_mlflow = tracking.copied_runs(store)
    for folder in track(runs, "checking", disable=not console.is_terminal, **bar):
        found = record.inspect_run(folder)
        yield from found
        sound = not any(each.kind in UNSOUND for each in found)
        if sound and not _is_running(folder) and not _is_copied(store, folder, in_mlflow):
            what = f"not whole in MLflow; 'sync {folder.id}' copies it"
            yield record.Finding(name=folder.id, kind="not copied", what=what)


def _is_running(folder: record.RunFolder) -> bool:
    with suppress(UsageError, RunFailed):
        return folder.is_running
    return False


def _is_copied(store: record.Store, folder: record.RunFolder, in_mlflow: set[str] | None) -> bool:
    """Whether a run's copy is whole, as far as can be told without asking a server."""
    with suppress(UsageError, RunFailed):
        description = folder.description()
        if description.withheld:  # nobody knows where to
            return tracking.was_copied(store, folder)
        copies = destinations(store, description.tracking_uri, description.optuna_storage)
        in_store = copies.tracking_uri == tracking.local_tracking_uri(store)
        if in_store and in_mlflow is not None and folder.id not in in_mlflow:
            return False
        return tracking.is_synced(store, folder, copies)
    return True  # it has been deleted, or resumed


def _print(found: Sequence[record.Finding], runs: int, running: int) -> None:
    """Print a line for each finding, or for many alike, and one for the store."""
    alike = defaultdict[tuple[str, str], list[record.Finding]](list)
    for each in found:
        alike[each.kind, re.sub(rf"\b{re.escape(each.name)}\b", "RUN", each.what)].append(each)
    lines = []
    for (kind, what), group in alike.items():
        if len(group) > MOST_ALIKE:
            some = ", ".join(each.name for each in group[:3])
            lines.append((f"{len(group):,} of them", kind, f"{what} ({some}, …)"))
        else:
            lines += [(each.name, kind, each.what) for each in group]
    width = max((len(name) for name, *_ in lines), default=0)
    for name, kind, what in lines:
        print_line(f"{name:<{width}}  {kind:<10}  {what}", hanging=width + 14)
    counts = Counter(each.kind for each in found)
    said = [f"{count:,} {kind}" for kind, count in counts.items()]
    if running:
        said.append(f"{running:,} running, and passed over")
    if not said:
        said = ["whole, over, and copied into MLflow"] if runs else ["nothing to check"]
    print_line(f"{counted(runs, 'run')}: {', '.join(said)}")
