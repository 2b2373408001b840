"""Where a run stands on disk: the newest state that is whole, and what the journal has beyond."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curriculum.errors import UsageError
from curriculum.learn.training import Interval
from curriculum.plan import Scheduler
from curriculum.record.checkpoint import (
    SENSELESS,
    DamagedCheckpoint,
    load_learner,
    load_state,
)
from curriculum.record.history import History, Visit
from curriculum.record.journal import Record, whole_records
from curriculum.record.retention import Kept
from curriculum.record.store import RunFolder

if TYPE_CHECKING:
    import torch

    from curriculum.experiment import Experiment
    from curriculum.learn.learner import Learner, Snapshot

__all__ = ["Saved", "Standing", "find_standing", "load_saved"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """A state of a run that was saved.

    Attributes:
        path: where.
        learner: as it was then.
        parent: what the visit goes back to, should it be given up; None where that is the
            learner itself, or on the first visit a fresh one.
        state: what was saved beside it.
    """

    path: Path
    learner: Learner
    parent: Snapshot | None
    state: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a run stands on disk.

    Attributes:
        saved: the newest state that is whole; None where the run begins anew.
        known: the journal's records up to that state.
        tail: the whole records after it, each with the byte behind it.
        position: the byte of the journal behind the records that are known.
        begin: the byte behind the last whole record.
        checkpoints: what is there, by name.
    """

    saved: Saved | None = None
    known: list[Record] = field(default_factory=list)
    tail: list[tuple[Record, int]] = field(default_factory=list)
    position: int = 0
    begin: int = 0
    checkpoints: dict[str, Kept] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether the run has ended, and its final state is there."""
        ended = bool(self.tail) and self.tail[-1][0]["kind"] == "end"
        return ended and self.saved is not None and self.saved.state["scheduler"]["finished"]


def find_standing(folder: RunFolder, experiment: Experiment, device: torch.device) -> Standing:
    """Find the newest state that is whole, and say so where newer ones are not.

    What is damaged, or tells of more than the journal does, is deleted: it is computed
    again. Only the process that holds the run's lock may ask.

    Raises:
        Unreadable: where the system keeps something from being read; nothing is deleted then.
    """
    records, damaged = whole_records(folder.journal)
    begin = records[-1][1] if records else 0
    if damaged:
        log.warning(
            "the journal of run %s is damaged at byte %s; what came after is computed again",
            folder.id,
            f"{begin:,}",
        )
    ends = {offset for _, offset in records}
    seed = int(folder.description()["seed"])
    good: dict[str, Kept] = {}
    saved: Saved | None = None
    position = 0
    bad: list[Path] = []
    for path in reversed(folder.saved):
        try:
            state = load_state(path, experiment if saved is None else None)["state"]
            kept = Kept.of_state(state)
            if saved is None:
                reached = state["journal"]
                known = [record for record, offset in records if offset <= reached]
                if reached not in ends or not _agrees(state, experiment, known):
                    raise DamagedCheckpoint(f"{path} tells of another run than the journal does")
                saved = load_saved(path, state, experiment, device, seed=seed)
                position = int(reached)
            good[path.name] = kept
        except SENSELESS as error:
            log.warning("%s; going back to the state before", _said(path, error))
            bad.append(path)
    for path in bad:
        folder.remove_checkpoint(path.name)
    for path in folder.checkpoints.glob(".*"):  # what was being written, or deleted
        shutil.rmtree(path, ignore_errors=True)
    return Standing(
        saved=saved,
        known=[record for record, offset in records if offset <= position],
        tail=[(record, offset) for record, offset in records if offset > position],
        position=position,
        begin=begin,
        checkpoints=good,
    )


def load_saved(
    path: Path,
    state: Mapping[str, Any],
    experiment: Experiment,
    device: torch.device,
    *,
    seed: int,
) -> Saved:
    """What was saved at `path`, where `state` was read, in a run of such an experiment.

    Where the path has been lengthened since, the model is made to fit it.

    Raises:
        UsageError: where the checkpoint, or its parent, isn't whole, or doesn't fit.
        Unreadable: where the system keeps it from being read.
    """

    def load(where: Path) -> Learner:
        learner = load_learner(where, experiment, device)
        if experiment.grows_with_stages:
            return learner
        return learner.grown(experiment.shape, seed=seed, visit=state["scheduler"]["visit"])

    parent = None
    if state["parent"] is not None:
        parent = load(path.with_name(state["parent"])).snapshot()
    return Saved(path=path, learner=load(path), parent=parent, state=state)


def _agrees(state: Mapping[str, Any], experiment: Experiment, known: Sequence[Record]) -> bool:
    """Whether a state is what the journal's records up to it come to."""
    scheduler, history = experiment.scheduler(), History({}, known)
    scheduler.load_state_dict(state["scheduler"])
    visit, looks = history.visits[-1], [record for record in known if record["kind"] == "look"]
    goes_on = state["training"] or scheduler.finished  # or else the next visit has not begun
    found = (
        scheduler.reach,
        scheduler.spent.exact(),
        scheduler.lost.exact(),
        scheduler.visit_spent.steps,
        state["scheduler"]["looks"],
        state["scheduler"]["tests"],
    )
    told = (
        history.climbed,
        history.spent.exact(),
        history.lost.exact(),
        visit.spent.steps if goes_on else 0,
        Counter(look["stage"] for look in looks),
        Counter(look["stage"] for look in looks if "test" in look),
    )
    return (
        found == told
        and _is_on_path(scheduler)
        and _goes_on_from(state, scheduler, visit, known)
        and _interval_fits(state, scheduler)
    )


def _is_on_path(scheduler: Scheduler) -> bool:
    """Whether the stages that a scheduler has in mind are stages of its path."""
    state, stages = scheduler.state_dict(), range(len(scheduler.path))
    indices = (state["aim"], *state["trail"])
    return all(isinstance(index, int) and index in stages for index in indices)


def _goes_on_from(
    state: Mapping[str, Any], scheduler: Scheduler, visit: Visit, known: Sequence[Record]
) -> bool:
    """Whether the walk stands on the stage that the last visit, or its verdict, tells of."""
    if state["training"]:
        stands = (scheduler.visit, scheduler.stage) == (visit.number, visit.stage)
        return stands and not scheduler.finished
    last = [record for record in known if record["kind"] != "change"][-1]
    after = None if scheduler.finished else scheduler.stage.key
    return bool(last["kind"] == "verdict" and last["next"] == after)


def _interval_fits(state: Mapping[str, Any], scheduler: Scheduler) -> bool:
    """Whether the steps since the last look are said where there may be some, and add up."""
    if (state["interval"] is None) == (state["training"] and scheduler.pacing.listens):
        return False
    taken = 0
    if state["interval"] is not None:
        interval = Interval.from_state_dict(state["interval"])
        taken = interval.steps
        if not 0 <= taken == (interval.spent - scheduler.spent).steps:
            return False
    return not state["training"] or scheduler.steps_left > taken


def _said(path: Path, error: Exception) -> str:
    if isinstance(error, UsageError):
        return str(error)
    return f"the checkpoint {path} is not whole: its state can't be read"
