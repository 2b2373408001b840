"""Writes down what a run does, as it does it."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

from curriculum.errors import RunFailed
from curriculum.learn import Learner, Recipe, Snapshot, TrainingInterval, weights_sha256
from curriculum.plan import Evaluation, Scheduler, Stage, Verdict
from curriculum.record import events
from curriculum.record.checkpoint import RunState
from curriculum.record.checkpoint_policy import CheckpointPolicy
from curriculum.record.checkpoint_writer import CheckpointWriter
from curriculum.record.events import Event, Record
from curriculum.record.history import History
from curriculum.record.journal import Journal
from curriculum.record.lease import LeaseLost
from curriculum.record.result import Result
from curriculum.record.resume_point import ResumePoint
from curriculum.record.run_folder import RunFolder, checkpoint_name

Listener = Callable[[Record], None]


class Recorder:
    """The journal, checkpoints and history of a run in progress.

    Where the run is resumed from a state on disk, what the journal holds beyond it is
    compared with what is computed again, and not written twice. Listeners get each record once it is on
    disk; of a resumed run, those that were there first. Only the holder of the run's lock may make
    one. Close it, or use it in a `with`.

    Attributes:
        position: the byte of the journal that the run has come to.
    """

    def __init__(
        self,
        folder: RunFolder,
        recipe: Recipe,
        listener: Listener | None = None,
        *,
        resume_point: ResumePoint | None = None,
        checkpoints: CheckpointPolicy | None = None,
    ) -> None:
        point = resume_point or ResumePoint()
        self.folder = folder
        self.history = History(folder.description())
        self._listener = listener
        self._tail = deque(point.tail)
        self.position = point.position
        self.checkpoints = CheckpointWriter(
            folder, recipe, checkpoints or CheckpointPolicy(), point.checkpoints
        )
        self._visits = 0  # that are over
        with self.folder.writing():
            self._journal = Journal(folder.journal, end=point.end)
        for record in point.known:
            self._take(record)
        self._seconds = self.history.clock  # at the time that follows
        self._since = time.perf_counter()
        self._replay_changes()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()

    def clock(self) -> float:
        """Seconds since the run's start, without those that it did not run.

        While a run repeats what its journal has already, the time is what it was then.
        """
        if self._tail:
            return self._tail[0][0].clock.seconds
        return round(self._seconds + time.perf_counter() - self._since, 4)

    @contextlib.contextmanager
    def untimed(self) -> Iterator[None]:
        """What is done inside takes no time of the run's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._since += time.perf_counter() - started

    def write(self, event: Event, seconds: float | None = None, at: float | None = None) -> Record:
        """Append an event; while a journal is replayed, check that it is the recorded one.

        Args:
            event: to append.
            seconds: since the run's start; by default at the event before.
            at: the time of day; by default now.

        Raises:
            RunFailed: where the disk refuses it, or the journal has another event here.
        """
        if self._tail:
            self._compare(event, self._tail[0][0].event)
            return self._replay()
        seconds = self.history.clock if seconds is None else seconds
        with self.folder.writing():
            record = self._journal.write(event, seconds=seconds, at=at)
        self.position = self._journal.bytes
        self._take(record)
        return record

    def visit_started(self, scheduler: Scheduler, learner: Learner) -> None:
        """A visit starts, with the settings that the learner carries."""
        self.write(
            events.VisitStarted(
                visit=scheduler.visit,
                stage=scheduler.stage,
                reason=scheduler.visit_reason,
                retuning=scheduler.retuning,
                learning_rate=learner.recipe.learning_rate,
                hidden_size=learner.recipe.hidden_size,
            )
        )

    def replay_rounds(self) -> list[Event]:
        """Replay the rounds of a search that the journal has whole, and give their events."""
        count, open_trials = 0, set[int]()
        for number, (record, _) in enumerate(self._tail, 1):
            event = record.event
            if isinstance(event, events.RoundProposed):
                open_trials = set(event.trials)
            elif isinstance(event, events.TrialCompleted):
                open_trials.discard(event.trial.number)
                count = count if open_trials else number
            elif not isinstance(event, events.TrialEvaluated):
                break
        return [self._replay().event for _ in range(count)]

    def evaluated(
        self,
        visit: int,
        stage: Stage,
        evaluation: Evaluation,
        scheduler: Scheduler,
    ) -> None:
        """The model was evaluated on `stage`, and the scheduler has decided on it."""
        assert scheduler.decision is not None
        event = events.Evaluated(
            visit=visit,
            stage=stage,
            train_loss=evaluation.train_loss,
            screen=evaluation.screen,
            full_test=evaluation.full_test,
            slices=evaluation.slices,
            metrics=evaluation.metrics,
            examples_by_stage=evaluation.examples_by_stage,
            decision=scheduler.decision,
            cost=evaluation.cost.without_clock(),
            discarded_cost=evaluation.discarded_cost.without_clock(),
        )
        self.write(event, evaluation.cost.seconds)

    def visit_ended(
        self,
        visit: int,
        stage: Stage,
        verdict: Verdict,
        scheduler: Scheduler,
        learner: Learner,
        *,
        kept: bool,
        restored: int | None,
    ) -> None:
        """A visit to a stage is over; the state after it is saved.

        Args:
            visit: its number.
            stage: that was visited.
            verdict: of its last evaluation.
            scheduler: as it is now.
            learner: that the run goes on or ends with.
            kept: whether that is as the visit trained it.
            restored: the visit that it is of, where the run ends with the model of another.
        """
        event = events.VisitEnded(
            visit=visit,
            stage=stage,
            verdict=verdict,
            limit_reached=scheduler.limit_reached,
            kept=kept,
            restored=restored,
            reach=scheduler.reach,
            next_stage=None if scheduler.finished else scheduler.stage,
            next_reason=None if scheduler.finished else scheduler.visit_reason,
            weights_sha256=weights_sha256(learner.model),
        )
        self.write(event)
        passed = stage.key if verdict.passed and restored is None else None
        name = checkpoint_name(self._visits)
        self._save(name, learner.snapshot(), scheduler.state_dict(), passed=passed, verdict=verdict)

    def target_mastered(self, learner: Learner, scheduler: Scheduler) -> None:
        """The target is passed ahead of the stages below it; what passes it is kept."""
        state = self._state(scheduler.state_dict(), training=True)
        self.checkpoints.save_target(learner.snapshot(), state)

    def save_within_visit(
        self,
        snapshot: Snapshot,
        scheduler: Scheduler,
        state: dict[str, Any],
        interval: TrainingInterval | None = None,
        best: Snapshot | None = None,
    ) -> None:
        """Save the state within a visit's training.

        Args:
            snapshot: the learner.
            scheduler: as it is now.
            state: the scheduler's that goes with the learner's.
            interval: the learner's steps since the last evaluation; None where it is as it was
                at that evaluation, and is what the visit goes back to.
            best: the best state of the visit; None where it has none.
        """
        steps = scheduler.visit_cost.steps + (0 if interval is None else interval.steps)
        name = checkpoint_name(self._visits, steps)
        if name not in self.checkpoints.roles:
            self._save(name, snapshot, state, training=True, interval=interval, best=best)

    def training_ended(self, *, reached: bool, ending: str) -> None:
        """Training is over, and the final evaluation follows."""
        status: Literal["reached", "stopped"] = "reached" if reached else "stopped"
        self.write(events.TrainingEnded(status=status, ending=ending))

    def run_ended(
        self, learner: Learner, examples: events.PredictedExamples | None = None
    ) -> Result:
        """The run is over; `examples` are the final model's."""
        history = self.history
        assert history.training_end is not None
        event = events.RunEnded(
            status=history.training_end.status,
            ending=history.training_end.ending,
            reach=history.reach,
            held=history.held,
            retained=history.retained,
            extrapolated=history.extrapolated,
            steps=history.total_cost.steps,
            tokens=history.total_cost.tokens,
            weights_sha256=weights_sha256(learner.model),
            examples=examples,
        )
        self.write(event)
        with self.folder.writing():
            self._journal.sync()
        return history.result()

    def run_interrupted(self, reason: str) -> Result:
        """The run stops before its end, and says why; it can be resumed from what was saved."""
        with self.folder.writing():
            self._journal.sync()
            self.folder.note_stop("interrupted", reason)
        self.history.stop = self.folder.stop_note()
        return self.history.result()

    def run_failed(self, error: Exception) -> None:
        """The run fails, and may be resumed once the cause is removed; nothing is noted if its lease is lost."""
        why = str(error) if isinstance(error, RunFailed) else f"{type(error).__name__}: {error}"
        with contextlib.suppress(OSError, LeaseLost):  # that may be what fails
            self._journal.sync()
            self.folder.note_stop("failed", why)

    def _save(
        self,
        name: str,
        snapshot: Snapshot,
        scheduler: dict[str, Any],
        *,
        training: bool = False,
        interval: TrainingInterval | None = None,
        passed: str | None = None,
        verdict: Verdict | None = None,
        best: Snapshot | None = None,
    ) -> None:
        state = self._state(scheduler, training=training, interval=interval)
        if passed is not None:
            ready = verdict is Verdict.READY
            state = replace(state, ready=passed) if ready else replace(state, mastered=passed)
        with self.folder.writing():
            self._journal.sync()
        self.checkpoints.save(name, snapshot, state, best)

    def _state(
        self,
        scheduler: dict[str, Any],
        *,
        training: bool,
        interval: TrainingInterval | None = None,
    ) -> RunState:
        """The run's state as it is now."""
        parent = checkpoint_name(self._visits) if interval is not None else None
        return RunState(
            visits=self._visits,
            training=training,
            interval=interval,
            parent=parent if parent in self.checkpoints.roles else None,
            settled=interval is None,
            mastered=None,
            journal=self.position,
            scheduler=scheduler,
        )

    def _replay(self) -> Record:
        """Take the next record of those that the journal has already.

        After the last of them the clock continues from there.
        """
        record, self.position = self._tail.popleft()
        self._take(record)
        self._replay_changes()
        if not self._tail:
            self._seconds, self._since = self.history.clock, time.perf_counter()
        return record

    def _replay_changes(self) -> None:
        """Replay changes of the provenance, which nothing computes."""
        if self._tail and isinstance(self._tail[0][0].event, events.ProvenanceChanged):
            self._replay()

    def _take(self, record: Record) -> None:
        self.history.add(record)
        self._visits += isinstance(record.event, events.VisitEnded)
        if self._listener is not None:
            self._listener(record)

    def _compare(self, event: Event, known: Event) -> None:
        computed, recorded = events.event_json(event), events.event_json(known)
        if computed == recorded:
            return
        name = next(n for n in sorted(computed | recorded) if computed.get(n) != recorded.get(n))
        visit = "" if "visit" not in recorded else f" of visit {recorded['visit']}"
        after = "record" if len(self._tail) == 1 else f"{len(self._tail)} records"
        raise RunFailed(
            f"what run {self.folder.id} computes again differs from its journal: in the record "
            f"{recorded['kind']!r}{visit}, {name} is {computed.get(name)} and was {recorded.get(name)}. "
            f"Another machine or thread count rounds differently; 'resume {self.folder.id} "
            f"--force' continues from the last checkpoint, and drops the {after} after it"
        )
