"""The core loop: walks a model up the path, and writes down each step of the way."""

from __future__ import annotations

from curriculum.ahead import LookAhead
from curriculum.errors import RunFailed
from curriculum.experiment import Experiment
from curriculum.learn.examiner import Examiner
from curriculum.learn.learner import Learner
from curriculum.learn.memory import is_out_of_memory
from curriculum.learn.meter import Meter
from curriculum.learn.stop import Stop, Stopped
from curriculum.learn.task import shape_of
from curriculum.learn.training import Interval, Pause, Trainer
from curriculum.plan import Look, Scheduler, Stage, Verdict
from curriculum.record.history import Result
from curriculum.record.recorder import Recorder
from curriculum.record.standing import Saved, Standing
from curriculum.retesting import Retest
from curriculum.tune.field import Field
from curriculum.tune.tuner import Tuner

__all__ = ["Walk"]


class Walk:
    """A run under way: walks a learner up the path, from its beginning or from where it stands.

    Attributes:
        scheduler: decides on the stage.
        learner: climbs.
        parent: what the learner goes back to, should its visit be given up.
    """

    def __init__(
        self,
        experiment: Experiment,
        fresh: Learner,
        standing: Standing,
        recorder: Recorder,
        field: Field,
        *,
        seed: int,
        stop: Stop,
    ) -> None:
        """Make ready.

        Args:
            experiment: what is run.
            fresh: the learner that every run of that seed begins with.
            standing: where the run stands on disk.
            recorder: writes down what happens, and keeps the time.
            field: where trials are trained.
            seed: the run's.
            stop: asks the run to stop.
        """
        self.experiment, self.recorder, self.seed, self.stop = experiment, recorder, seed, stop
        self.device = fresh.device
        self.scheduler = experiment.scheduler()
        self.learner, self.parent = fresh, fresh.snapshot()
        self._stood = self.scheduler.state_dict()  # at the look that `parent` was examined in
        self._since: Interval | None = None  # how far training had come when the run stopped
        self._training = False  # whether that was amid a visit's training
        if standing.saved is not None:
            self._stand(standing.saved)
        spent = self.scheduler.spent if self._since is None else self._since.spent
        meter = Meter(spent, self.scheduler.lost, clock=recorder.clock)
        examiner = Examiner(experiment.task, experiment.criterion, seed)
        pause = Pause(lambda: stop.requested or recorder.is_due, self._pause)
        self.ahead = LookAhead(experiment, seed=seed)
        self.retest = Retest(experiment, seed=seed)
        self.trainer = Trainer(
            experiment.task, seed=seed, examiner=examiner, meter=meter, pause=pause
        )
        self.tuner = Tuner(
            experiment,
            seed=seed,
            device=self.device,
            meter=meter,
            field=field,
            write=recorder.tuning,
            recall=recorder.recall_rounds,
        )
        self.tuner.remember(standing.known)

    def to_its_end(self) -> Result:
        """Walk to the end of the path, or of the budget, or until asked to stop.

        Raises:
            RunFailed: for what a run can't go on without, such as memory or room on the disk.
        """
        scheduler = self.scheduler
        try:
            self._loop()
            self._retest()
        except Stopped:
            return self.recorder.stopped("interrupted", self.stop.reason)
        except Exception as error:
            failure = _failure(error, self.experiment, scheduler)
            self.recorder.fail(failure)
            if failure is error:
                raise
            raise failure from error
        status, ending = (
            "reached" if scheduler.reached_target else "stopped",
            scheduler.ending or "",
        )
        ahead = scheduler.path[-1].key in self.recorder.history.ahead
        if ahead and not scheduler.reached_target:
            status = "reached"
            ending = f"the last stage of the path is mastered, ahead of others, and {ending}"
        return self.recorder.end(status, ending, self.learner)

    def _loop(self) -> None:
        """The core loop."""
        scheduler, listens = self.scheduler, self.scheduler.pacing.listens
        while not scheduler.finished:
            self.stop.check()
            visit, stage = scheduler.visit, scheduler.stage
            verdict = Verdict.LEARNING if self._training else self._enter()
            looks = self.trainer.train(self.learner, scheduler, self._since)
            while verdict is Verdict.LEARNING:
                if not listens:  # what stays, whatever the next look says
                    self.parent, self._stood = self.learner.snapshot(), scheduler.state_dict()
                verdict = self._judge(*next(looks))
            self._since, self._training = None, False
            if verdict is Verdict.MASTERED:
                self._retain(visit, stage)
            kept = verdict is Verdict.MASTERED or (
                (not listens or self._ends_with_the_target(visit)) and not scheduler.diverged
            )
            if not kept:
                self.learner = Learner.of(self.parent, self.device)
            self.parent = self.learner.snapshot()
            self.recorder.verdict(visit, stage, verdict, scheduler, self.learner, kept=kept)

    def _ends_with_the_target(self, visit: int) -> bool:
        """Whether the walk is over in the visit that mastered the target, ahead of its own stage."""
        tests = self.recorder.history.tests_ahead
        mastered = any(test["mastered"] and test["visit"] == visit for test in tests)
        return mastered and self.scheduler.finished

    def _retest(self) -> None:
        """Test the final model again, on its path and beyond."""
        if self._certifies:
            for content in self.retest.of_final(self.learner, self.recorder.history):
                self.stop.check()
                self.recorder.finding("retest", content)

    def _retain(self, visit: int, stage: Stage) -> None:
        """See what the model makes of all stages, now that it has mastered one."""
        if self._certifies:
            with self.recorder.apart():
                scores = self.retest.retention(self.learner)
            content = {"visit": visit, "stage": stage.key, "scores": scores}
            self.recorder.finding("retention", content)

    @property
    def _certifies(self) -> bool:
        return self.experiment.certificate.mode == "on"

    def _enter(self) -> Verdict:
        """Begin a visit: perhaps the stage is mastered without training, or settings are searched."""
        scheduler = self.scheduler
        if self.experiment.grows_with_stages:
            shape = shape_of(self.experiment.task, scheduler.largest)
            self.learner = self.learner.grown(shape, seed=self.seed, visit=scheduler.visit)
        self.recorder.visit(scheduler, self.learner)
        verdict = Verdict.LEARNING
        if not scheduler.retuning:
            verdict = self._judge(self.trainer.look(self.learner, scheduler))
        if verdict is Verdict.LEARNING and self.tuner.is_due(scheduler):
            self.learner = self.tuner.best(self.learner.snapshot(), scheduler)
            verdict = self._judge(self.trainer.look(self.learner, scheduler))
        return verdict

    def _judge(self, look: Look, loss: float | None = None) -> Verdict:
        visit, stage = self.scheduler.visit, self.scheduler.stage
        verdict = self.scheduler.update(look)
        self.recorder.look(visit, stage, look, loss, self.scheduler)
        if not self.scheduler.diverged:
            self._look_ahead(visit, stage)
        return verdict

    def _look_ahead(self, visit: int, stage: Stage) -> None:
        """See whether the target is mastered already, where the model is trained on it."""
        history = self.recorder.history
        if self._certifies and self.ahead.is_due(self.learner, stage, history):
            with self.recorder.apart():
                found = self.ahead.take(self.learner, visit, history)
            if found is not None:
                self.recorder.finding("ahead", found)

    def _pause(self, interval: Interval) -> None:
        """Save the state between two steps, and stop there if that was asked for."""
        if self.scheduler.pacing.listens:
            standing = self.scheduler.state_dict()
            self.recorder.pause(self.learner.snapshot(), self.scheduler, standing, interval)
        else:
            self.recorder.pause(self.parent, self.scheduler, self._stood)
        self.stop.check()

    def _stand(self, saved: Saved) -> None:
        """Take over a state that was saved."""
        self.learner = saved.learner
        self.scheduler.load_state_dict(saved.state["scheduler"])
        self._training = saved.state["training"]
        if saved.state["interval"] is None:
            self.parent = self.learner.snapshot()
        else:
            self._since = Interval.from_state_dict(saved.state["interval"])
            self.parent = saved.parent or self.parent


def _failure(error: Exception, experiment: Experiment, scheduler: Scheduler) -> Exception:
    """The error, or if it is one of memory, what to do about it."""
    if not is_out_of_memory(error):
        return error
    name, training = experiment.name, experiment.training
    return RunFailed(
        f"memory ran out on {scheduler.stage} ({str(error).splitlines()[0][:200]}); lower "
        f"training.batch_size ({training.batch_size}) or model.hidden_size "
        f"({experiment.model.hidden_size}), as in 'run {name} --training.batch-size "
        f"{max(1, training.batch_size // 2)}', or criterion.screen and criterion.examples"
    )
