"""Makes a run stand for what has changed since it was begun, where that is insisted on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from curriculum.errors import UsageError
from curriculum.record.disk import bring_to_disk
from curriculum.record.journal import Journal, Record
from curriculum.record.standing import Saved, Standing, load_saved
from curriculum.record.store import RunFolder

if TYPE_CHECKING:
    import torch

    from curriculum.experiment import Experiment

__all__ = ["force"]


def force(
    folder: RunFolder,
    standing: Standing,
    before: Experiment,
    after: Experiment,
    *,
    changes: Mapping[str, Sequence[Any]],
    device: torch.device,
    seed: int,
) -> Standing:
    """Where a run stands under changed circumstances, told in its journal in place of what came next.

    Args:
        folder: the run's; only the process that holds its lock may ask.
        standing: where it stands on disk.
        before: the experiment that it was begun with.
        after: the one that it shall go on with.
        changes: of all that numbers depend on, what was and what is, by name.
        device: where it goes on.
        seed: the run's.

    Raises:
        UsageError: where it can't go on under the changed experiment.
        RunFailed: where the disk refuses what is written.
    """
    if standing.saved is not None and before != after:
        _check_path(folder, standing.saved.state["scheduler"], before, after)
        saved = _fitted(folder, standing.saved, before, after, device, seed=seed)
        standing = replace(standing, saved=saved)
    with folder.writing():
        return _retold(folder, standing, changes)


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
    way_out = "start a new one, without --resume"
    if state["finished"]:
        raise UsageError(
            f"the path has changed, and the walk of run {folder.id} on the one to {old[-1]} is "
            f"over; {way_out}"
        )
    walked = 1 + max(state["aim"], state["reach"])
    if old[:walked] != new[:walked]:
        raise UsageError(
            f"the path has changed up to where run {folder.id} stands ({old[walked - 1]}), and a "
            f"run can't go on on another path; {way_out}"
        )
    if not after.grows_with_stages and after.shape.covering(before.shape) != after.shape:
        raise UsageError(
            f"the path ended at {old[-1]}, and would end at {new[-1]}: the model of run "
            f"{folder.id} was made for stages up to the former, and can't be made smaller; {way_out}"
        )


def _fitted(
    folder: RunFolder,
    saved: Saved,
    before: Experiment,
    after: Experiment,
    device: torch.device,
    *,
    seed: int,
) -> Saved:
    """The saved state for the changed experiment."""
    try:
        return load_saved(saved.path, saved.state, after, device, seed=seed)
    except ValueError as error:
        old, new = before.growth.path()[-1], after.growth.path()[-1]
        goal = "" if old == new else f", whose path ended at {old} and would end at {new},"
        raise UsageError(
            f"the model of run {folder.id}{goal} does not fit the changed experiment ({error}); "
            f"start a new one, without --resume"
        ) from error


def _retold(
    folder: RunFolder, standing: Standing, changes: Mapping[str, Sequence[Any]]
) -> Standing:
    """Take the records after the saved state out of the journal; they are kept beside it.

    Only earlier changes of circumstances among them stay told, and these are told after
    them. The journal is replaced whole, so that no kill leaves one without the other.
    """
    told: list[Record] = []
    dropped: list[bytes] = []
    content = folder.journal.read_bytes() if folder.journal_bytes else b""
    begin = standing.position
    for record, end in standing.tail:
        if record["kind"] == "change":
            told.append({"changes": record["changes"], "dropped": record["dropped"]})
        else:
            dropped.append(content[begin:end])
        begin = end
    if dropped:
        with folder.dropped.open("ab") as file:
            file.writelines(dropped)
        bring_to_disk(folder.dropped)
    if dropped or not told or told[-1]["changes"] != changes:  # or else a kill came right after it
        told.append({"changes": dict(changes), "dropped": len(dropped)})
    aside = folder.journal.with_name(f".{folder.journal.name}.new")
    aside.write_bytes(content[: standing.position])
    seconds = standing.known[-1]["clock"]["seconds"] if standing.known else 0.0
    journal = Journal(aside)
    try:
        tail = [(journal.write("change", said, seconds=seconds), journal.bytes) for said in told]
        journal.sync()
    finally:
        journal.close()
    os.replace(aside, folder.journal)
    bring_to_disk(folder.path)
    return replace(standing, tail=tail, begin=journal.bytes)
