"""The named strategies: what they are made of, and that each finds what is known to be best."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest

from curriculum import (
    Arithmetic,
    Backtracking,
    Bandit,
    Budget,
    Cost,
    Current,
    Direct,
    Evaluation,
    Gated,
    Linear,
    LookBack,
    Mastery,
    Root,
    Scheduler,
    Score,
    Stage,
    Teacher,
    UsageError,
)
from curriculum.plan import STRATEGIES, Feedback, Sampling, get_strategy, strategy_name

NAMES = [name for name, strategy in STRATEGIES.items() if not strategy.guesses]
STAGES = 6


class SimulatedModel:
    """A stage is learnt only as far as the one before it is known.

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

    def evaluate(self, stage: Stage, steps: int) -> Evaluation:
        right = self.skills[stage.length - 2] >= 0.9
        return Evaluation(
            full_test=Score(value=1.0 if right else 0.0, examples=500),
            cost=Cost(steps=steps, tokens=steps, compute=steps),
        )


def run(strategy: str, budget: int = 6000, seed: int = 0, rate: float = 0.05) -> Scheduler:
    chosen, model = get_strategy(strategy), SimulatedModel(rate)
    scheduler = Scheduler(
        Arithmetic(start=Stage(2), end=Stage(STAGES + 1)),
        Mastery(threshold=0.9),
        budget=Budget(steps=budget, steps_per_stage=budget),
        backtracking=Backtracking(half_steps=0, demotions=0),
        pacing=chosen.pacing,
        sampling=chosen.sampling,
    )
    steps = 0
    while not scheduler.finished:
        scheduler.update(model.evaluate(scheduler.stage, steps))
        for _ in range(10 if not scheduler.finished and steps < budget else 0):
            rng = np.random.default_rng((seed, steps))
            mix = scheduler.sample_mixture(rng, lambda _: 10, Cost(steps=steps))
            score, gain = model.train(mix)
            steps += 1
            if chosen.sampling.feedback is not None:
                value = score if chosen.sampling.feedback == "score" else gain
                scheduler.observe(rng, next(iter(mix)), Feedback(value=value, tokens=1))
    return scheduler


@cache
def steps_of(strategy: str) -> float:
    """The median steps to the last stage; one that does not get there counts as infinite."""
    found = []
    for seed in range(3):
        scheduler = run(strategy, seed=seed)
        found.append(scheduler.cost.steps if scheduler.reached_target else np.inf)
    return float(np.median(found))


def test_stages_in_order_take_few_steps() -> None:
    """About 6 x 46 x 1.2 steps, each rounded up to an evaluation: as few as this learner can take."""
    assert steps_of("gated") < 600


def test_nothing_is_learnt_from_the_last_stage_alone() -> None:
    assert steps_of("direct") == np.inf


def test_stages_in_order_take_fewer_steps_than_the_wrong_order() -> None:
    assert steps_of("gated") < steps_of("wrong_order")


@pytest.mark.parametrize(
    "name", [n for n in NAMES if n not in ("direct", "gated", "wrong_order", "auto")]
)
def test_each_strategy_reaches_the_target_later_than_gated(name: str) -> None:
    assert steps_of("gated") < steps_of(name) < np.inf


@pytest.mark.parametrize("name", ["mastering_rate", "combined", "look_back"])
def test_favouring_the_frontier_beats_uniform_sampling(name: str) -> None:
    assert steps_of(name) < steps_of("uniform")


def test_the_wrong_order_takes_longer() -> None:
    assert steps_of("wrong_order") > 1.2 * steps_of("linear")


@pytest.mark.parametrize(
    "sampling", [Bandit(eta=0.05), Teacher(span=2), Teacher(span=2, choice="thompson")]
)
def test_a_sampling_that_learns_finds_the_one_stage_where_there_is_progress(
    sampling: Sampling,
) -> None:
    """Of five stages only number 3 gives progress: most draws must come to be of it."""
    stages, sampler = [Stage(n) for n in range(2, 7)], sampling.sampler(5)
    score, late = 0.0, 0
    for step in range(3000):
        rng = np.random.default_rng(step)
        drawn = stages.index(sampler.draw(rng, stages, 4))
        progress = 1e-4 if drawn == 3 else 0.0
        score += progress
        value = progress if sampling.feedback == "gain" else (score if drawn == 3 else 0.5)
        sampler.observe(rng, drawn, Feedback(value=value, tokens=1))
        late += step >= 2000 and drawn == 3
    assert late > 600  # uniform draws would be 200


def test_strategies_are_named_pairs() -> None:
    assert (STRATEGIES["direct"].pacing, STRATEGIES["direct"].sampling) == (Direct(), Current())
    assert (STRATEGIES["gated"].pacing, STRATEGIES["gated"].sampling) == (Gated(), Current())
    assert not STRATEGIES["guess"].can_be_tuned
    for name in NAMES:
        strategy = STRATEGIES[name]
        assert strategy_name(strategy.pacing, strategy.sampling) == name
        assert strategy.can_be_tuned == (
            name
            in {
                "gated",
                "combined",
                "look_back",
                "look_back_and_ahead",
                "auto",
            }
        )


def test_other_pairs_are_named_by_their_parts() -> None:
    assert strategy_name(Linear(horizon=0.9), STRATEGIES["linear"].sampling) == "linear"
    assert strategy_name(Direct(), Teacher(choice="thompson", span=3)) == "teacher"
    assert strategy_name(Root(), LookBack()) == "root x lookback"


def test_an_unknown_strategy_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no strategy 'look_bakc'; did you mean look_back"):
        get_strategy("look_bakc")
