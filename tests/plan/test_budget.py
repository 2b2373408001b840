import pytest

from curriculum import Budget, Spending, UsageError
from curriculum.plan.budget import compute

NOTHING = Spending()


def test_compute_charges_a_look_a_third_of_a_step() -> None:
    assert compute(30, 1000, training=True) == 30 * 51_000
    assert compute(30, 1000, training=False) == pytest.approx(10 * 51_000)


@pytest.mark.parametrize(
    ("budget", "visit", "whole", "said"),
    [
        (Budget(steps_per_stage=10), {"steps": 9}, {}, None),
        (Budget(steps_per_stage=10), {"steps": 10}, {}, "the stage's 10 steps"),
        (Budget(compute_per_stage=5.0), {"compute": 5.0}, {}, "the stage's 5 of compute"),
        (Budget(seconds_per_stage=2.5), {"seconds": 3.0}, {}, "the stage's 2.5 seconds"),
        (Budget(steps=20), {}, {"steps": 20}, "the run's 20 steps"),
        (Budget(compute=5.0), {}, {"compute": 6.0}, "the run's 5 of compute"),
        (Budget(seconds=1.0), {}, {"seconds": 1.0}, "the run's 1 seconds"),
        (Budget(seconds=1.0), {}, {"seconds": 0.9}, None),
    ],
)
def test_a_budget_says_what_is_used_up(
    budget: Budget, visit: dict[str, float], whole: dict[str, float], said: str | None
) -> None:
    overrun = budget.overrun(Spending(**visit), Spending(**whole))  # type: ignore[arg-type]
    assert (overrun is None) if said is None else (said in (overrun or ""))


def test_steps_left_minds_both_limits() -> None:
    budget = Budget(steps_per_stage=10, steps=15)
    assert budget.steps_left(NOTHING, NOTHING) == 10
    assert budget.steps_left(Spending(steps=2), Spending(steps=12)) == 3


@pytest.mark.parametrize("name", ["steps_per_stage", "compute", "seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_limit_is_above_zero(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"budget.{name}"):
        Budget(**{name: value})  # type: ignore[arg-type]


def test_a_visit_always_has_a_limit_in_steps() -> None:
    with pytest.raises(UsageError, match="a visit has to end"):
        Budget(steps_per_stage=None)  # type: ignore[arg-type]


def test_spending_subtracts_and_goes_through_a_state() -> None:
    one = Spending(steps=9, tokens=8, compute=7, seconds=6)
    rest = one - Spending(steps=5, tokens=6)
    assert rest == Spending(steps=4, tokens=2, compute=7, seconds=6)
    assert Spending.from_state_dict(one.state_dict()) == one
