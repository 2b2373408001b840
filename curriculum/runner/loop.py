"""The core loop: trains a model from stage to stage, and records each step of the way."""

from curriculum import learn
from curriculum.config import Experiment
from curriculum.errors import RunFailed
from curriculum.plan import Evaluation, Scheduler, Stage, Verdict
from curriculum.record import Recorder, Result, ResumePoint, RetentionMeasured, SavedState
from curriculum.runner.final_evaluation import FinalEvaluator
from curriculum.runner.target_evaluation import TargetEvaluator
from curriculum.tune import RunSetup, TrialExecutor, Tuner


class CurriculumLoop:
    """A run in progress: trains a learner from its start, or from where it is resumed.

    Attributes:
        scheduler: decides on the stage.
        learner: is trained.
        parent: what the learner goes back to, should its visit be given up.
    """

    def __init__(
        self,
        setup: RunSetup,
        fresh: learn.Learner,
        resume_point: ResumePoint,
        recorder: Recorder,
        executor: TrialExecutor,
    ) -> None:
        """Make ready.

        Args:
            setup: what is run.
            fresh: the learner that every run of that seed starts with.
            resume_point: where the run is resumed.
            recorder: writes down what happens, and keeps the time.
            executor: trains trials.
        """
        experiment, seed, stop = setup.experiment, setup.seed, setup.stop
        self.experiment, self.recorder, self.seed, self.stop = experiment, recorder, seed, stop
        self.device = setup.device
        self.scheduler = experiment.scheduler()
        self.learner, self.parent = fresh, fresh.snapshot()
        # The scheduler's state at the evaluation that `parent` was evaluated in.
        self._parent_state = self.scheduler.state_dict()
        self._interval: learn.TrainingInterval | None = None  # that the run was stopped in
        self._training = False  # whether it was stopped within a visit's training
        if resume_point.saved is not None:
            self._restore(resume_point.saved)
        cost = self.scheduler.cost if self._interval is None else self._interval.cost
        meter = learn.CostMeter(cost, self.scheduler.discarded_cost, clock=recorder.clock)
        self.trainer = learn.Trainer(
            experiment.task,
            seed=seed,
            evaluator=learn.Evaluator(experiment.task, experiment.criterion, seed),
            meter=meter,
            step_hook=learn.StepHook(
                lambda: stop.requested or recorder.checkpoint_is_due, self._save_within_visit
            ),
        )
        self.target_evaluator = TargetEvaluator(experiment, seed=seed)
        self.final_evaluator = FinalEvaluator(experiment, seed=seed)
        self.tuner = Tuner(setup, meter=meter, executor=executor, journal=recorder)
        self.tuner.resume(record.event for record in resume_point.known)

    def run(self) -> Result:
        """Run to the end of the path, or of the budget, or until a stop is requested.

        Raises:
            RunFailed: where a run can't continue, for want of memory or room on the disk, say.
        """
        try:
            self._visit_stages()
            self._evaluate_finally()
        except learn.Stopped:
            return self.recorder.run_interrupted(self.stop.reason)
        except Exception as error:
            failure = _failure(error, self.experiment, self.scheduler)
            self.recorder.run_failed(failure)
            if failure is error:
                raise
            raise failure from error
        reached, ending = self.scheduler.reached_target, self.scheduler.ending or ""
        ahead = self.target_evaluator.target in self.recorder.history.mastered_ahead
        if ahead and not reached:
            ending = f"the target is mastered before the stages below it, and {ending}"
        return self.recorder.run_ended(
            reached=reached or ahead, ending=ending, learner=self.learner
        )

    def _visit_stages(self) -> None:
        """The core loop: a visit, from evaluation to evaluation, until the scheduler has finished."""
        scheduler, waits = self.scheduler, self.scheduler.pacing.waits_for_mastery
        while not scheduler.finished:
            self.stop.check()
            visit, stage = scheduler.visit, scheduler.stage
            # A visit that is resumed within its training has started already.
            verdict = Verdict.LEARNING if self._training else self._start_visit()
            # Train until the scheduler says otherwise.
            evaluations = self.trainer.train(self.learner, scheduler, self._interval)
            while verdict is Verdict.LEARNING:
                if not waits:  # such a pacing keeps what it has, whatever comes next
                    self.parent, self._parent_state = (
                        self.learner.snapshot(),
                        scheduler.state_dict(),
                    )
                verdict = self._update(*next(evaluations))
            self._interval, self._training = None, False
            # Keep what was trained, or go back to what came to the stage.
            if verdict is Verdict.MASTERED:
                self._measure_retention(visit, stage)
            kept = verdict is Verdict.MASTERED or (
                (not waits or self._ends_with_target(visit)) and not scheduler.diverged
            )
            if not kept:
                self.learner = learn.Learner.of(self.parent, self.device)
            self.parent = self.learner.snapshot()
            self.recorder.visit_ended(visit, stage, verdict, scheduler, self.learner, kept=kept)

    def _start_visit(self) -> Verdict:
        """Start a visit: the stage may be mastered already, or settings are searched for it."""
        scheduler = self.scheduler
        if self.experiment.grows_with_stages:
            shape = learn.shape_of(self.experiment.task, scheduler.largest_stage)
            self.learner = self.learner.grown(shape, seed=self.seed, visit=scheduler.visit)
        self.recorder.visit_started(scheduler, self.learner)
        verdict = Verdict.LEARNING
        # A retune starts from the same parent, which was evaluated before.
        if not scheduler.retuning:
            verdict = self._update(self.trainer.evaluate(self.learner, scheduler))
        if verdict is Verdict.LEARNING and self.tuner.is_due(scheduler):
            self.learner = self.tuner.best(self.learner.snapshot(), scheduler)
            verdict = self._update(self.trainer.evaluate(self.learner, scheduler))
        return verdict

    def _update(self, evaluation: Evaluation, loss: float | None = None) -> Verdict:
        """Have the scheduler decide on an evaluation, and check whether the target is mastered."""
        visit, stage = self.scheduler.visit, self.scheduler.stage
        verdict = self.scheduler.update(evaluation)
        self.recorder.evaluated(visit, stage, evaluation, loss, self.scheduler)
        if not self.scheduler.diverged:
            self._evaluate_target(visit, stage)
        return verdict

    def _evaluate_target(self, visit: int, stage: Stage) -> None:
        """Evaluate the target ahead of the stages below it, where the model is trained on it."""
        history = self.recorder.history
        if self.target_evaluator.is_due(self.learner, stage, history):
            with self.recorder.untimed():
                found = self.target_evaluator.evaluate(self.learner, visit, history)
            if found is not None:
                self.recorder.write(found, self.recorder.clock())

    def _measure_retention(self, visit: int, stage: Stage) -> None:
        """Evaluate the model on all stages, now that it has mastered one."""
        if self.final_evaluator.is_on:
            with self.recorder.untimed():
                scores = self.final_evaluator.retention(self.learner)
            event = RetentionMeasured(visit=visit, stage=stage, scores=scores)
            self.recorder.write(event, self.recorder.clock())

    def _evaluate_finally(self) -> None:
        """Evaluate the final model, on its path and beyond."""
        if self.final_evaluator.is_on:
            for event in self.final_evaluator.evaluate(self.learner, self.recorder.history):
                self.stop.check()
                self.recorder.write(event, self.recorder.clock())

    def _ends_with_target(self, visit: int) -> bool:
        """Whether the run is over in the visit that mastered the target, ahead of its own stage."""
        tests = self.recorder.history.target_evaluations
        mastered = any(test.mastered and test.visit == visit for test in tests)
        return mastered and self.scheduler.finished

    def _save_within_visit(self, interval: learn.TrainingInterval) -> None:
        """Save the state between two steps, and stop there if that was requested."""
        if self.scheduler.pacing.waits_for_mastery:
            state, learner = self.scheduler.state_dict(), self.learner.snapshot()
            self.recorder.save_within_visit(learner, self.scheduler, state, interval)
        else:
            self.recorder.save_within_visit(self.parent, self.scheduler, self._parent_state)
        self.stop.check()

    def _restore(self, saved: SavedState) -> None:
        """Take over a state that was saved."""
        self.learner = saved.learner
        self.scheduler.load_state_dict(dict(saved.state.scheduler))
        self._training = saved.state.training
        self._interval = saved.state.interval
        if self._interval is None:
            self.parent = self.learner.snapshot()
        else:
            self.parent = saved.parent or self.parent


def _failure(error: Exception, experiment: Experiment, scheduler: Scheduler) -> Exception:
    """The error, or if it is one of memory, what to do about it."""
    if not learn.is_out_of_memory(error):
        return error
    name, training = experiment.name, experiment.training
    return RunFailed(
        f"memory ran out on {scheduler.stage} ({str(error).splitlines()[0][:200]}); lower "
        f"training.batch_size ({training.batch_size}) or model.hidden_size "
        f"({experiment.model.hidden_size}), as in 'run {name} --training.batch-size "
        f"{max(1, training.batch_size // 2)}', or criterion.screen and criterion.examples"
    )
