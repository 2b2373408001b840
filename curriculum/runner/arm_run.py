"""An arm of a portfolio: a run of its own, which is trained from evaluation to evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

from curriculum import record
from curriculum.learn import Learner, Stopped
from curriculum.runner.arm_evaluations import RACE_IS_OVER, ArmEvaluations
from curriculum.runner.failure import failure_of
from curriculum.runner.loop import CurriculumLoop
from curriculum.tune import InProcessExecutor, RunSetup


class Arm(Protocol):
    """An arm, wherever it is trained."""

    def advance(self) -> record.ArmEvaluated:
        """Train it to its next evaluation, and tell how far it is."""

    def end(self, why: str) -> float:
        """End its training where it stands, and its record with it; give the seconds that it took."""

    def save(self) -> None:
        """Save its state, as far as it isn't saved already."""


class ArmRun:
    """An arm that is trained in this process. Close it, or use it in a `with`.

    What its record tells already is not trained again, until more is asked for; nor is a learner
    made before.
    """

    def __init__(
        self,
        name: str,
        folder: record.RunFolder,
        setup: RunSetup,
        start: Callable[[RunSetup], Learner],
        *,
        checkpoints: record.CheckpointPolicy,
        wait_seconds: float = 0.0,
    ) -> None:
        """Make ready.

        Args:
            name: of its strategy.
            folder: of its record, which is there.
            setup: what is run.
            start: gives the learner that it starts with.
            checkpoints: how often its state is saved.
            wait_seconds: for another process that writes its record.
        """
        self.name, self._folder, self._setup, self._start = name, folder, setup, start
        self._policy = checkpoints
        self._stack = ExitStack()
        self._stack.enter_context(folder.held(wait_seconds=wait_seconds))
        records, _ = record.intact_records(folder.journal)
        entries = [entry for entry, _ in records]
        self._known = ArmEvaluations.of(name, folder.description(), entries)
        self._given = 0
        self._loop: CurriculumLoop | None = None
        self._steps: Iterator[None] = iter(())
        self._evaluations: ArmEvaluations
        self._recorder: record.Recorder
        self._pause: AbstractContextManager[None] | None = None
        self._is_whole = True  # or else it was stopped between two pauses

    def __enter__(self) -> ArmRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give its record up."""
        self._stack.close()

    def advance(self) -> record.ArmEvaluated:
        """Train it to its next evaluation, unless its record tells of that already.

        Raises:
            Stopped: where a stop was requested; its state is saved then.
        """
        self._given += 1
        if self._given <= len(self._known):
            return self._known[self._given - 1]
        if self._loop is None:
            self._open()
        while len(self._evaluations.found) < self._given:
            self._go_on()
        return self._evaluations.found[self._given - 1]

    def end(self, why: str) -> float:
        """End its training where it stands, and its record with it; give the seconds that it took."""
        if self._loop is None:
            self._open()
        assert self._loop is not None
        while len(self._evaluations.found) < self._given:
            self._go_on()
        self._loop.end(f"{RACE_IS_OVER}: {why}")
        while not self._loop.scheduler.finished:
            self._go_on()
        return self._recorder.history.clock

    def save(self) -> None:
        """Save its state, unless it was stopped between two evaluations, where it was saved."""
        if self._loop is not None and self._is_whole:
            self._loop.save()

    def _open(self) -> None:
        """Make its learner ready where its record stands."""
        experiment = self._setup.experiment
        point = record.find_resume_point(self._folder, experiment, self._setup.device)
        self._evaluations = ArmEvaluations(self.name, self._folder.description())
        self._recorder = self._stack.enter_context(
            record.Recorder(
                self._folder,
                experiment.recipe,
                self._evaluations,
                resume_point=point,
                checkpoints=self._policy,
            )
        )
        self._loop = CurriculumLoop(
            self._setup,
            self._start(self._setup),
            point,
            self._recorder,
            InProcessExecutor(self._setup),
        )
        self._steps = self._loop.advance()

    def _go_on(self) -> None:
        """Train it to the next pause. While it is paused its clock stands still."""
        if self._pause is not None:
            self._pause.__exit__(None, None, None)
        self._is_whole = False
        try:
            next(self._steps, None)
        except Stopped:
            raise
        except Exception as error:
            assert self._loop is not None
            failure = failure_of(error, self._setup.experiment, self._loop.scheduler)
            if failure is error:
                raise
            raise failure from error
        self._is_whole = True
        self._evaluations.complete()
        self._pause = self._recorder.untimed()
        self._pause.__enter__()
