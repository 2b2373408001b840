"""Makes a run of a portfolio what its selected arm was: takes over its record and its checkpoints."""

from __future__ import annotations

import shutil
from dataclasses import replace

import torch

from curriculum import record
from curriculum.config import Experiment


def adopt(
    arm: record.RunFolder,
    recorder: record.Recorder,
    experiment: Experiment,
    device: torch.device,
    *,
    others_seconds: float,
) -> record.SavedState:
    """Take over an arm's record, and what it saved at the ends of visits; give the last of that.

    What was taken over before the process was killed is compared, and not written twice.

    Args:
        arm: the folder of the arm, which has ended.
        recorder: of the run.
        experiment: the arm's.
        device: that its learner is on.
        others_seconds: that the other arms took, by which the arm's clock is late.

    Raises:
        RunFailed: where the disk is full, or the record isn't what was taken over before.
    """
    records, _ = record.intact_records(arm.journal)
    positions = dict[int, int]()
    for entry, end in records:
        clock = entry.clock
        recorder.write(entry.event, clock.seconds + others_seconds, clock.time)
        positions[end] = recorder.position
    target = arm.checkpoint(record.TARGET_CHECKPOINT)
    if target.is_dir():
        state = record.load_state(target, experiment).state
        snapshot = record.load_learner(target, experiment, device).snapshot()
        recorder.checkpoints.save_target(snapshot, replace(state, journal=positions[state.journal]))
    saved = None
    for path in arm.checkpoint_folders():
        state = record.load_state(path, experiment).state
        if state.training:  # within a visit that is over by now
            continue
        state = replace(state, journal=positions[state.journal])
        learner = record.load_learner(path, experiment, device)
        recorder.checkpoints.save(path.name, learner.snapshot(), state, None)
        saved = record.SavedState(path=path, learner=learner, parent=None, best=None, state=state)
    assert saved is not None, "an arm that has ended has saved how"
    return saved


def remove_checkpoints_of_arms(folder: record.RunFolder) -> None:
    """Delete what the arms saved: of a run whose race is over, its own checkpoints are enough.

    Raises:
        UnexpectedFileType: where an arm's folder is none, or a link.
    """
    folder.check_held()
    record.check_folder(folder.arms)
    for path in folder.arms.iterdir() if folder.arms.is_dir() else ():
        arm = record.RunFolder(path)
        arm.check_is_own()
        shutil.rmtree(arm.checkpoints, ignore_errors=True)
