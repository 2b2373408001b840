"""Which runs a sweep has, and what makes them comparable."""

import pytest

from curriculum import Arithmetic, Budget, Experiment, Galloping, Stage, Training, UsageError
from curriculum.sweep import (
    Amount,
    comparable_experiment,
    default_amount,
    default_rates,
    parse_amount,
    plan_runs,
)


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


def test_default_learning_rates_are_a_third_of_the_experiments_and_three_times_it(
    tiny: Experiment,
) -> None:
    assert default_rates(tiny) == (0.01, 0.03, 0.09)


def test_the_default_budget_is_the_compute_of_500_steps_for_each_learning_rate(
    tiny: Experiment,
) -> None:
    one, three = (default_amount(tiny, count) for count in (1, 3))
    assert one.unit == three.unit == "compute"
    parameters = 3 * 8 * (1 + 8 + 2) + 8 * 2 + 2  # of a GRU with one input, and of its head
    step = 32 * 5 * (parameters + 50_000)
    assert one.value == pytest.approx(500 * step, rel=0.05)  # to two digits
    assert three.value == pytest.approx(1500 * step, rel=0.05)
