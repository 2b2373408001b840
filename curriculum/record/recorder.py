"""Writes down what a run does, as it does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from curriculum.learn.learner import Learner, weights_sha256
from curriculum.learn.recipe import Recipe
from curriculum.plan import Look, Scheduler, Stage, Verdict
from curriculum.record.checkpoint import save_checkpoint
from curriculum.record.history import History, Result
from curriculum.record.journal import Journal, Record
from curriculum.record.lock import Lock
from curriculum.record.store import RunFolder

__all__ = ["Listener", "Recorder"]

Listener = Callable[[Record], None]


class Recorder:
    """The journal, checkpoints and history of a run in progress.

    Listeners get each record once it is on disk. Close it, or use it in a `with`.
    """

    def __init__(self, folder: RunFolder, recipe: Recipe, listener: Listener | None = None) -> None:
        self.folder = folder
        self._recipe = recipe
        self.history = History(folder.description())
        self._listener = listener
        self._lock = Lock(folder.writer)
        self._lock.acquire(wait=True)  # who probes it holds it for an instant
        self._journal = Journal(folder.journal)
        self._checkpoint = 0

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()
        self._lock.release()

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

    def tuning(self, kind: str, content: Record, seconds: float) -> None:
        """A `round` is asked, a trial makes an `advance`, a `trial` is told, a `choice` made."""
        self._write(kind, content, seconds)

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
        }
        self._write("verdict", content)
        self._save(scheduler, learner)

    def end(self, status: str, ending: str, scheduler: Scheduler, learner: Learner) -> Result:
        """The run is over."""
        self._save(scheduler, learner)
        content = {
            "status": status,
            "ending": ending,
            "reach": None if scheduler.reach is None else scheduler.reach.key,
            "steps": self.history.total.steps,
            "tokens": self.history.total.tokens,
            "weights_sha256": weights_sha256(learner.model),
        }
        self._write("end", content)
        self._journal.sync()
        return self.history.result()

    def _save(self, scheduler: Scheduler, learner: Learner) -> None:
        name = f"{self._checkpoint:06d}"
        self._journal.sync()
        self._checkpoint += 1  # first: no name is used again, should this save be interrupted
        state = {"scheduler": scheduler.state_dict()}
        save_checkpoint(self.folder.checkpoints / name, learner, self._recipe, state)
        self._write("checkpoint", {"name": name, "weights_sha256": weights_sha256(learner.model)})

    def _write(self, kind: str, content: dict[str, Any], seconds: float | None = None) -> None:
        if seconds is None:
            seconds = self.history.seconds
        record = self._journal.write(kind, content, seconds=seconds)
        self.history.add(record)
        if self._listener is not None:
            self._listener(record)
