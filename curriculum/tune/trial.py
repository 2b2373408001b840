"""One trial: a learner under settings of its own, trained and evaluated on the tuning stream."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from curriculum import learn
from curriculum.config import Settings
from curriculum.plan import EvaluationCounts, Scheduler
from curriculum.record import TrialReport
from curriculum.tune.run_setup import RunSetup


class Trial:
    """Starts from the parent's function, and advances from evaluation to evaluation.

    It trains on the batches that the visit trains on, in the same order as all others,
    and never sees the streams `gate` and `certificate`.
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
            learn.tuning_task_of(task), scheduler.criterion, seed, f"tuning/{scheduler.visit}"
        )
        step_hook = learn.StepHook(lambda: stop.requested, lambda _: stop.check())
        self._trainer = learn.Trainer(
            task, seed=seed, evaluator=evaluator, meter=self.meter, step_hook=step_hook
        )
        # The visit's own first evaluation, which took no step, counts against its budget too.
        self._cost_before = scheduler.visit_cost.without_clock()
        self._counts = EvaluationCounts()

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
        )
        loss = interval.mean_loss
        diverged = learn.divergence(self.learner, loss)
        if diverged is not None:
            return self._failed(diverged, loss)
        # The same criterion as the gate's, on a stream and with counts of the trial's own.
        criterion, least = scheduler.criterion, scheduler.min_steps
        steps = self.meter.cost.steps
        evaluation, tokens = self._trainer.evaluator.evaluate(
            self.learner,
            scheduler.stage,
            self._counts,
            full_test=self._counts.wants_full_test(criterion, steps=steps, min_steps=least),
        )
        self.meter.add_evaluation(tokens, self.learner.parameters)
        decision = self._counts.decide(criterion, evaluation, steps=steps, min_steps=least)
        found = self._report(loss=loss, score=decision.score, reason=decision.reason)
        if decision.mastered:
            return replace(found, mastered=True)
        limit = scheduler.budget.visit_limit_reached(self._cost_before + found.cost)
        return replace(found, ending=limit)

    def _failed(self, why: str, loss: float | None) -> TrialReport:
        return self._report(loss=loss, score=None, ending=why, diverged=True, reason=why)

    def _report(self, **findings: Any) -> TrialReport:
        return TrialReport(trial=self.number, cost=self.meter.cost.without_clock(), **findings)
