"""Where a round of trials is trained, and how it is done in one process."""

from collections.abc import Mapping
from typing import Protocol

from curriculum.config import Settings
from curriculum.learn import Learner, Snapshot
from curriculum.plan import Scheduler
from curriculum.record import TrialReport
from curriculum.tune.run_setup import RunSetup
from curriculum.tune.trial import Trial


class TrialExecutor(Protocol):
    """Trains a round of trials of one parent."""

    def start_round(
        self, trials: Mapping[int, Settings], parent: Snapshot, scheduler: Scheduler
    ) -> None:
        """Start a round; what is left of the one before is dropped."""

    def advance(self, number: int) -> TrialReport:
        """Train a trial to its next evaluation."""

    def learner(self, number: int) -> Learner:
        """A trial's learner as it was at its last evaluation."""


class InProcessExecutor:
    """Trains the trials in this process, until a stop is requested."""

    def __init__(self, setup: RunSetup) -> None:
        self._setup = setup
        self._trials: dict[int, Trial] = {}

    def start_round(
        self, trials: Mapping[int, Settings], parent: Snapshot, scheduler: Scheduler
    ) -> None:
        self._trials = {
            number: Trial(number, settings, parent, scheduler, self._setup)
            for number, settings in trials.items()
        }

    def advance(self, number: int, *, keep: bool = False) -> TrialReport:
        """As for any executor; with `keep`, `before` then gives the learner as it was before."""
        return self._trials[number].advance(keep=keep)

    def learner(self, number: int) -> Learner:
        return self._trials[number].learner

    def before(self, number: int) -> Snapshot:
        """A trial's learner as it was one evaluation ago."""
        return self._trials[number].before
