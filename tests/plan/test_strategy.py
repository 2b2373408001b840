"""The named strategies: what they are made of, and that each finds what is known to be best."""

from collections.abc import Mapping

import numpy as np
import pytest

from curriculum import (
    STRATEGIES,
    Arithmetic,
    Bandit,
    Budget,
    Current,
    Direct,
    Gated,
    Linear,
    Look,
    LookBack,
    Mastery,
    Root,
    Sampling,
    Scheduler,
    Signal,
    Spending,
    Stage,
    Stuck,
    Tally,
    Teacher,
    UsageError,
    strategy_of,
)
from curriculum.plan.strategy import name_of

NAMES = [name for name, strategy in STRATEGIES.items() if not strategy.guesses]
STAGES = 6


class Apprentice:
    """A simulated model: a stage is learnt only as far as the one before it is known.

    Training on stage i raises its skill by `rate` x the skill of stage i - 1 (1 for the
    first) x what is missing. So the quickest way is from stage to stage in order.
    """

    def __init__(self, rate: float = 0.05) -> None:
        self.skills = [0.0] * STAGES
        self.rate = rate

    def train(self, mix: Mapping[Stage, int]) -> tuple[float, float]:
        """One step on so many examples of each stage: the score before, and the gain."""
        total, score, gain = sum(mix.values()), 0.0, 0.0
        for stage, examples in mix.items():
            number = stage.length - 2
            known = self.skills[number - 1] if number else 1.0
            score += self.skills[number] * examples / total
            raised = self.rate * known**3 * (1 - self.skills[number]) * examples / total
            self.skills[number] += raised
            gain += raised * examples / total
        return score, gain

    def look(self, stage: Stage, steps: int) -> Look:
        right = self.skills[stage.length - 2] >= 0.9
        return Look(
            test=Tally(score=1.0 if right else 0.0, examples=500),
            spent=Spending(steps=steps, tokens=steps, compute=steps),
        )


def walk(strategy: str, budget: int = 6000, seed: int = 0, rate: float = 0.05) -> Scheduler:
    chosen, apprentice = strategy_of(strategy), Apprentice(rate)
    scheduler = Scheduler(
        Arithmetic(start=Stage(2), until=Stage(STAGES + 1)),
        Mastery(threshold=0.9),
        budget=Budget(steps=budget, steps_per_stage=budget),
        stuck=Stuck(half_steps=0, demotions=0),
        pacing=chosen.pacing,
        sampling=chosen.sampling,
    )
    steps = 0
    while not scheduler.finished:
        scheduler.update(apprentice.look(scheduler.stage, steps))
        for _ in range(10 if not scheduler.finished and steps < budget else 0):
            rng = np.random.default_rng((seed, steps))
            mix = scheduler.mix(rng, 10, Spending(steps=steps))
            score, gain = apprentice.train(mix)
            steps += 1
            if chosen.sampling.signal is not None:
                value = score if chosen.sampling.signal == "score" else gain
                scheduler.observe(rng, next(iter(mix)), Signal(value=value, tokens=1))
    return scheduler


def steps_of(strategy: str) -> float:
    """The median steps to the last stage; one that does not get there counts as infinite."""
    found = []
    for seed in range(3):
        scheduler = walk(strategy, seed=seed)
        found.append(scheduler.spent.steps if scheduler.reached_target else np.inf)
    return float(np.median(found))


@pytest.fixture(scope="module")
def steps() -> dict[str, float]:
    return {name: steps_of(name) for name in NAMES}


def test_in_order_is_best(steps: dict[str, float]) -> None:
    """About 6 x 46 x 1.2 steps, each to the nearest look: what the apprentice can't be beaten in."""
    assert steps["gated"] == min(steps.values()) < 600


def test_nothing_is_learnt_directly(steps: dict[str, float]) -> None:
    assert steps["direct"] == np.inf


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("direct", "gated", "wrong_order")])
def test_each_finds_its_way(name: str, steps: dict[str, float]) -> None:
    assert steps["gated"] < steps[name] < np.inf


@pytest.mark.parametrize("name", ["mastering_rate", "combined", "look_back"])
def test_who_attends_to_the_frontier_beats_uniform_practice(
    name: str, steps: dict[str, float]
) -> None:
    assert steps[name] < steps["uniform"]


def test_the_wrong_order_costs_dearly(steps: dict[str, float]) -> None:
    assert steps["wrong_order"] > 1.2 * steps["linear"]


@pytest.mark.parametrize(
    "sampling", [Bandit(eta=0.05), Teacher(span=2), Teacher(span=2, choice="thompson")]
)
def test_a_sampling_that_learns_finds_the_one_stage_where_there_is_progress(
    sampling: Sampling,
) -> None:
    """Of five stages all but number 3 give nothing: most draws must come to be of it."""
    stages, sampler = [Stage(n) for n in range(2, 7)], sampling.sampler(5)
    score, late = 0.0, 0
    for step in range(3000):
        rng = np.random.default_rng(step)
        drawn = stages.index(sampler.draw(rng, stages, 4))
        progress = 1e-4 if drawn == 3 else 0.0
        score += progress
        value = progress if sampling.signal == "gain" else (score if drawn == 3 else 0.5)
        sampler.observe(rng, drawn, Signal(value=value, tokens=1))
        late += step >= 2000 and drawn == 3
    assert late > 600  # uniform draws would be 200


def test_all_are_pairs_by_name() -> None:
    assert (STRATEGIES["direct"].pacing, STRATEGIES["direct"].sampling) == (Direct(), Current())
    assert (STRATEGIES["gated"].pacing, STRATEGIES["gated"].sampling) == (Gated(), Current())
    assert not STRATEGIES["guess"].can_be_tuned
    for name in NAMES:
        strategy = STRATEGIES[name]
        assert name_of(strategy.pacing, strategy.sampling) == name
        assert strategy.can_be_tuned == (
            name
            in {
                "gated",
                "combined",
                "look_back",
                "look_back_and_ahead",
            }
        )


def test_other_pairs_are_named_by_their_parts() -> None:
    assert name_of(Linear(horizon=0.9), STRATEGIES["linear"].sampling) == "linear"
    assert name_of(Direct(), Teacher(choice="thompson", span=3)) == "teacher"
    assert name_of(Root(), LookBack()) == "root x lookback"


def test_an_unknown_strategy_is_told_its_nearest() -> None:
    with pytest.raises(UsageError, match=r"no strategy 'look_bakc'; did you mean look_back"):
        strategy_of("look_bakc")
