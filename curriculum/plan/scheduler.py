"""The state machine that decides which stage a model is trained and evaluated on."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from curriculum.plan.budget import Budget
from curriculum.plan.cost import Cost
from curriculum.plan.criterion import Mastery
from curriculum.plan.decision import Criterion, Decision
from curriculum.plan.evaluation import Evaluation
from curriculum.plan.evaluation_counts import EvaluationCounts
from curriculum.plan.growth import Growth
from curriculum.plan.pacing.gated import Gated
from curriculum.plan.pacing.pacing import Pacing
from curriculum.plan.path_position import PathPosition
from curriculum.plan.recovery.backtracking import Backtracker, Backtracking
from curriculum.plan.recovery.rollback import RateReductions, Rollback
from curriculum.plan.recovery.visit_monitor import VisitMonitor
from curriculum.plan.sampling.current import Current
from curriculum.plan.sampling.feedback import Feedback
from curriculum.plan.sampling.sampler import Rng, Sampling
from curriculum.plan.stage import Stage
from curriculum.plan.stage_sampler import StageSampler
from curriculum.plan.verdict import Verdict, VisitReason

PLAIN = ("visit", "retuning", "finished", "ending", "compute_before")
COSTS = ("cost", "discarded_cost", "cost_before")
STATEFUL = ("_position", "_sampler", "backtracker", "rate", "monitor")
"""The parts of a scheduler's state: as they are, costs, and what has a state of its own."""


