"""The core loop: trains a model from stage to stage, and records each step of the way."""

from collections.abc import Callable

from curriculum import learn
from curriculum.config import Experiment
from curriculum.errors import RunFailed
from curriculum.plan import Evaluation, Scheduler, Stage, Verdict, VisitReason
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
from curriculum.runner.final_evaluation import FinalEvaluator
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
    ) -> None:
        """Make ready.

        Args:
            setup: what is run.
            fresh: the learner that every run of that seed starts with.
            resume_point: where the run is resumed.
            recorder: writes down what happens, and keeps the time.
            executor: trains trials.
            on_trained: called once training is over, before the final evaluation.
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
        self._training = False  # whether it was stopped within a visit's training
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
            self._end_training()
            self._evaluate_finally()
        except learn.Stopped:
            return self.recorder.run_interrupted(self.stop.reason)
        except Exception as error:
            failure = _failure(error, self.experiment, self.scheduler)
            self.recorder.run_failed(failure)
            if failure is error:
                raise
            raise failure from error
        return self.recorder.run_ended(self.learner, self._examples())

    def _visit_stages(self) -> None:
        """The core loop: a visit, from evaluation to evaluation, until the scheduler has finished."""
        scheduler, waits = self.scheduler, self.scheduler.pacing.waits_for_mastery
        while not scheduler.finished:
            self.stop.check()
            visit, stage = scheduler.visit, scheduler.stage
            # A visit that is resumed within its training has started already.
            verdict = Verdict.LEARNING if self._training else self._start_visit()
            # Train until the scheduler says otherwise.
            while verdict in (Verdict.LEARNING, Verdict.WORSENED):
                if not waits:  # such a pacing keeps what it has, whatever comes next
                    self.parent, self._parent_state = (
                        self.learner.snapshot(),
                        scheduler.state_dict(),
                    )
                if verdict is Verdict.WORSENED:
                    self._roll_back()
                if verdict is Verdict.WORSENED or scheduler.monitor.in_doubt:
                    verdict = self._update(self.trainer.evaluate(self.learner, scheduler))
                else:
                    found = self.trainer.train(self.learner, scheduler, self._interval)
                    self._interval = None
                    verdict = self._update(found)
            self._interval, self._training, self.best = None, False, None
            # Keep what was trained, or go back to what came to the stage.
            if verdict.passed:
                self._measure_retention(visit, stage)
            lasts = not waits or self._ends_with_last or self._ends_with_target(visit)
            kept = verdict.passed or (lasts and not scheduler.diverged)
            if not kept:
                self.learner = learn.Learner.of(self.parent, self.device)
            restored = self._restore_farthest(visit, verdict)
            self.parent = self.learner.snapshot()
            self.recorder.visit_ended(
                visit, stage, verdict, scheduler, self.learner, kept=kept, restored=restored
            )

    def _start_visit(self) -> Verdict:
        """Start a visit: the stage may be mastered already, or settings are searched for it."""
        scheduler = self.scheduler
        if scheduler.visit_reason is VisitReason.FRESH_START:
            self.learner = self._fresh()
            self.parent = self.learner.snapshot()
        if self.experiment.grows_with_stages:
            shape = self.experiment.task.shape(scheduler.largest_stage)
            self.learner = self.learner.grown(shape, seed=self.seed, visit=scheduler.visit)
        self.recorder.visit_started(scheduler, self.learner)
        verdict = Verdict.LEARNING
        # A retune starts from the same parent, which was evaluated before.
        if not scheduler.retuning:
            verdict = self._update(self.trainer.evaluate(self.learner, scheduler))
        if verdict is Verdict.LEARNING and self.tuner.is_due(scheduler):
            self.learner = self.tuner.best(self.learner.snapshot(), scheduler)
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

    def _restore_farthest(self, visit: int, verdict: Verdict) -> int | None:
        """Where the run ends short of its target, go back to the model that got farthest.

        Gives the number of the visit that this model passed its stage in; None where the model
        is that one already. Where training went on after that, the model is gone back to only if
        the last one is significantly worse.
        """
        scheduler, history = self.scheduler, self.recorder.history
        if not scheduler.finished or scheduler.reached_target or self._ends_with_last:
            return None
        target = self.target_evaluator.target
        if target in history.mastered_ahead:
            number = next(test.visit for test in history.target_evaluations if test.passed)
            farthest = self.recorder.checkpoints.learner_of_target(self.experiment, self.device)
            return self._restore(farthest, number, if_worse_on=target)
        if scheduler.reach is None:
            return None
        if verdict.passed and history.visits[visit].stage == scheduler.reach:
            return None
        last = history.last_mastered_in(scheduler.reach)
        assert last is not None, "the reach was passed"
        farthest = self.recorder.checkpoints.learner_after(last, self.experiment, self.device)
        waits = scheduler.pacing.waits_for_mastery
        return self._restore(farthest, last, if_worse_on=None if waits else scheduler.reach)

    def _restore(
        self, farthest: learn.Learner, visit: int, *, if_worse_on: Stage | None
    ) -> int | None:
        """Go back to a learner of that visit; None where the present one is it, or no worse."""
        if not self.experiment.grows_with_stages:  # the path may have been lengthened since
            farthest = farthest.grown(self.experiment.shape, seed=self.seed, visit=visit)
        if learn.weights_sha256(farthest.model) == learn.weights_sha256(self.learner.model):
            return None
        if if_worse_on is not None and not self.final_evaluator.is_worse(
            self.learner, farthest, if_worse_on
        ):
            return None
        self.learner = farthest
        return visit

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
                found = self.target_evaluator.evaluate(self.learner, visit, history, shared)
            for event in found:
                if event is not None:
                    self.recorder.write(event, self.recorder.clock())
            if found[1] is not None and found[1].passed:
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
        if self.scheduler.pacing.waits_for_mastery:
            state, learner = self.scheduler.state_dict(), self.learner.snapshot()
            self.recorder.save_within_visit(learner, self.scheduler, state, interval, self.best)
        else:
            self.recorder.save_within_visit(self.parent, self.scheduler, self._parent_state)
        self.stop.check()

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


def _failure(error: Exception, experiment: Experiment, scheduler: Scheduler) -> Exception:
    """The error, or if it is one of memory, what to do about it."""
    if not learn.is_out_of_memory(error):
        return error
    name, training = experiment.name, experiment.training
    return RunFailed(
        f"memory ran out on {experiment.axis_names.words(scheduler.stage)} ({str(error).splitlines()[0][:200]}); lower "
        f"training.batch_size ({training.batch_size}) or model.hidden_size "
        f"({experiment.model.hidden_size}), as in 'run {name} --training.batch-size "
        f"{max(1, training.batch_size // 2)}', or criterion.screen and criterion.examples"
    )
