"""An arm of a portfolio: a run of its own, which is trained from evaluation to evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

from curriculum import record
from curriculum.learn import Stopped
from curriculum.runner.arm_evaluations import AFTERWARDS, ArmEvaluations
from curriculum.runner.failure import failure_of
from curriculum.runner.fresh_learner import fresh_learner
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
        *,
        checkpoints: record.CheckpointPolicy,
        wait_seconds: float = 0.0,
    ) -> None:
        """Make ready.

        Args:
            name: of its strategy.
            folder: of its record, which is there.
            setup: what is run.
            checkpoints: how often its state is saved.
            wait_seconds: for another process that writes its record still, such as a worker of a run that
                was killed.
        """
        self.name, self._folder, self._setup = name, folder, setup
        self._policy = checkpoints
        self._stack = ExitStack()
        self._stack.enter_context(folder.held(wait_seconds=wait_seconds))
        self._opened = self._stack.enter_context(ExitStack())  # its recorder, once it is trained
        records, _ = record.intact_records(folder.journal)
        entries = [entry for entry, _ in records]
        self._known = ArmEvaluations.of(name, folder.description(), entries)
        self._given = 0
        self._loop: CurriculumLoop | None = None
        self._steps: Iterator[None] = iter(())
        self._evaluations: ArmEvaluations
        self._recorder: record.Recorder
        self._pause = ExitStack()  # in which its clock stands still
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

    def end(self, why: str, evaluations: int | None = None) -> float:
        """End its training, and its record with it; give the seconds that it took.

        By default as it was at the evaluation that was asked for last, or at the one of that number:
        what it was trained on after that is dropped.
        """
        self._given = self._given if evaluations is None else evaluations
        if self._recorded > self._given:
            self._go_back()
        if self._loop is None:
            self._open()
        assert self._loop is not None
        while len(self._evaluations.found) < self._given:
            self._go_on()
        self._loop.end(f"the race is over: {why}")
        while not self._loop.scheduler.finished:
            self._go_on()
        return self._recorder.history.clock

    def save(self) -> None:
        """Save its state, unless it was stopped between two evaluations, where it was saved."""
        if self._loop is not None and self._is_whole:
            self._loop.save()

    @property
    def _recorded(self) -> int:
        """How many evaluations its record tells of."""
        return len(self._known) if self._loop is None else len(self._evaluations.found)

    def _go_back(self) -> None:
        """Drop all of its record that came after the last evaluation that was asked for."""
        if self._loop is not None:
            self._opened.close()
            self._loop, self._pause = None, ExitStack()
        evaluations = ArmEvaluations(self.name, self._folder.description())
        end = 0
        for entry, behind in record.intact_records(self._folder.journal)[0]:
            if evaluations.count >= self._given and not isinstance(entry.event, AFTERWARDS):
                break
            evaluations(entry)
            end = behind
        record.drop_after(self._folder, end)

    def _open(self) -> None:
        """Make its learner ready where its record stands."""
        experiment = self._setup.experiment
        point = record.find_resume_point(self._folder, experiment, self._setup.device)
        self._evaluations = ArmEvaluations(self.name, self._folder.description())
        self._recorder = self._opened.enter_context(
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
            fresh_learner(self._setup),
            point,
            self._recorder,
            InProcessExecutor(self._setup),
        )
        self._steps = self._loop.advance()

    def _go_on(self) -> None:
        """Train it to the next pause. While it is paused its clock stands still."""
        self._pause.close()
        self._is_whole = False
        self._train()
        self._is_whole = True
        self._evaluations.complete()
        self._pause.enter_context(self._recorder.untimed())

    def _train(self) -> None:
        """Train it to the next pause; what it fails with says what to do."""
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