class Scheduler:
    """Holds a stage until evaluations show that it is mastered or ready, or its budget is used up.

    Use it alone, in any training loop, by `stage`, `update(evaluation)` and `finished`:

    >>> from curriculum.plan import Arithmetic
    >>> growth = Arithmetic(start=Stage(2), end=Stage(3))
    >>> scheduler = Scheduler(growth, Mastery(threshold=0.9))
    >>> evaluation = Evaluation.from_counts(correct=500, examples=500, steps=10)
    >>> scheduler.update(evaluation), scheduler.stage.length
    (<Verdict.MASTERED: 'mastered'>, 3)

    `allows` tells whether a stage between two of the path's can be made, for half steps;
    `tuned` says that there is a tuner, for retunes. With `rollback`, the loop keeps the model
    whenever `monitor.is_best`, and goes back to it at the verdict `WORSENED`, its learning rate
    multiplied by `rate.factor`; with fresh starts in `backtracking` it makes a new model for a
    visit of that reason. By default there is neither.

    Attributes:
        path: the nominal stages. Visits may repeat them, skip some, or fall between.
        stage: the stage to train on and to evaluate. The last one when finished.
        visit: the number of the visit, from 0.
        visit_reason: why this visit is made.
        retuning: whether this visit tries its stage again from the same parent, with more trials.
        decision: what was decided on the last evaluation; None before the first.
        monitor: tells whether the visit is getting better, worse, or nowhere.
        limit_reached: why the last evaluation ended the visit short of mastery, in words;
            None where it did not.
        diverged: whether the last evaluation found a loss or weights that are no finite numbers.
        cost: of the run up to its last evaluation, without discarded trials.
        discarded_cost: of the run's discarded trials up to its last evaluation.
        cost_before: of the run when the visit began.
        compute_before: of the run, with discarded trials, when the visit began.
        rate: how far the learning rate is reduced, by rollbacks.
        backtracker: chooses what to try after an exhausted visit.
        finished: whether there is nothing left to do.
        ending: why it finished, in words; None before.
    """

    def __init__(
        self,
        growth: Growth,
        criterion: Criterion | None = None,
        *,
        budget: Budget | None = None,
        backtracking: Backtracking | None = None,
        rollback: Rollback | None = None,
        pacing: Pacing | None = None,
        sampling: Sampling | None = None,
        allows: Callable[[Stage], bool] = lambda _: True,
        tuned: bool = False,
    ) -> None:
        self._position = PathPosition(growth)
        self.path = self._position.path
        self._criteria: Criterion = criterion or Mastery()
        self.budget = budget or Budget()
        self.backtracking = backtracking or Backtracking(fresh_starts=0)
        self.pacing = pacing or Gated()
        # A pacing that does not listen keeps what it has, whatever the evaluations say.
        listens = self.pacing.waits_for_mastery
        self.rollback = rollback if rollback and listens else Rollback(times=0)
        self.sampling = sampling or Current()
        self._sampler = StageSampler(self._position, self.pacing, self.sampling, self.budget)
        self.backtracker = Backtracker(self.backtracking, self._position, allows, tuned)
        self.rate = RateReductions(self.rollback.factor)
        self.stage = self.path[0]
        self.visit = 0
        self.visit_reason = VisitReason.ADVANCE
        self.retuning = False
        self.decision: Decision | None = None
        self.limit_reached: str | None = None
        self.diverged = self.finished = False
        self.ending: str | None = None
        self._counts: defaultdict[str, EvaluationCounts] = defaultdict(EvaluationCounts)
        self.cost = self.discarded_cost = self.cost_before = Cost()
        self.compute_before = 0.0
        self.monitor = self.new_monitor()

    @property
    def frontier(self) -> Stage:
        """The hardest stage to train on at present."""
        return self._sampler.frontier(self._stages, self._run_cost())

    @property
    def criterion(self) -> Criterion:
        """What it takes to pass the stage; a half step takes what the stage that it leads to does."""
        return self._criteria.at(self._position.stage, target=self.stage == self.path[-1])

    @property
    def reach(self) -> Stage | None:
        """The hardest stage of the path passed; None before the first."""
        return self.path[self._position.reach] if self._position.reach >= 0 else None

    @property
    def reached_target(self) -> bool:
        """Whether the last stage of the path was passed."""
        return self._position.reach == self._position.last

    @property
    def continues(self) -> bool:
        """Whether the target is passed, and trained on until the run's budget is used up."""
        return self.visit_reason is VisitReason.CONTINUATION

    @property
    def counts(self) -> EvaluationCounts:
        """How often the stage was evaluated, over all its visits."""
        return self.counts_of(self.stage)

    @property
    def visit_cost(self) -> Cost:
        """What this visit has cost, up to its last evaluation."""
        return self.cost_of_visit(self.cost)

    @property
    def steps_left(self) -> int:
        """How many more steps the budget of the visit and of the run allow."""
        if not self.pacing.waits_for_mastery or self.continues:
            return self.budget.run_steps_left(self._run_cost())
        return self.budget.steps_left(self.visit_cost, self._run_cost())

    @property
    def next_batch(self) -> tuple[int, int]:
        """The visit and the step that number the next training batch.

        A pacing that doesn't wait for mastery makes the run one long visit: what is trained on
        does not depend on how the evaluations went.
        """
        if not self.pacing.waits_for_mastery:
            return 0, self.cost.steps
        return self.visit, self.visit_cost.steps

    @property
    def min_steps(self) -> int:
        """How many steps this visit takes before it may end in mastery."""
        if self.visit_reason is not VisitReason.DEMOTION:
            return self.criterion.min_steps
        consolidation = min(self.backtracking.consolidation_steps, self.budget.steps_per_stage)
        return max(consolidation, self.criterion.min_steps)

    @property
    def largest_stage(self) -> Stage:
        """The greatest length and vocabulary that this visit's batches may have."""
        return self._sampler.largest_stage(self.stage, self._run_cost())

    def cost_of_visit(self, cost: Cost) -> Cost:
        """Of what the run has cost, what this visit has."""
        return cost - self.cost_before

    def counts_of(self, stage: Stage) -> EvaluationCounts:
        """How often a stage was evaluated, over all visits."""
        return self._counts[stage.key]

    def wants_full_test(self, cost: Cost) -> bool:
        """Whether a full test on fresh examples could end the visit in a pass, at that cost."""
        counts, steps = self.counts, self.cost_of_visit(cost).steps
        wanted = counts.wants_full_test(self.criterion, steps=steps, min_steps=self.min_steps)
        return wanted and not self.continues

    def new_monitor(self) -> VisitMonitor:
        """What watches a visit to the stage, or a trial on it, from its first evaluation on."""
        waits = self.pacing.waits_for_mastery and self._criteria.uses_patience
        return VisitMonitor(
            self.rollback,
            patience=self.backtracker.patience if waits and not self.continues else 0,
            examples=self.criterion.screen,
            lower_is_better=self._criteria.lower_is_better,
        )

    def sample_stage(self, rng: Rng, cost: Cost | None = None) -> Stage:
        """A stage to train on; `cost` is the run's by now, for a pacing that uses a clock."""
        return self._sampler.sample(rng, self._stages, self._run_cost(cost))

    def sample_mixture(
        self, rng: Rng, batch_size: Callable[[Stage], int], cost: Cost | None = None
    ) -> dict[Stage, int]:
        """How many examples of which stages the next batch has; see `StageSampler.sample_mixture`."""
        return self._sampler.sample_mixture(rng, self._stages, self._run_cost(cost), batch_size)

    def observe(self, rng: Rng, stage: Stage, feedback: Feedback) -> None:
        """Tell a sampling that learns what a step on `stage`, which it drew, has shown."""
        self._sampler.observe(rng, self._stages, stage, feedback)

    def update(self, evaluation: Evaluation) -> Verdict:
        """Decide on an evaluation of the stage, on the `gate` stream, and move on if it says so.

        Raises:
            RuntimeError: when the scheduler has finished.
            ValueError: for an evaluation on another stream.
        """
        if self.finished:
            raise RuntimeError("the scheduler has finished, and takes no more evaluations")
        if evaluation.stream != "gate":
            raise ValueError(f"only the stream 'gate' is decided on, got {evaluation.stream!r}")
        self.cost, self.discarded_cost = evaluation.cost, evaluation.discarded_cost
        self.diverged = evaluation.divergence is not None
        self.decision = self.counts.decide(
            self.criterion, evaluation, steps=self.visit_cost.steps, min_steps=self.min_steps
        )
        self.limit_reached = None
        # Mastery first: a stage that is mastered with the last step of its budget is mastered.
        if self.decision.passed and not (self.diverged or self.continues):
            self._advance()
            return self._criteria.verdict
        self.monitor.observe(evaluation, steps=self.visit_cost.steps)
        self.limit_reached = self._limit_reached(evaluation)
        if self.limit_reached is None and self.monitor.worsened:
            self.monitor.roll_back(steps=self.visit_cost.steps)
            self.rate.count += 1
            return Verdict.WORSENED
        if self.limit_reached is None:
            return Verdict.LEARNING
        self._backtrack(self.limit_reached)
        return Verdict.EXHAUSTED

    def state_dict(self) -> dict[str, Any]:
        """The state as JSON. Path and settings are not kept: the experiment rebuilds them."""
        return {
            "stage": self.stage.key,
            "visit_reason": self.visit_reason.value,
            "counts": {key: asdict(counts) for key, counts in self._counts.items()},
            **{name: getattr(self, name) for name in PLAIN},
            **{name.strip("_"): getattr(self, name).state_dict() for name in STATEFUL},
            **{name: asdict(getattr(self, name)) for name in COSTS},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` gave, under the same settings."""
        self.stage = Stage.from_key(state["stage"])
        self.visit_reason = VisitReason(state["visit_reason"])
        self.decision, self.limit_reached, self.diverged = None, None, False
        counts = {key: EvaluationCounts(**values) for key, values in state["counts"].items()}
        self._counts = defaultdict(EvaluationCounts, counts)
        for name in PLAIN:
            setattr(self, name, state[name])
        for name in COSTS:
            setattr(self, name, Cost(**state[name]))
        for name in STATEFUL:
            if name == "monitor":  # whose patience follows from the others
                self.monitor = self.new_monitor()
            getattr(self, name).load_state_dict(state[name.strip("_")])

    def _run_cost(self, cost: Cost | None = None) -> Cost:
        """All that the run has cost, discarded trials included; see `sample_stage`."""
        return (self.cost if cost is None else cost) + self.discarded_cost

    @property
    def _stages(self) -> Sequence[Stage]:
        """The path, with the stage that a half step puts in place of one."""
        aim = self._position.aim
        if self.stage == self.path[aim]:  # at almost all steps: long paths are not copied
            return self.path
        return (*self.path[:aim], self.stage, *self.path[aim + 1 :])

    def _limit_reached(self, evaluation: Evaluation) -> str | None:
        """Why the visit can't end in mastery any more, in words; None while it may."""
        run = self._run_cost()
        if self.continues or not self.pacing.waits_for_mastery:
            return self.monitor.limit_reached(evaluation) or self.budget.run_limit_reached(run)
        return (
            self.monitor.limit_reached(evaluation)
            or self.counts.limit_reached(self.criterion, evaluation)
            or self.budget.limit_reached(self.visit_cost, run)
        )

    def _advance(self) -> None:
        """After mastery: from a half step to its stage, to the next stage, or to the end."""
        self.rate.start_visit(mastered=True)
        self.backtracker.mastered(self.stage, self.visit_cost.steps)
        if self.visit_reason is VisitReason.HALF_STEP:
            self._visit(self._position.stage, VisitReason.RETURN)
        else:
            self._position.master()
            if self.reached_target and self.budget.until == "target":
                self.finish(f"the last stage of the path is {self._criteria.verdict}")
                return
            self._position.advance(trained=self.visit_cost.steps > 0)
            demoted = self.visit_reason is VisitReason.DEMOTION
            reason = VisitReason.RETURN if demoted else VisitReason.ADVANCE
            self._visit(
                self._position.stage, VisitReason.CONTINUATION if self.reached_target else reason
            )
        limit = self.budget.run_limit_reached(self._run_cost())
        if limit is not None:
            self.finish(limit)

    def _backtrack(self, why: str) -> None:
        """After exhaustion: what is left to try, then an honest stop."""
        run = self._run_cost()
        limit = self.budget.run_limit_reached(run)
        if limit is not None or self.continues or not self.pacing.waits_for_mastery:
            self.finish(limit or why)
            return
        following = self.backtracker.next_visit(
            self.stage, self.visit_reason, before=self.compute_before, after=run.compute
        )
        if following is None:
            self.finish(f"{why}, and no {self.backtracker.remedies()} is left")
            return
        fresh = following.reason is VisitReason.FRESH_START and not following.retuning
        if fresh:
            self._sampler.start_anew()
        self.rate.start_visit(fresh=fresh)
        self._visit(following.stage, following.reason, retuning=following.retuning)

    def _visit(self, stage: Stage, reason: VisitReason, *, retuning: bool = False) -> None:
        self.stage = stage
        self.visit_reason = reason
        self.retuning = retuning
        self.visit += 1
        self.counts.start_visit()
        self.cost_before = self.cost
        self.compute_before = self._run_cost().compute
        self.monitor = self.new_monitor()

    def finish(self, ending: str) -> None:
        """Leave nothing to do, whatever is left of the path; `ending` says why."""
        self.finished, self.ending = True, ending
