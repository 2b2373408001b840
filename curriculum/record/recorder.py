"""Writes down what a run does, as it does it."""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from curriculum.errors import RunFailed
from curriculum.learn.learner import Learner, Snapshot, weights_sha256
from curriculum.learn.recipe import Recipe
from curriculum.learn.training import Interval
from curriculum.plan import Look, Scheduler, Stage, Verdict
from curriculum.record.checkpoint import save_checkpoint
from curriculum.record.history import History, Result
from curriculum.record.journal import Journal, Record, content_of
from curriculum.record.retention import Kept, superseded
from curriculum.record.saving import Saving
from curriculum.record.standing import Standing
from curriculum.record.store import RunFolder, checkpoint_name

__all__ = ["Listener", "Recorder"]

Listener = Callable[[Record], None]


class Recorder:
    """The journal, checkpoints and history of a run in progress.

    Where the run goes on from a state on disk, what the journal holds beyond it is
    compared with what is computed again, and not written twice. Listeners get each
    record once it is on disk; of a run that goes on, those that were there first. Only
    the holder of the run's lock may make one. Close it, or use it in a `with`.
    """

    def __init__(
        self,
        folder: RunFolder,
        recipe: Recipe,
        listener: Listener | None = None,
        *,
        standing: Standing | None = None,
        saving: Saving | None = None,
    ) -> None:
        standing = standing or Standing()
        self.folder = folder
        self.saving = saving or Saving()
        self.history = History(folder.description())
        self._recipe = recipe
        self._listener = listener
        self._tail = deque(standing.tail)
        self._position = standing.position  # the journal's byte that the run has come to
        self._checkpoints = dict(standing.checkpoints)
        self._visits = 0  # that are over
        with self.folder.writing():
            self._journal = Journal(folder.journal, begin=standing.begin)
        for record in standing.known:
            self._take(record)
        self._seconds = self.history.clock  # at the time that follows
        self._since = self._saved = time.perf_counter()
        self._pass_changes()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()

    def clock(self) -> float:
        """Seconds since the run's start, those apart that it did not run.

        While a run goes through what its journal has already, the time is what it was then.
        """
        if self._tail:
            return float(self._tail[0][0]["clock"]["seconds"])
        return round(self._seconds + time.perf_counter() - self._since, 4)

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """What is done inside takes no time of the run's."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._since += time.perf_counter() - began

    @property
    def is_due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return time.perf_counter() - self._saved >= self.saving.every

    def visit(self, scheduler: Scheduler, learner: Learner) -> None:
        """A visit begins, with the settings that the learner carries."""
        content = {
            "visit": scheduler.visit,
            "stage": scheduler.stage.key,
            "entry": scheduler.entry.value,
            "retuning": scheduler.retuning,
            "learning_rate": learner.recipe.learning_rate,
            "hidden_size": learner.recipe.hidden_size,
        }
        self._write("visit", content)

    def tuning(self, kind: str, content: Record, seconds: float) -> Record:
        """A `round` is asked, a trial makes an `advance`, a `trial` is told, a `choice` made."""
        return self._write(kind, content, seconds)

    def recall_rounds(self) -> list[Record]:
        """Go past the rounds of a search that the journal tells of whole, and give their records."""
        count, open_trials = 0, set[str]()
        for number, (record, _) in enumerate(self._tail, 1):
            if record["kind"] == "round":
                open_trials = set(record["trials"])
            elif record["kind"] == "trial":
                open_trials.discard(str(record["number"]))
                count = count if open_trials else number
            elif record["kind"] != "advance":
                break
        return [self._pass() for _ in range(count)]

    def look(
        self, visit: int, stage: Stage, look: Look, loss: float | None, scheduler: Scheduler
    ) -> None:
        """A look was taken on `stage`, and the scheduler has decided on it."""
        content: Record = {"visit": visit, "stage": stage.key, "stream": look.stream, "loss": loss}
        if look.screen is not None:
            content["screen"] = look.screen.state_dict()
        if look.test is not None:
            content["test"] = look.test.state_dict()
        if look.slices:
            content["slices"] = {name: tally.state_dict() for name, tally in look.slices.items()}
        if look.measures:
            content["measures"] = dict(look.measures)
        if look.drawn:
            content["drawn"] = dict(look.drawn)
        decision = scheduler.decision
        content["decision"] = None if decision is None else decision.state_dict()
        content["spent"] = look.spent.exact()
        content["lost"] = look.lost.exact()
        self._write("look", content, seconds=look.spent.seconds)

    def verdict(
        self,
        visit: int,
        stage: Stage,
        verdict: Verdict,
        scheduler: Scheduler,
        learner: Learner,
        *,
        kept: bool,
    ) -> None:
        """A visit is over; the state after it is saved. `kept` says whether its training was."""
        content = {
            "visit": visit,
            "stage": stage.key,
            "verdict": verdict.value,
            "overrun": scheduler.overrun,
            "kept": kept,
            "reach": None if scheduler.reach is None else scheduler.reach.key,
            "next": None if scheduler.finished else scheduler.stage.key,
            "entry": None if scheduler.finished else scheduler.entry.value,
            "weights_sha256": weights_sha256(learner.model),
        }
        self._write("verdict", content)
        mastered = stage.key if verdict is Verdict.MASTERED else None
        standing, name = scheduler.state_dict(), checkpoint_name(self._visits)
        self._save(name, learner.snapshot(), standing, mastered=mastered)

    def pause(
        self,
        snapshot: Snapshot,
        scheduler: Scheduler,
        standing: Mapping[str, Any],
        interval: Interval | None = None,
    ) -> None:
        """Save the state amid a visit's training.

        Args:
            snapshot: the learner.
            scheduler: as it stands.
            standing: the scheduler's state that goes with the learner's.
            interval: how far the learner has come since the last look; None where it stands
                as it was at that look, and is what the visit goes back to.
        """
        steps = scheduler.visit_spent.steps + (0 if interval is None else interval.steps)
        name = checkpoint_name(self._visits, steps)
        if name not in self._checkpoints:
            self._save(name, snapshot, standing, training=True, interval=interval)

    def finding(self, kind: str, content: Record) -> Record:
        """A `retest` of the final model, or the `retention` of the one that mastered a stage.

        Or what a test of the target found `ahead` of the walk.
        """
        return self._write(kind, content, self.clock())

    def end(self, status: str, ending: str, learner: Learner) -> Result:
        """The run is over."""
        history = self.history
        content = {
            "status": status,
            "ending": ending,
            "reach": None if history.reach is None else history.reach.key,
            "held": [stage.key for stage in history.held],
            "retained": None if history.retained is None else history.retained.key,
            "extrapolated": history.extrapolated,
            "steps": self.history.total.steps,
            "tokens": self.history.total.tokens,
            "weights_sha256": weights_sha256(learner.model),
        }
        self._write("end", content)
        with self.folder.writing():
            self._journal.sync()
        return self.history.result()

    def stopped(self, status: str, reason: str) -> Result:
        """The run stops before its end, and says why; it can go on from what was saved."""
        with self.folder.writing():
            self._journal.sync()
            self.folder.note_stop(status, reason)
        self.history.stop = self.folder.stopped()
        return self.history.result()

    def fail(self, error: Exception) -> None:
        """The run fails; it may go on from what was saved, once what is amiss is mended."""
        why = str(error) if isinstance(error, RunFailed) else f"{type(error).__name__}: {error}"
        with contextlib.suppress(OSError):  # that may be what fails
            self._journal.sync()
            self.folder.note_stop("failed", why)

    def _save(
        self,
        name: str,
        snapshot: Snapshot,
        standing: Mapping[str, Any],
        *,
        training: bool = False,
        interval: Interval | None = None,
        mastered: str | None = None,
    ) -> None:
        parent = checkpoint_name(self._visits) if interval is not None else None
        state = {
            "visits": self._visits,
            "training": training,
            "interval": None if interval is None else interval.state_dict(),
            "parent": parent if parent in self._checkpoints else None,
            "stands": interval is None,
            "mastered": mastered,
            "journal": self._position,
            "scheduler": dict(standing),
        }
        with self.folder.writing():
            self._journal.sync()
            save_checkpoint(self.folder.checkpoints / name, snapshot, self._recipe, state)
        self._checkpoints[name] = Kept.of_state(state)
        for old in superseded(self._checkpoints, self.saving.keep):
            self.folder.remove_checkpoint(old)
            del self._checkpoints[old]
        self._saved = time.perf_counter()

    def _write(self, kind: str, content: dict[str, Any], seconds: float | None = None) -> Record:
        """Append a record; or see that it is the one that the journal has here already."""
        if self._tail:
            self._compare(kind, content, self._tail[0][0])
            return self._pass()
        seconds = self.history.clock if seconds is None else seconds
        with self.folder.writing():
            record = self._journal.write(kind, content, seconds=seconds)
        self._position = self._journal.bytes
        self._take(record)
        return record

    def _pass(self) -> Record:
        """Go past the next record of those that the journal has already.

        Once all of them are gone through, time goes on from there.
        """
        record, self._position = self._tail.popleft()
        self._take(record)
        self._pass_changes()
        if not self._tail:
            self._seconds, self._since = self.history.clock, time.perf_counter()
        return record

    def _pass_changes(self) -> None:
        """Go past what circumstances were changed to: that isn't computed."""
        if self._tail and self._tail[0][0]["kind"] == "change":
            self._pass()

    def _take(self, record: Record) -> None:
        self.history.add(record)
        self._visits += record["kind"] == "verdict"
        if self._listener is not None:
            self._listener(record)

    def _compare(self, kind: str, content: dict[str, Any], record: Record) -> None:
        computed, known = content_of({"kind": kind, **content}), content_of(record)
        if computed == known:
            return
        ours, theirs = json.loads(computed), json.loads(known)
        differing = (n for n in sorted(ours | theirs) if str(ours.get(n)) != str(theirs.get(n)))
        name = next(differing, "form")
        raise RunFailed(
            f"what run {self.folder.id} computes again differs from its journal: in a {kind} of "
            f"visit {theirs.get('visit')}, {name} is {ours.get(name)} and was {theirs.get(name)}. "
            f"Another machine or thread count rounds otherwise; 'resume {self.folder.id} --force' "
            f"goes on from the last checkpoint, and drops the {len(self._tail)} records after it"
        )
