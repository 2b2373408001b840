"""Writes the checkpoints of a run, and gives back the learners in them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from curriculum.learn import Learner, Recipe, Snapshot
from curriculum.record.checkpoint import RunState, load_learner, save_checkpoint
from curriculum.record.checkpoint_policy import CheckpointPolicy, CheckpointRole, superseded
from curriculum.record.run_folder import TARGET_CHECKPOINT, RunFolder, checkpoint_name

if TYPE_CHECKING:
    import torch

    from curriculum.config import Experiment


class CheckpointWriter:
    """The checkpoints of a run in progress: those that are needed, and no more.

    Attributes:
        roles: what each of them is needed for, by name.
    """

    def __init__(
        self,
        folder: RunFolder,
        recipe: Recipe,
        policy: CheckpointPolicy,
        roles: Mapping[str, CheckpointRole],
    ) -> None:
        """Go on where so many are saved already; `recipe` is the run's own."""
        self.roles = dict(roles)
        self._folder = folder
        self._recipe = recipe
        self._policy = policy
        self._saved = time.perf_counter()

    @property
    def is_due(self) -> bool:
        """Whether it is time for another within a visit."""
        return time.perf_counter() - self._saved >= self._policy.every

    def save(self, name: str, snapshot: Snapshot, state: RunState, best: Snapshot | None) -> None:
        """Save a state, and delete what it supersedes; `best` is the visit's best state."""
        with self._folder.writing():
            self._save(name, snapshot, state, best)
        self.roles[name] = CheckpointRole(state.passed, state.parent)
        for old in superseded(self.roles, self._policy.keep):
            self._folder.remove_checkpoint(old)
            del self.roles[old]
        self._saved = time.perf_counter()

    def save_target(self, snapshot: Snapshot, state: RunState) -> None:
        """Save what masters the target ahead of the stages below it."""
        with self._folder.writing():
            self._save(TARGET_CHECKPOINT, snapshot, state, None)

    def _save(self, name: str, snapshot: Snapshot, state: RunState, best: Snapshot | None) -> None:
        """Save a checkpoint, unless another process writes the run by the time that it is written."""
        path = self._folder.checkpoints / name
        if os.path.lexists(path):  # of an earlier target, or put there by a process since overtaken
            self._folder.remove_checkpoint(name)
        save_checkpoint(
            path,
            snapshot,
            self._recipe,
            state,
            best,
            epoch=self._folder.epoch,
            check=self._folder.check_held,
        )

    def learner_after(self, visit: int, experiment: Experiment, device: torch.device) -> Learner:
        """The learner as it was after a visit that was the last to master its stage.

        Raises:
            UsageError: where its checkpoint isn't whole any more.
        """
        path = self._folder.checkpoints / checkpoint_name(visit + 1)
        return load_learner(path, experiment, device)

    def learner_of_target(self, experiment: Experiment, device: torch.device) -> Learner:
        """The learner as it was when it mastered the target ahead of the stages below it.

        Raises:
            UsageError: where its checkpoint isn't whole any more.
        """
        return load_learner(self._folder.checkpoints / TARGET_CHECKPOINT, experiment, device)
