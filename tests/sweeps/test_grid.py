"""Which runs a sweep has, and what makes them comparable."""

import pytest
import torch

from curriculum import (
    Arithmetic,
    Budget,
    Experiment,
    Explicit,
    Galloping,
    Mastery,
    Stage,
    Training,
    UsageError,
)
from curriculum.learn import Learner, batch_of
from curriculum.models import Recurrent
from curriculum.sweeps import (
    Amount,
    comparable_experiment,
    default_amount,
    default_rates,
    parse_amount,
    plan_runs,
)
from curriculum.tasks import Reverse


def test_conditions_are_equal_but_for_strategy_and_learning_rate(tiny: Experiment) -> None:
    galloping = tiny.replace(
        growth=Galloping(start=Stage(2), end=Stage(9), step=3),
        training=Training(schedule="one_cycle"),
    )
    found = [
        comparable_experiment(galloping, name, Amount(9e9, "compute"), 0.5, 3)
        for name in ("direct", "gated", "bandit", "root")
    ]
    for each in found:
        assert each.growth == Arithmetic(start=Stage(2), end=Stage(9), step=3)
        assert each.budget == Budget(steps_per_stage=2**40, compute=3e9)
        assert each.training.schedule == "constant"
        assert not each.tuning.is_on
        retries = each.backtracking
        assert (retries.retunes, retries.half_steps, retries.demotions) == (0, 0, 0)
        assert each.optimizer.learning_rate == 0.5
        assert 1 - each.criterion.confidence == pytest.approx((1 - tiny.criterion.confidence) / 3)
        assert each.replace(pacing=tiny.pacing, sampling=tiny.sampling) == found[1]


def test_runs_are_planned_seed_by_seed(tiny: Experiment) -> None:
    planned = list(plan_runs(tiny, ("gated", "guess"), (3, 4), Amount(600, "steps"), (0.1, 0.2)))
    assert [(run.seed, run.strategy, run.learning_rate) for run in planned[:4]] == [
        (3, "gated", 0.1),
        (3, "gated", 0.2),
        (3, "guess", 1.0),
        (3, "guess", 10.0),
    ]
    assert len(planned) == 8
    assert {run.seed for run in planned[4:]} == {4}
    assert planned[2].experiment.training.eval_every == 1
    assert planned[0].experiment.budget.steps == 300


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("3e10", Amount(3e10, "compute")),
        ("2e6tokens", Amount(2e6, "tokens")),
        ("500 steps", Amount(500, "steps")),
        ("60s", Amount(60, "seconds")),
    ],
)
def test_amounts_are_read(text: str, amount: Amount) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize("text", ["", "many", "0", "-1", "nan", "inf", "steps", "5 minutes"])
def test_anything_else_is_no_amount(text: str) -> None:
    with pytest.raises(UsageError, match=r"must be a number above 0 \(compute\), or one with"):
        parse_amount(text)


def test_default_learning_rates_are_from_a_thirtieth_of_the_experiments_to_three_times_it(
    tiny: Experiment,
) -> None:
    assert default_rates(tiny) == (0.001, 0.003, 0.01, 0.03, 0.09)


def test_the_default_budget_is_the_compute_of_500_steps_for_each_learning_rate(
    tiny: Experiment,
) -> None:
    one, three = (default_amount(tiny, count) for count in (1, 3))
    assert one.unit == three.unit == "compute"
    learner = Learner.start(tiny.shape, tiny.recipe, seed=0, device=torch.device("cpu"))
    batch = batch_of(tiny.task, tiny.growth.path()[-1], 32, seed=0, stream="train", index=0)
    step = learner.step_compute(batch)
    assert one.value == pytest.approx(500 * step, rel=0.05)  # to two digits
    assert three.value == pytest.approx(1500 * step, rel=0.05)


def test_an_error_that_is_split_over_too_many_learning_rates_is_refused(tiny: Experiment) -> None:
    sampled = tiny.replace(
        task=Reverse(),
        growth=Explicit(lengths=(2,), vocab_sizes=(9,)),
        model=Recurrent(bidirectional=True),
        criterion=Mastery(threshold=0.95, examples=100),
    )
    comparable_experiment(sampled, "gated", Amount(9e9, "compute"), 0.1, 1)
    with pytest.raises(UsageError, match=r"all are correct, it takes .* \(50 learning rates share"):
        comparable_experiment(sampled, "gated", Amount(9e9, "compute"), 0.1, 50)
