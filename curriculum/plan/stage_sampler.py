"""Draws the stages that training batches come from: a sampling, up to a pacing's frontier."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from curriculum.plan.budget import Budget
from curriculum.plan.cost import Cost
from curriculum.plan.pacing.pacing import Pacing
from curriculum.plan.path_position import PathPosition
from curriculum.plan.sampling.feedback import Feedback
from curriculum.plan.sampling.sampler import Rng, Sampling
from curriculum.plan.stage import Stage


@dataclass
class StageSampler:
    """A strategy at work: its pacing tells the frontier, its sampling draws up to there."""

    position: PathPosition
    pacing: Pacing
    sampling: Sampling
    budget: Budget

    def __post_init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Forget what was observed."""
        self._sampler = self.sampling.sampler(len(self.position.path))

    def frontier(self, stages: Sequence[Stage], run: Cost) -> Stage:
        """The hardest stage to train on, once the run has cost so much."""
        return stages[self._frontier_index(run)]

    def largest_stage(self, stage: Stage, run: Cost) -> Stage:
        """The greatest length and vocabulary of batches, while `stage` is visited."""
        path = self.position.path
        drawn: Sequence[Stage] = [self.frontier(path, run)]
        if not self.pacing.waits_for_mastery or self.sampling.mixes_stages:
            drawn = self.sampling.stages(path)
        return Stage.covering((stage, *drawn))

    def sample(self, rng: Rng, stages: Sequence[Stage], run: Cost) -> Stage:
        """A stage of the next training batch."""
        return self._sampler.draw(rng, stages, self._frontier_index(run))

    def sample_mixture(
        self, rng: Rng, stages: Sequence[Stage], run: Cost, batch_size: Callable[[Stage], int]
    ) -> dict[Stage, int]:
        """How many examples of which stages the next training batch has.

        `batch_size` tells how many a batch of a stage has. A batch that may hold several stages
        has as many as the one that allows the fewest.
        """
        if self.sampling.draws_per == "batch":
            stage = self.sample(rng, stages, run)
            return {stage: batch_size(stage)}
        frontier = self._frontier_index(run)
        count = min(map(batch_size, self.sampling.stages(stages)))
        return dict(Counter(self._sampler.draw_many(rng, stages, frontier, count)))

    def observe(self, rng: Rng, stages: Sequence[Stage], stage: Stage, feedback: Feedback) -> None:
        """Tell a sampling that learns what a step on `stage` has shown."""
        self._sampler.observe(rng, stages.index(stage), feedback)

    def _frontier_index(self, run: Cost) -> int:
        used = self.budget.fraction_used(run) if self.pacing.uses_clock else 0.0
        return self.pacing.frontier_on(self.position.path, self.position.aim, used)

    def state_dict(self) -> dict[str, Any]:
        return self._sampler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._sampler.load_state_dict(state)
