"""One trial: a learner under settings of its own, trained and evaluated on the tuning stream."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from curriculum import learn
from curriculum.config import Settings
from curriculum.plan import Evaluation, EvaluationCounts, Scheduler
from curriculum.record import TrialReport
from curriculum.tune.run_setup import RunSetup


class Trial:
    """Starts from the parent's function, and advances from evaluation to evaluation.

    It trains on the batches that the visit trains on, in the same order as all others,
    and never sees the streams `gate` and `certificate`. It goes back to its best state where it
    has become worse, as a visit does.
    """

    def __init__(
        self,
        number: int,
        settings: Settings,
        parent: learn.Snapshot,
        scheduler: Scheduler,
        setup: RunSetup,
    ) -> None:
        self.number = number
        self.scheduler = scheduler
        self.meter = learn.CostMeter()
        self._start = partial(
            learn.Learner.continuing,
            parent,
            parent.recipe.replace(settings),
            setup.device,
            seed=setup.seed,
            visit=scheduler.visit,
            trial=number,
            cold=setup.experiment.tuning.cold_start,
        )
        self._learner: learn.Learner | None = None
        self._kept: learn.Snapshot | None = None
        task, seed, stop = setup.experiment.task, setup.seed, setup.stop
        evaluator = learn.Evaluator(
            task.for_stream("tuning"), scheduler.criterion, seed, f"tuning/{scheduler.visit}"
        )
        step_hook = learn.StepHook(lambda: stop.requested, lambda _: stop.check())
        self._trainer = learn.Trainer(
            task, seed=seed, evaluator=evaluator, meter=self.meter, step_hook=step_hook
        )
        # The visit's own first evaluation, which took no step, counts against its budget too.
        self._cost_before = scheduler.visit_cost.without_clock()
        self._counts = EvaluationCounts()
        self._monitor = scheduler.new_monitor()
        self._best: learn.Snapshot | None = None

    @property
    def learner(self) -> learn.Learner:
        """What the trial has made of the parent so far."""
        if self._learner is None:
            self._learner = self._start()
        return self._learner

    @property
    def before(self) -> learn.Snapshot:
        """The learner as it was before the last `advance`, which must have had `keep` set."""
        assert self._kept is not None
        return self._kept

    def advance(self, *, keep: bool = False) -> TrialReport:
        """Train to the next evaluation, and evaluate; `keep` the learner as it was before.

        Where memory runs out, the trial is over, and says so.
        """
        try:
            self._kept = self.learner.snapshot() if keep else None
            return self._advance()
        except learn.OUT_OF_MEMORY as error:
            if not learn.is_out_of_memory(error):
                raise
            return self._failed(f"memory ran out: {str(error).splitlines()[0]}", None)

    def _advance(self) -> TrialReport:
        scheduler, steps = self.scheduler, self.meter.cost.steps
        left = scheduler.budget.steps_per_stage - steps
        interval = self._trainer.take_steps(
            self.learner,
            scheduler,
            visit=scheduler.visit,
            start=steps,
            count=min(self.learner.recipe.training.eval_every, left),
            rate_factor=scheduler.rollback.factor**self._monitor.rollbacks,
        )
        loss = interval.mean_loss
        diverged = learn.divergence(self.learner, loss)
        if diverged is None:
            report = self._evaluate(loss, train_loss=loss)
        else:
            report = self._diverged(loss, Evaluation(divergence=diverged))
        # Another evaluation shows whether it has become worse, or how good its best state really is.
        while not report.passed and report.ending is None and self._is_unsettled:
            if self._monitor.worsened:
                assert self._best is not None
                self._learner = learn.Learner.of(self._best, self.learner.device)
                self._monitor.roll_back(steps=self.meter.cost.steps)
            report = self._evaluate(loss)
        return report

    @property
    def _is_unsettled(self) -> bool:
        return self._monitor.in_doubt or self._monitor.worsened

    def _diverged(self, loss: float, found: Evaluation) -> TrialReport:
        self._monitor.observe(found, steps=self.meter.cost.steps)
        ending = self._monitor.limit_reached(found)
        if ending is not None:
            return self._failed(ending, loss)
        return self._report(loss=loss, score=None)

    def _evaluate(self, loss: float, *, train_loss: float | None = None) -> TrialReport:
        # The same criterion as the gate's, on a stream and with counts of the trial's own.
        scheduler, steps = self.scheduler, self.meter.cost.steps
        criterion, least = scheduler.criterion, scheduler.min_steps
        evaluation, compute = self._trainer.evaluator.evaluate(
            self.learner,
            scheduler.stage,
            self._counts,
            full_test=self._counts.wants_full_test(criterion, steps=steps, min_steps=least),
        )
        evaluation = replace(evaluation, train_loss=train_loss)
        self.meter.add_evaluation(compute)
        decision = self._counts.decide(criterion, evaluation, steps=steps, min_steps=least)
        objective = None if decision.score is None else criterion.objective(decision.score)
        found = self._report(
            loss=loss, score=decision.score, objective=objective, reason=decision.reason
        )
        if decision.passed:
            return replace(found, mastered=decision.mastered, ready=decision.ready)
        self._monitor.observe(evaluation, steps=steps)
        if self._monitor.is_best:
            self._best = self.learner.snapshot()
        cost = self._cost_before + found.cost
        limit = scheduler.budget.visit_limit_reached(cost)
        return replace(found, ending=limit or self._monitor.limit_reached(evaluation))

    def _failed(self, why: str, loss: float | None) -> TrialReport:
        return self._report(loss=loss, score=None, ending=why, diverged=True, reason=why)

    def _report(self, **findings: Any) -> TrialReport:
        return TrialReport(
            trial=self.number,
            cost=self.meter.cost.without_clock(),
            rollbacks=self._monitor.rollbacks,
            **findings,
        )
