"""Where a run can be resumed: its newest whole state, and what the journal has beyond it."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from curriculum.learn import generator
from curriculum.plan import Scheduler
from curriculum.record.checkpoint import (
    DamagedCheckpoint,
    RunState,
    checked,
    load_best,
    load_learner,
    load_state,
)
from curriculum.record.checkpoint_policy import CheckpointRole
from curriculum.record.events import Record, RunEnded
from curriculum.record.history import History
from curriculum.record.journal import intact_records
from curriculum.record.run_folder import TARGET_CHECKPOINT, RunFolder, checkpoint_name
from curriculum.record.scheduler_state import check_scheduler_state
from curriculum.record.visit import Visit

if TYPE_CHECKING:
    import torch

    from curriculum.config import Experiment
    from curriculum.learn import Learner, Snapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedState:
    """A state of a run that was saved.

    Attributes:
        path: of its checkpoint.
        learner: as it was then.
        parent: what the visit goes back to, should it be given up; None where that is the
            learner itself, or on the first visit a fresh one.
        best: the best state of the visit, which it may go back to; None where it has none yet.
        state: what was saved beside it.
    """

    path: Path
    learner: Learner
    parent: Snapshot | None
    best: Snapshot | None
    state: RunState


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumePoint:
    """Where a run can be resumed.

    Attributes:
        saved: the newest state that is whole; None where the run starts anew.
        known: the journal's records up to that state.
        tail: the intact records after it, each with the byte behind it. What they tell is
            computed again, and compared with them.
        position: the byte of the journal behind the records that are known.
        end: the byte behind the last intact record.
        checkpoints: what each that is there is needed for, by name.
    """

    saved: SavedState | None = None
    known: list[Record] = field(default_factory=list)
    tail: list[tuple[Record, int]] = field(default_factory=list)
    position: int = 0
    end: int = 0
    checkpoints: dict[str, CheckpointRole] = field(default_factory=dict)

    @property
    def run_is_over(self) -> bool:
        """Whether the run has ended, and its final state is there."""
        ended = bool(self.tail) and isinstance(self.tail[-1][0].event, RunEnded)
        return ended and self.saved is not None and self.saved.state.scheduler["finished"]


def find_resume_point(
    folder: RunFolder, experiment: Experiment, device: torch.device
) -> ResumePoint:
    """Find the newest state that is whole, and say so where newer ones are not.

    What is damaged, or tells of more than the journal does, is deleted: it is computed
    again. Only the process that holds the run's lock may call this.

    Raises:
        Unreadable: where the system keeps something from being read; nothing is deleted then.
    """
    records, damaged = intact_records(folder.journal)
    end = records[-1][1] if records else 0
    if damaged:
        log.warning(
            "the journal of run %s is damaged at byte %s; what came after is computed again",
            folder.id,
            f"{end:,}",
        )
    ends = {offset for _, offset in records}
    description = folder.description()
    intact: dict[str, CheckpointRole] = {}
    saved: SavedState | None = None
    bad: list[Path] = []
    # From the newest back: the first whole one is where the run resumes. Of older ones it is
    # enough that they are whole, since the run may have to go back to them.
    for path in reversed(folder.checkpoint_folders()):
        try:
            state = load_state(path, experiment if saved is None else None).state
            if saved is None:
                known = [record for record, offset in records if offset <= state.journal]
                history = History(description, known)
                _check_farthest(folder, experiment, history)
                with checked(path, "its state can't be read"):
                    if state.journal not in ends or not _agrees(state, experiment, history):
                        raise DamagedCheckpoint(
                            f"the checkpoint {path} does not agree with the journal"
                        )
                    saved = load_saved_state(path, state, experiment, device, seed=description.seed)
            intact[path.name] = CheckpointRole(state.passed, state.parent)
        except DamagedCheckpoint as error:
            log.warning("%s; going back to the state before", error)
            bad.append(path)
    for path in bad:
        folder.remove_checkpoint(path.name)
    folder.remove_leftovers()
    position = 0 if saved is None else saved.state.journal
    return ResumePoint(
        saved=saved,
        known=[record for record, offset in records if offset <= position],
        tail=[(record, offset) for record, offset in records if offset > position],
        position=position,
        end=end,
        checkpoints=intact,
    )


def replay_point(folder: RunFolder) -> ResumePoint:
    """Where a run starts anew, to be compared with all that its journal has.

    Raises:
        Unreadable: where the system keeps it from being read.
    """
    records, _ = intact_records(folder.journal)
    return ResumePoint(tail=records, end=records[-1][1] if records else 0)


def load_saved_state(
    path: Path,
    state: RunState,
    experiment: Experiment,
    device: torch.device,
    *,
    seed: int,
) -> SavedState:
    """What was saved at `path`, where `state` was read, in a run of such an experiment.

    Where the path has been lengthened since, the model is made to fit it.

    Raises:
        UsageError: where the checkpoint, or its parent, isn't whole, or doesn't fit.
        Unreadable: where the system keeps it from being read.
    """

    def fitted(learner: Learner) -> Learner:
        if experiment.grows_with_stages:
            return learner
        return learner.grown(experiment.shape, seed=seed, visit=state.scheduler["visit"])

    parent, best = None, load_best(path, experiment, device)
    if state.parent is not None:
        parent = load_learner(path.with_name(state.parent), experiment, device)
    return SavedState(
        path=path,
        learner=fitted(load_learner(path, experiment, device)),
        parent=None if parent is None else fitted(parent).snapshot(),
        best=None if best is None else fitted(best).snapshot(),
        state=state,
    )


def _check_farthest(folder: RunFolder, experiment: Experiment, history: History) -> None:
    """Check what a run would end with, should it end short of its target.

    Raises:
        DamagedCheckpoint: where that isn't whole; the run has to come to it again.
    """
    names = []
    if history.mastered_in_order is not None:
        visit = history.last_mastered_in(history.mastered_in_order)
        if visit is None:
            raise DamagedCheckpoint(
                f"the journal of run {folder.id} tells of a reach that no visit has passed"
            )
        names.append(checkpoint_name(visit + 1))
    if experiment.growth.path()[-1] in history.mastered_ahead:
        names.append(TARGET_CHECKPOINT)
    for name in names:
        load_state(folder.checkpoints / name)


def _agrees(state: RunState, experiment: Experiment, history: History) -> bool:
    """Whether a state is what the journal up to it adds up to."""
    check_scheduler_state(state.scheduler)
    scheduler = experiment.scheduler()
    scheduler.load_state_dict(dict(state.scheduler))
    scheduler.sample_mixture(
        generator("check"), lambda _: 1, scheduler.cost
    )  # a sampler's own state fits
    visit = history.visits[-1]
    started = state.training or scheduler.finished  # or else the next visit has not started
    saved = (
        scheduler.reach,
        scheduler.cost.without_clock(),
        scheduler.discarded_cost.without_clock(),
        scheduler.visit_cost.steps,
    )
    recorded = (
        history.mastered_in_order,
        history.cost,
        history.discarded_cost,
        visit.cost.steps if started else 0,
    )
    return (
        saved == recorded
        and _counts_agree(state, history)
        and _is_on_path(scheduler)
        and _continues(state, scheduler, visit)
        and _interval_fits(state, scheduler)
    )


def _counts_agree(state: RunState, history: History) -> bool:
    """Whether each stage was evaluated and tested as often as the journal tells."""
    recorded = Counter[tuple[str, str]]()
    for visit in history.visits:
        for each in visit.evaluations:
            stage, tested = each.stage.key, each.full_test is not None
            recorded[stage, "evaluations"] += 1
            recorded[stage, "full_tests"] += tested
            recorded[stage, "failed_tests"] += tested and not each.decision.cleared
    for test in history.target_evaluations:  # which share the error of the stage's tests
        recorded[test.stage.key, "full_tests"] += 1
        recorded[test.stage.key, "failed_tests"] += not test.cleared
    saved = Counter(
        {
            (stage, name): counts[name]
            for stage, counts in state.scheduler["counts"].items()
            for name in ("evaluations", "full_tests", "failed_tests")
        }
    )
    return saved == recorded


def _is_on_path(scheduler: Scheduler) -> bool:
    """Whether the indices that a scheduler keeps are of stages of its path."""
    position, stages = scheduler.state_dict()["position"], range(len(scheduler.path))
    indices = (position["aim"], *position["trail"])
    return all(isinstance(index, int) and index in stages for index in indices)


def _continues(state: RunState, scheduler: Scheduler, visit: Visit) -> bool:
    """Whether the scheduler is on the stage that the last visit, or its end, tells of."""
    if state.training:
        same = (scheduler.visit, scheduler.stage) == (visit.number, visit.stage)
        return same and visit.ended is None and not scheduler.finished
    after = None if scheduler.finished else scheduler.stage
    return visit.ended is not None and visit.next_stage == after


def _interval_fits(state: RunState, scheduler: Scheduler) -> bool:
    """Whether the steps since the last evaluation are there where they may be, and add up."""
    within = state.training and scheduler.pacing.waits_for_mastery
    if (state.interval is None) == within:
        return False
    taken = 0
    if state.interval is not None:
        taken = state.interval.steps
        if not 0 <= taken == (state.interval.cost - scheduler.cost).steps:
            return False
    return not state.training or scheduler.steps_left > taken
