"""The core loop: trains a model from stage to stage, and records each step of the way."""

from collections.abc import Callable, Generator, Iterator

from curriculum import learn
from curriculum.config import Experiment
from curriculum.plan import Evaluation, Stage, Verdict, VisitReason
from curriculum.record import (
    History,
    PredictedExamples,
    Recorder,
    Result,
    ResumePoint,
    RetentionMeasured,
    RolledBack,
    SavedState,
)
from curriculum.runner.failure import failure_of
from curriculum.runner.farthest_learner import FarthestLearner
from curriculum.runner.final_evaluation import FinalEvaluator
from curriculum.runner.stage_learner import stage_learner
from curriculum.runner.target_evaluation import TargetEvaluator
from curriculum.tune import RunSetup, TrialExecutor, Tuner

EXAMPLES = 2
MOST_SYMBOLS = 1_000
"""Longer examples of the final model's predictions would be in the way of a record's readers."""


class CurriculumLoop:
    """A run in progress: trains a learner from its start, or from where it is resumed.

    Attributes:
        scheduler: decides on the stage.
        learner: is trained.
        parent: what the learner goes back to, should its visit be given up.
        best: what it goes back to, should it become worse; None before the visit's first
            evaluation, or where there is no going back.
    """

    def __init__(
        self,
        setup: RunSetup,
        fresh: learn.Learner,
        resume_point: ResumePoint,
        recorder: Recorder,
        executor: TrialExecutor,
        *,
        on_trained: Callable[[History], None] | None = None,
        judged: Experiment | None = None,
    ) -> None:
        """Make ready.

        Args:
            setup: what is run.
            fresh: the learner that every run of that seed starts with.
            resume_point: where the run is resumed.
            recorder: writes down what happens, and keeps the time.
            executor: trains trials.
            on_trained: called once training is over, before the final evaluation.
            judged: whose criterion the final model is judged by; by default what is run.
        """
        experiment, seed, stop = setup.experiment, setup.seed, setup.stop
        self.experiment, self.recorder, self.seed, self.stop = experiment, recorder, seed, stop
        self.device, self._on_trained = setup.device, on_trained
        self.scheduler = experiment.scheduler()
        self.learner, self.parent = fresh, fresh.snapshot()
        self.best: learn.Snapshot | None = None
        # The scheduler's state at the evaluation that `parent` was evaluated in.
        self._parent_state = self.scheduler.state_dict()
        self._first_shape = fresh.shape
        self._interval: learn.TrainingInterval | None = None  # that the run was stopped in
        self._training = False  # whether it is within a visit's training
        self._ending: str | None = None  # why it is to end where it stands
        if resume_point.saved is not None:
            self._load(resume_point.saved)
        cost = self.scheduler.cost if self._interval is None else self._interval.cost
        meter = learn.CostMeter(cost, self.scheduler.discarded_cost, clock=recorder.clock)
        apart = experiment.task.for_stream("tuning")
        self.trainer = learn.Trainer(
            experiment.task,
            seed=seed,
            evaluator=learn.Evaluator(experiment.task, experiment.criterion, seed, apart=apart),
            meter=meter,
            step_hook=learn.StepHook(
                lambda: stop.requested or recorder.checkpoints.is_due, self._save_within_visit
            ),
        )
        self.target_evaluator = TargetEvaluator(experiment, seed=seed)
        self.final_evaluator = FinalEvaluator(judged or experiment, seed=seed)
        self.farthest = FarthestLearner(
            experiment=experiment,
            seed=seed,
            device=self.device,
            recorder=recorder,
            evaluator=self.final_evaluator,
        )
        self.tuner = Tuner(setup, meter=meter, executor=executor, journal=recorder)
        self.tuner.resume(record.event for record in resume_point.known)

    def run(self) -> Result:
        """Run to the end of the path, or of the budget, or until a stop is requested.

        Raises:
            RunFailed: where a run can't continue, for want of memory or room on the disk, say.
        """
        try:
            for _ in self.advance():
                pass
            self._end_training()
            self._evaluate_finally()
        except learn.Stopped:
            return self.recorder.run_interrupted(self.stop.reason)
        except Exception as error:
            failure = failure_of(error, self.experiment, self.scheduler)
            self.recorder.run_failed(failure)
            if failure is error:
                raise
            raise failure from error
        return self.recorder.run_ended(self.learner, self._examples())

    def advance(self) -> Iterator[None]:
        """The core loop: a visit, from evaluation to evaluation, until the scheduler has finished.

        It pauses after evaluations, and goes on when it is asked for the next.
        """
        scheduler, waits = self.scheduler, self.scheduler.pacing.waits_for_mastery
        while not scheduler.finished:
            self.stop.check()
            visit, stage = scheduler.visit, scheduler.stage
            # A visit that is resumed within its training has started already.
            verdict = Verdict.LEARNING if self._training else (yield from self._start_visit())
            self._training = True
            # Train until the scheduler says otherwise, or the run is to end where it stands.
            while verdict in (Verdict.LEARNING, Verdict.WORSENED):
                if verdict is Verdict.LEARNING and self._ending is None:
                    yield
                if verdict is Verdict.LEARNING and self._ending is not None:
                    scheduler.limit_reached, verdict = self._ending, Verdict.ENDED
                    scheduler.finish(self._ending)
                    break
                if not waits:  # such a pacing keeps what it has, whatever comes next
                    self._keep_parent()
                if verdict is Verdict.WORSENED:
                    self._roll_back()
                if verdict is Verdict.WORSENED or scheduler.monitor.in_doubt:
                    verdict = self._update(self.trainer.evaluate(self.learner, scheduler))
                else:
                    found = self.trainer.train(self.learner, scheduler, self._interval)
                    self._interval = None
                    verdict = self._update(found)
            self._end_visit(visit, stage, verdict)
            yield

    def end(self, why: str) -> None:
        """End the run's training where it stands, its visit with it; `why` says so in words."""
        self._ending = why
        self.tuner.end(why)

    def save(self) -> None:
        """Save the state at a pause, as far as it isn't saved already."""
        if not self._training or self.scheduler.finished:
            return
        if not self.scheduler.pacing.waits_for_mastery:
            self._keep_parent()
        interval = self._interval or learn.TrainingInterval(cost=self.trainer.meter.cost)
        self._save_state(interval)

    def _keep_parent(self) -> None:
        """Make the present state the one that the visit goes back to."""
        self.parent, self._parent_state = self.learner.snapshot(), self.scheduler.state_dict()

    def _end_visit(self, visit: int, stage: Stage, verdict: Verdict) -> None:
        """Keep what was trained, or go back to what came to the stage; and record it."""
        scheduler = self.scheduler
        self._interval, self._training, self.best = None, False, None
        if verdict.passed:
            self._measure_retention(visit, stage)
        waits, last = scheduler.pacing.waits_for_mastery, self._ends_with_last
        kept = verdict.passed or (
            (not waits or last or self._ends_with_target(visit)) and not scheduler.diverged
        )
        if not kept:
            self.learner = learn.Learner.of(self.parent, self.device)
        restored = None
        if scheduler.finished and not last:
            self.learner, restored = self.farthest.find(self.learner, scheduler, visit, verdict)
        self.parent = self.learner.snapshot()
        self.recorder.visit_ended(
            visit, stage, verdict, scheduler, self.learner, kept=kept, restored=restored
        )

    def _start_visit(self) -> Generator[None, None, Verdict]:
        """Start a visit: the stage may be mastered already, or settings are searched for it."""
        scheduler = self.scheduler
        if scheduler.visit_reason is VisitReason.FRESH_START:
            self.learner = self._fresh()
            self.parent = self.learner.snapshot()
        self.learner = stage_learner(self.learner, self.experiment, scheduler, seed=self.seed)
        self.recorder.visit_started(scheduler, self.learner)
        verdict = Verdict.LEARNING
        # A retune starts from the same parent, which was evaluated before.
        if not scheduler.retuning:
            verdict = self._update(self.trainer.evaluate(self.learner, scheduler))
        due = self._ending is None and self.tuner.is_due(scheduler)
        if verdict is Verdict.LEARNING and due:
            self.learner = yield from self.tuner.search(self.learner.snapshot(), scheduler)
            if self.tuner.rollbacks is not None:  # or else no trial was selected
                scheduler.rate.count = self.tuner.rollbacks
            verdict = self._update(self.trainer.evaluate(self.learner, scheduler))
        return verdict

    def _roll_back(self) -> None:
        """Go back to the best state of the visit; the learning rate is lower from there on."""
        scheduler = self.scheduler
        assert self.best is not None
        assert scheduler.monitor.best_before is not None
        assert scheduler.decision is not None
        self.learner = learn.Learner.of(self.best, self.device)
        best_step, best_score = scheduler.monitor.best_before
        event = RolledBack(
            visit=scheduler.visit,
            number=scheduler.monitor.rollbacks,
            step=scheduler.visit_cost.steps,
            score=None if scheduler.diverged else scheduler.decision.score,
            best_step=best_step,
            best_score=best_score,
            learning_rate=self.learner.recipe.learning_rate * scheduler.rate.factor,
        )
        self.recorder.write(event)

    def _fresh(self) -> learn.Learner:
        """The learner of the present fresh start."""
        recipe, backtracker = self.experiment.recipe, self.scheduler.backtracker
        rate = recipe.learning_rate * backtracker.fresh_rate_factor
        return learn.Learner.start(
            self._first_shape,
            recipe.replace({learn.LEARNING_RATE: rate}),
            seed=self.seed,
            device=self.device,
            number=backtracker.fresh_starts,
        )

    def _update(self, evaluation: Evaluation) -> Verdict:
        """Have the scheduler decide on an evaluation, and check whether the target is passed."""
        visit, stage = self.scheduler.visit, self.scheduler.stage
        verdict = self.scheduler.update(evaluation)
        self.recorder.evaluated(visit, stage, evaluation, self.scheduler)
        if verdict is Verdict.LEARNING and self.scheduler.monitor.is_best:
            self.best = self.learner.snapshot()
        if not self.scheduler.diverged:
            self._evaluate_target(visit, stage)
        return verdict

    def _evaluate_target(self, visit: int, stage: Stage) -> None:
        """Evaluate the target ahead of the stages below it, where the model is trained on it."""
        history = self.recorder.history
        if self.target_evaluator.is_due(self.learner, stage, history):
            with self.recorder.untimed():
                shared = self.scheduler.counts_of(self.target_evaluator.target)
                screened, tested = self.target_evaluator.evaluate(
                    self.learner, visit, history, shared
                )
            if screened is not None:
                self.recorder.write(screened, self.recorder.clock())
            if tested is not None:
                self.recorder.write(tested, self.recorder.clock())
                if tested.passed:
                    self.recorder.target_mastered(self.learner, self.scheduler)

    def _measure_retention(self, visit: int, stage: Stage) -> None:
        """Evaluate the model on all stages, now that it has passed one."""
        if self.final_evaluator.is_on:
            with self.recorder.untimed():
                scores = self.final_evaluator.retention(self.learner)
            event = RetentionMeasured(visit=visit, stage=stage, scores=scores)
            self.recorder.write(event, self.recorder.clock())

    def _end_training(self) -> None:
        """Say how training ended, before the final evaluation takes its time."""
        reached, ending = self.scheduler.reached_target, self.scheduler.ending or ""
        ahead = self.target_evaluator.target in self.recorder.history.mastered_ahead
        if ahead and not reached:
            word = self.experiment.criterion.verdict
            ending = f"the target is {word} before the stages below it, and {ending}"
        self.recorder.training_ended(reached=reached or ahead, ending=ending)
        if self._on_trained is not None:
            self._on_trained(self.recorder.history)

    def _evaluate_finally(self) -> None:
        """Evaluate the final model, on its path and beyond."""
        if self.final_evaluator.is_on:
            for event in self.final_evaluator.evaluate(self.learner, self.recorder.history):
                self.stop.check()
                self.recorder.write(event, self.recorder.clock())

    def _examples(self) -> PredictedExamples | None:
        """What the final model predicts on a few inputs of the first stage; None of long ones."""
        task, stage = self.experiment.task, self.experiment.growth.path()[0]
        if stage.length > MOST_SYMBOLS:
            return None
        training = self.learner.recipe.training
        batch, notes = learn.select_examples(task, stage, self.seed, EXAMPLES, training)
        found = learn.predict_examples(self.learner, task, batch, notes)
        inputs = found.batch.inputs.tolist()
        if found.batch.inputs.ndim > 2:
            inputs = [map(tuple, each) for each in inputs]
        return PredictedExamples(
            inputs=tuple(map(tuple, inputs)), predictions=tuple(found.predictions.tolist())
        )

    @property
    def _ends_with_last(self) -> bool:
        """Whether the run is over, and to end with the model as it was trained last."""
        scheduler = self.scheduler
        ends = scheduler.finished and not scheduler.diverged
        return ends and scheduler.budget.until == "limit"

    def _ends_with_target(self, visit: int) -> bool:
        """Whether the run is over in the visit that passed the target, ahead of its own stage."""
        tests = self.recorder.history.target_evaluations
        passed = any(test.passed and test.visit == visit for test in tests)
        return passed and self.scheduler.finished

    def _save_within_visit(self, interval: learn.TrainingInterval) -> None:
        """Save the state between two steps, and stop there if that was requested."""
        self._save_state(interval)
        self.stop.check()

    def _save_state(self, interval: learn.TrainingInterval) -> None:
        """Save the state within a visit; where it waits for no mastery, as it was at its last evaluation."""
        if self.scheduler.pacing.waits_for_mastery:
            state, learner = self.scheduler.state_dict(), self.learner.snapshot()
            self.recorder.save_within_visit(learner, self.scheduler, state, interval, self.best)
        else:
            self.recorder.save_within_visit(self.parent, self.scheduler, self._parent_state)

    def _load(self, saved: SavedState) -> None:
        """Take over a state that was saved."""
        self.learner = saved.learner
        self.scheduler.load_state_dict(dict(saved.state.scheduler))
        self._training = saved.state.training
        self._interval = saved.state.interval
        if self._interval is None:
            self.parent = self.learner.snapshot()
        else:
            self.parent = saved.parent or self.parent
            self.best = saved.best
            if self.scheduler.visit_reason is VisitReason.FRESH_START:
                self.parent = self._fresh().snapshot()
