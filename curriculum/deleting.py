"""Deletes runs in front of a user, who is asked first."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from curriculum.copies import places
from curriculum.errors import UsageError
from curriculum.record.deletion import delete
from curriculum.record.store import Store
from curriculum.report.runs import RunLine, print_runs

__all__ = ["delete_runs"]


def delete_runs(
    store: Store,
    lines: Sequence[RunLine],
    *,
    yes: bool,
    tracking_uri: str | None,
    studies: str | None,
) -> int:
    """Delete runs, once that is confirmed (or `yes` said so), and give the exit code.

    The trouble of one does not keep the others.
    """
    if not (yes or _confirmed(lines)):
        print("nothing is deleted")
        return 0
    folders = [line.folder for line in lines]
    code = 0
    for folder, where in zip(folders, places(store, folders, tracking_uri, studies), strict=True):
        try:
            remarks = delete(store, folder, where)
        except UsageError as error:
            print(f"curriculum: {error}", file=sys.stderr)
            code = 2
            continue
        print(f"run {folder.id} is deleted")
        for remark in remarks:
            print(remark)
    return code


def _confirmed(lines: Sequence[RunLine]) -> bool:
    """Ask whether to delete these runs."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on; --yes deletes without asking")
    what, whose = f"run {lines[0]},\n", "its"
    if len(lines) > 1:
        print_runs(lines, sys.stderr)
        what, whose = f"these {len(lines)} runs, ", "their"
    question = f"Delete {what}with {whose} copies in MLflow and {whose} studies? [y/N] "
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # Ctrl-D leaves the cursor where it is
        print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")
