"""Runs an experiment whose strategy is a portfolio: its arms are raced, and the run goes on as the winner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from curriculum import record
from curriculum.config import Experiment, arms_left_out, arms_of
from curriculum.learn import Stopped
from curriculum.plan import Mastery, Portfolio, Race
from curriculum.runner.adoption import adopt, remove_checkpoints_of_arms
from curriculum.runner.arm_processes import arms_in_processes
from curriculum.runner.arm_run import Arm, ArmRun
from curriculum.runner.first_costs import check_budget, first_intervals
from curriculum.runner.fresh_learner import fresh_learner
from curriculum.runner.loop import CurriculumLoop
from curriculum.runner.options import RunContext
from curriculum.runner.portfolio_race import PortfolioRace
from curriculum.tune import InProcessExecutor, RunSetup


class PortfolioRun:
    """A run that races arms, each a run of its own in the folder `arms` of the run's.

    Attributes:
        recipe: what the learners of all arms start with.

    Raises:
        UsageError: where the arms can't be raced within the run's budget.
    """

    def __init__(self, setup: RunSetup) -> None:
        self._setup = setup
        self.recipe = setup.experiment.recipe
        self._arms = arms_of(setup.experiment)
        intervals = first_intervals(self._arms, fresh_learner(setup))
        check_budget(setup.experiment, intervals)
        self._first_costs = {name: cost.compute for name, cost in intervals.items()}

    def run(
        self, folder: record.RunFolder, recorder: record.Recorder, context: RunContext
    ) -> record.Result:
        """Race, or repeat what is recorded of the race, and go on as its winner."""
        experiment, stop = self._setup.experiment, self._setup.stop
        try:
            folders = self._folders(folder, context)
            with self._opened(folders, context) as arms:
                race = self._race(arms, recorder)
                selected, others_seconds = race.run()
            arm = self._arms[selected.arm]
            saved = adopt(
                folders[selected.arm],
                recorder,
                arm,
                self._setup.device,
                others_seconds=others_seconds,
            )
        except Stopped:
            return recorder.run_interrupted(stop.reason)
        except Exception as error:
            recorder.run_failed(error)
            raise
        setup = self._setup_of(arm)
        loop = CurriculumLoop(
            setup,
            fresh_learner(setup),
            record.ResumePoint(saved=saved),
            recorder,
            InProcessExecutor(setup),
            on_trained=partial(_trained, folder, context),
            judged=experiment,
        )
        return loop.run()

    def _folders(
        self, folder: record.RunFolder, context: RunContext
    ) -> Mapping[str, record.RunFolder]:
        """The arms' folders, each with what it is; those that there aren't are made."""
        record.check_folder(folder.arms)
        found = {name: folder.arm(name) for name in self._arms}
        for name, each in found.items():
            each.check_is_own()
            if not (each.path / "run.json").exists():
                with folder.writing():
                    each.checkpoints.mkdir(parents=True, exist_ok=True)
                    each.describe(context.describe(self._arms[name], self._setup.seed, ()))
        return found

    @contextmanager
    def _opened(
        self, folders: Mapping[str, record.RunFolder], context: RunContext
    ) -> Iterator[Mapping[str, Arm]]:
        """The arms, in this process or in several."""
        setups = {name: self._setup_of(arm) for name, arm in self._arms.items()}
        if context.jobs > 1:
            with arms_in_processes(setups, folders, context) as arms:
                yield arms
            return
        with ExitStack() as stack:
            yield {
                name: stack.enter_context(
                    ArmRun(
                        name,
                        folders[name],
                        setup,
                        checkpoints=context.checkpoints,
                        wait_seconds=record.LEASE_SECONDS,
                    )
                )
                for name, setup in setups.items()
            }

    def _setup_of(self, arm: Experiment) -> RunSetup:
        setup = self._setup
        return RunSetup(experiment=arm, seed=setup.seed, device=setup.device, stop=setup.stop)

    def _race(self, arms: Mapping[str, Arm], recorder: record.Recorder) -> PortfolioRace:
        experiment, stop = self._setup.experiment, self._setup.stop
        pacing = experiment.pacing
        assert isinstance(pacing, Portfolio)
        criterion = experiment.criterion.at(target=True)
        race = Race(
            [self._first_costs[name] for name in self._arms],
            waits=[arm.pacing.waits_for_mastery for arm in self._arms.values()],
            stages=len(experiment.growth.path()),
            least_share=pacing.least_share,
            threshold=criterion.threshold if isinstance(criterion, Mastery) else 1.0,
        )
        left_out = arms_left_out(experiment)
        started = record.RaceStarted(first_costs=self._first_costs, left_out=left_out)
        return PortfolioRace(
            arms, race, recorder, started=started, budget=experiment.budget, stop=stop
        )


def _trained(folder: record.RunFolder, context: RunContext, history: record.History) -> None:
    """Training is over, and what the arms saved is no longer needed."""
    remove_checkpoints_of_arms(folder)
    if context.on_trained is not None:
        context.on_trained(history)
