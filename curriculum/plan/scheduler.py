"""The state machine that walks a model up the path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from curriculum.plan.budget import Budget, Spending
from curriculum.plan.criterion import Decision, Mastery
from curriculum.plan.growth import Growth
from curriculum.plan.look import Look
from curriculum.plan.pacing import Gated, Pacing
from curriculum.plan.sampling import Current, Sampling, Signal
from curriculum.plan.stage import Stage
from curriculum.plan.stuck import Stuck, Tries
from curriculum.plan.verdict import Entry, Verdict

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Scheduler"]


class Scheduler:
    """Holds a stage until looks show that it is mastered, or its budget is used up.

    Use it alone, in any training loop, by `stage`, `update(look)` and `finished`:

    >>> from curriculum.plan import Arithmetic
    >>> growth = Arithmetic(start=Stage(2), until=Stage(3))
    >>> scheduler = Scheduler(growth, Mastery(threshold=0.9))
    >>> scheduler.update(Look.of(correct=500, examples=500, steps=10)), scheduler.stage.length
    (<Verdict.MASTERED: 'mastered'>, 3)

    `allows` tells whether a stage between two of the path's can be made, for half steps;
    `tuned` says that an exhausted stage may be retuned, which takes a tuner.

    Attributes:
        path: the nominal stages. Visits may repeat them, pass some over, or fall between.
        stage: the stage to train on and to look at. The last one when finished.
        visit: the number of the visit, from 0.
        entry: why this visit is made.
        retuning: whether this visit tries its stage again from the same parent, with more trials.
        decision: what the last look decided, with its reason; None before the first.
        overrun: which budget the last look found used up, in words; None where there was none.
        diverged: whether the last look found a loss or weights that are no finite numbers.
        finished: whether the walk is over.
        ending: why it is over, in words; None before.
        reach: the hardest stage of the path that was mastered; None before the first.
    """

    def __init__(
        self,
        growth: Growth,
        criterion: Mastery | None = None,
        *,
        budget: Budget | None = None,
        stuck: Stuck | None = None,
        pacing: Pacing | None = None,
        sampling: Sampling | None = None,
        allows: Callable[[Stage], bool] = lambda _: True,
        tuned: bool = False,
    ) -> None:
        self.growth = growth
        self.path = growth.path()
        self._criteria = criterion or Mastery()
        self.budget = budget or Budget()
        self.stuck = stuck or Stuck()
        self.pacing = pacing or Gated()
        self.sampling = sampling or Current()
        self._sampler = self.sampling.sampler(len(self.path))
        self._allows = allows
        self._tuned = tuned
        self.stage = self.path[0]
        self.visit = 0
        self.entry = Entry.STEP
        self.retuning = False
        self.decision: Decision | None = None
        self.overrun: str | None = None
        self.diverged = False
        self.finished = False
        self.ending: str | None = None
        self._reach = -1  # index of the hardest stage mastered
        self._trail: list[int] = []  # indices mastered on the way here; demotions shorten it
        self._aim = 0  # index of the stage that the walk is after, here or past a half step
        self._stride = 1
        self._passes = 0  # looks passed in a row
        self._entered = Spending()  # the run's spending when the visit began
        self._spent = Spending()  # and at the last look
        self._lost = Spending()  # what losing trials have spent besides
        self._looks: Counter[str] = Counter()
        self._tests: Counter[str] = Counter()
        self._tries = Tries(self.stuck)

    @property
    def trained(self) -> Stage:
        """The frontier's stage."""
        return self._stages[self._frontier_at(self._spent)]

    @property
    def criterion(self) -> Mastery:
        """What it takes to master the stage."""
        return self._criteria.at(target=self.stage == self.path[-1])

    @property
    def reach(self) -> Stage | None:
        return self.path[self._reach] if self._reach >= 0 else None

    @property
    def reached_target(self) -> bool:
        """Whether the last stage of the path was mastered."""
        return self._reach == len(self.path) - 1

    @property
    def looks(self) -> int:
        """How many looks this stage has had, over all visits."""
        return self._looks[self.stage.key]

    @property
    def tests(self) -> int:
        """How many full tests this stage has had, over all visits."""
        return self._tests[self.stage.key]

    @property
    def spent(self) -> Spending:
        """What the run has spent up to its last look, apart from what it lost on trials."""
        return self._spent

    @property
    def lost(self) -> Spending:
        """What the run has spent up to its last look on trials that did not win."""
        return self._lost

    @property
    def visit_spent(self) -> Spending:
        """What this visit has spent, up to its last look."""
        return self.in_visit(self._spent)

    @property
    def steps_left(self) -> int:
        """How many more steps may be taken before the budget says something."""
        run = self._spent + self._lost
        if not self.pacing.listens:
            return self.budget.run_steps_left(run)
        return self.budget.steps_left(self.visit_spent, run)

    @property
    def position(self) -> tuple[int, int]:
        """The visit and the step that number the next training batch.

        Under a pacing that doesn't listen the run is one long visit, so that what is trained
        on does not depend on how the looks went.
        """
        if not self.pacing.listens:
            return 0, self._spent.steps
        return self.visit, self.visit_spent.steps

    @property
    def horizon(self) -> int:
        """Of how many steps a schedule may make use, from step 0 on."""
        if not self.pacing.listens:
            assert self.budget.steps is not None  # an experiment with a schedule has it
            return self.budget.steps
        return self.budget.steps_per_stage

    @property
    def least_steps(self) -> int:
        """How many steps this visit takes before it may end in mastery."""
        consolidation = 0
        if self.entry is Entry.DEMOTION:
            consolidation = min(self.stuck.consolidation_steps, self.budget.steps_per_stage)
        return max(consolidation, self.criterion.least_steps)

    @property
    def largest(self) -> Stage:
        """The greatest length and vocabulary that this visit's batches may have."""
        drawn: Sequence[Stage] = [self.path[self._frontier_at(self._spent)]]
        if not self.pacing.listens or self.sampling.several:
            drawn = self.sampling.stages(self.path)
        stages = (self.stage, *drawn)
        return Stage(max(s.length for s in stages), max(s.vocab_size for s in stages))

    def in_visit(self, spent: Spending) -> Spending:
        """Of what the run has spent, what this visit has."""
        return spent - self._entered

    def wants_test(self, spent: Spending) -> bool:
        """Whether a full test of fresh examples could end the visit in mastery, at that spending.

        Before a visit's least steps, a test would spend of the stage's error for nothing.
        """
        steps = self.in_visit(spent).steps
        return steps >= self.least_steps and self._may_be_shown

    def draw(self, rng: np.random.Generator, spent: Spending | None = None) -> Stage:
        """A stage to train on.

        Args:
            rng: where randomness comes from.
            spent: by the run up to now, for a pacing by the clock; by default, up to its
                last look.
        """
        return self._sampler.draw(rng, self._stages, self._frontier_at(spent or self._spent))

    def mix(
        self, rng: np.random.Generator, batch_size: int, spent: Spending | None = None
    ) -> dict[Stage, int]:
        """How many examples of which stages the next training batch has; arguments as for `draw`."""
        if self.sampling.unit == "batch":
            return {self.draw(rng, spent): batch_size}
        frontier = self._frontier_at(spent or self._spent)
        return dict(Counter(self._sampler.draws(rng, self._stages, frontier, batch_size)))

    def observe(self, rng: np.random.Generator, stage: Stage, signal: Signal) -> None:
        """Tell a sampling that learns what a step on `stage`, which it drew, has shown."""
        self._sampler.observe(rng, self._stages.index(stage), signal)

    def update(self, look: Look) -> Verdict:
        """Take a look at the current stage into account, and move on where it says so.

        Raises:
            RuntimeError: when the walk is over.
            ValueError: for a look that is not on the `gate` stream.
        """
        if self.finished:
            raise RuntimeError("the walk is over, and takes no more looks")
        if look.stream != "gate":
            raise ValueError(f"only looks on the stream 'gate' are decided on, got {look.stream!r}")
        self._spent, self._lost = look.spent, look.lost
        self.diverged = look.diverged is not None
        self._looks[self.stage.key] += 1
        if look.test is not None:
            self._tests[self.stage.key] += 1
        self.decision = self.criterion.decide(
            look,
            test_number=self.tests,
            passes=self._passes,
            steps=self.visit_spent.steps,
            least_steps=self.least_steps,
        )
        self._passes = self._passes + 1 if self.decision.cleared else 0
        self.overrun = None
        if self.decision.mastered and not self.diverged:
            self._advance()
            return Verdict.MASTERED
        self.overrun = self._overrun(look)
        if self.overrun is None:
            return Verdict.LEARNING
        self._try_again(self.overrun)
        return Verdict.EXHAUSTED

    def state_dict(self) -> dict[str, Any]:
        """The state as JSON. Path and settings are not kept: the experiment rebuilds them."""
        return {
            "stage": self.stage.key,
            "visit": self.visit,
            "entry": self.entry.value,
            "retuning": self.retuning,
            "finished": self.finished,
            "ending": self.ending,
            "reach": self._reach,
            "trail": list(self._trail),
            "aim": self._aim,
            "stride": self._stride,
            "passes": self._passes,
            "entered": self._entered.state_dict(),
            "spent": self._spent.state_dict(),
            "lost": self._lost.state_dict(),
            "looks": dict(self._looks),
            "tests": dict(self._tests),
            "tries": self._tries.state_dict(),
            "sampler": self._sampler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` gave, under the same settings."""
        self.stage = Stage.from_key(state["stage"])
        self.visit = state["visit"]
        self.entry = Entry(state["entry"])
        self.retuning = state["retuning"]
        self.decision = None
        self.overrun = None
        self.diverged = False
        self.finished = state["finished"]
        self.ending = state["ending"]
        self._reach = state["reach"]
        self._trail = list(state["trail"])
        self._aim = state["aim"]
        self._stride = state["stride"]
        self._passes = state["passes"]
        self._entered = Spending.from_state_dict(state["entered"])
        self._spent = Spending.from_state_dict(state["spent"])
        self._lost = Spending.from_state_dict(state["lost"])
        self._looks = Counter(state["looks"])
        self._tests = Counter(state["tests"])
        self._tries.load_state_dict(state["tries"])
        self._sampler.load_state_dict(state["sampler"])

    def _overrun(self, look: Look) -> str | None:
        """Why the visit can't end in mastery any more, in words; None while it may."""
        if look.diverged is not None:
            return look.diverged
        if not self.pacing.listens:
            return self.budget.run_overrun(self._spent + self._lost)
        if look.test is not None and look.test.source == "sample" and not self._may_be_shown:
            return (
                f"after {self.tests} full tests of {self.criterion.examples:,} examples, even one "
                f"all right would no longer clear the threshold"
            )
        return self.budget.overrun(self.visit_spent, self._spent + self._lost)

    @property
    def _stages(self) -> list[Stage]:
        """The path, with the stage that a half step puts in place of one."""
        stages = list(self.path)
        stages[self._aim] = self.stage
        return stages

    def _frontier_at(self, spent: Spending) -> int:
        """The index of the frontier's stage, once the run has spent so much."""
        elapsed = self.budget.elapsed(spent + self._lost) if self.pacing.timed else 0.0
        return self.pacing.frontier(self._aim, len(self.path) - 1, elapsed)

    @property
    def _may_be_shown(self) -> bool:
        """Whether the stage's next full test could still clear the threshold."""
        return self.criterion.can_clear(self.tests + 1)

    def _advance(self) -> None:
        """Go on after mastery: back to the stage aimed at, to the next one, or to the end."""
        if self.entry is Entry.HALF_STEP:
            self._visit(self.path[self._aim], Entry.RETURN)
        else:
            self._trail.append(self._aim)
            self._reach = max(self._reach, self._aim)
            if self.reached_target:
                self._finish("the last stage of the path is mastered")
                return
            if self.visit_spent.steps == 0:
                self._stride = self.growth.wider(self._stride)
            self._aim = min(self._aim + self._stride, len(self.path) - 1)
            returns = self.entry is Entry.DEMOTION
            self._visit(self.path[self._aim], Entry.RETURN if returns else Entry.STEP)
        overrun = self.budget.run_overrun(self._spent + self._lost)
        if overrun is not None:
            self._finish(overrun)

    def _try_again(self, why: str) -> None:
        """Go on after exhaustion: a retune, a half step, a demotion, then an honest stop."""
        over = self.budget.run_overrun(self._spent + self._lost)
        if over is not None or not self.pacing.listens:
            self._finish(over or why)
        elif self._tuned and self._tries.take("retunes", self.stage):
            self._visit(self.stage, self.entry, retuning=True)
        elif not self._half_step() and not self._demote():
            retune = "retune, " if self._tuned else ""
            self._finish(f"{why}, and there is no {retune}half step or demotion left to try")

    def _half_step(self) -> bool:
        """Aim at a stage nearer to the last one mastered."""
        if self.entry is Entry.HALF_STEP or not self._trail:
            return False
        gap = self._aim - self._trail[-1]
        stride = self.growth.narrower(gap)
        if stride < gap:
            self._stride = stride
            self._aim = self._trail[-1] + stride
            self._visit(self.path[self._aim], Entry.STEP)
            return True
        aim = self.path[self._aim]
        middle = _between(self.path[self._trail[-1]], aim)
        if middle is None or not self._allows(middle):
            return False
        if not self._tries.take("half_steps", aim):
            return False
        self._visit(middle, Entry.HALF_STEP)
        return True

    def _demote(self) -> bool:
        """Go back to the last stage mastered, and climb again from there."""
        if not self._trail or not self._tries.take("demotions", self.path[self._aim]):
            return False
        self._aim = self._trail.pop()
        self._visit(self.path[self._aim], Entry.DEMOTION)
        return True

    def _visit(self, stage: Stage, entry: Entry, *, retuning: bool = False) -> None:
        self.stage = stage
        self.entry = entry
        self.retuning = retuning
        self.visit += 1
        self._passes = 0
        self._entered = self._spent

    def _finish(self, ending: str) -> None:
        self.finished = True
        self.ending = ending


def _between(lower: Stage, upper: Stage) -> Stage | None:
    """The stage midway, rounded down; None where no stage lies between."""
    middle = Stage((lower.length + upper.length) // 2, (lower.vocab_size + upper.vocab_size) // 2)
    return None if middle in (lower, upper) else middle
