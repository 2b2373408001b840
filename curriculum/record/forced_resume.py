"""Resumes a run under a changed provenance, where that is insisted on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from curriculum.errors import UsageError
from curriculum.record.disk import fsync
from curriculum.record.events import ProvenanceChanged
from curriculum.record.files import opened, read_bytes, write_new
from curriculum.record.journal import Journal
from curriculum.record.resume_point import ResumePoint, load_saved_state
from curriculum.record.run_folder import RunFolder

if TYPE_CHECKING:
    import torch

    from curriculum.config import Experiment

WAY_OUT = "start a new one, without --resume"


def forced_resume_point(
    folder: RunFolder,
    point: ResumePoint,
    before: Experiment,
    after: Experiment,
    *,
    changes: Mapping[str, tuple[Any, Any]],
    device: torch.device,
    seed: int,
) -> ResumePoint:
    """Where a run is resumed under a changed provenance, which its journal then tells.

    Args:
        folder: the run's; only the process that holds its lock may call this.
        point: where it would be resumed without changes.
        before: the experiment that it was started with.
        after: the one that it shall be resumed with.
        changes: of all that numbers depend on, what was and what is, by name.
        device: where it is resumed.
        seed: the run's.

    Raises:
        UsageError: where it can't be resumed with the changed experiment.
        RunFailed: where the disk refuses what is written.
    """
    if point.saved is not None and before != after:
        _check_path(folder, point.saved.state.scheduler, before, after)
        try:
            saved = load_saved_state(point.saved.path, point.saved.state, after, device, seed=seed)
        except ValueError as error:
            old, new = before.growth.path()[-1], after.growth.path()[-1]
            path = "" if old == new else f", whose path ended at {old} and would end at {new},"
            raise UsageError(
                f"the model of run {folder.id}{path} does not fit the changed experiment "
                f"({error}); {WAY_OUT}"
            ) from error
        point = replace(point, saved=saved)
    with folder.writing():
        return _rewrite_tail(folder, point, changes)


def _check_path(
    folder: RunFolder, state: Mapping[str, Any], before: Experiment, after: Experiment
) -> None:
    """Check that the path is the same as far as the run has come, and that its model suits the rest.

    Raises:
        UsageError: where it isn't, or doesn't.
    """
    old, new = before.growth.path(), after.growth.path()
    if old == new:
        return
    if state["finished"]:
        raise UsageError(
            f"the path has changed, and run {folder.id} is over on the one to {old[-1]}; {WAY_OUT}"
        )
    position = state["position"]
    visited = 1 + max(position["aim"], position["reach"])
    if old[:visited] != new[:visited]:
        raise UsageError(
            f"the path has changed before the stage that run {folder.id} has come to "
            f"({old[visited - 1]}), and a run can't be resumed on another path; {WAY_OUT}"
        )
    if not after.grows_with_stages and after.shape.covering(before.shape) != after.shape:
        raise UsageError(
            f"the path ended at {old[-1]}, and would end at {new[-1]}: the model of run "
            f"{folder.id} was built for stages up to the former, and can't be made smaller; "
            f"{WAY_OUT}"
        )


def _rewrite_tail(
    folder: RunFolder, point: ResumePoint, changes: Mapping[str, tuple[Any, Any]]
) -> ResumePoint:
    """Take the records after the saved state out of the journal; they are kept beside it.

    Only earlier changes of provenance among them stay, and these changes come after them.
    The journal is replaced whole, so that no kill leaves one without the other.
    """
    events: list[ProvenanceChanged] = []
    dropped: list[bytes] = []
    most = folder.journal_bytes
    content = read_bytes(folder.journal, most) if most else b""
    start = point.position
    for record, end in point.tail:
        if isinstance(record.event, ProvenanceChanged):
            events.append(record.event)
        else:
            dropped.append(content[start:end])
        start = end
    if dropped:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(opened(folder.dropped, flags), "ab") as file:
            file.writelines(dropped)
        fsync(folder.dropped)
    # If nothing is dropped and the last change is this one, a kill came right after it was recorded.
    if dropped or not events or events[-1].changes != changes:
        events.append(ProvenanceChanged(changes=dict(changes), dropped=len(dropped)))
    aside = folder.journal.with_name(f".{folder.journal.name}.new")
    write_new(aside, content[: point.position])
    seconds = point.known[-1].clock.seconds if point.known else 0.0
    journal = Journal(aside)
    try:
        tail = [(journal.write(event, seconds=seconds), journal.bytes) for event in events]
        journal.sync()
    finally:
        journal.close()
    os.replace(aside, folder.journal)
    fsync(folder.path)
    return replace(point, tail=tail, end=journal.bytes)
