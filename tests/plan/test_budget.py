from dataclasses import asdict

import pytest

from curriculum import Budget, Cost, UsageError

NOTHING = Cost()


def test_a_run_that_trains_until_its_limit_has_one() -> None:
    with pytest.raises(
        UsageError, match=r"budget\.until limit .* there is none; give budget\.tokens"
    ):
        Budget(until="limit", steps_per_stage=10)
    with pytest.raises(UsageError, match=r"budget\.until must be target or limit, got 'end'"):
        Budget(until="end", steps=10)  # type: ignore[arg-type]
    assert Budget(until="limit", compute=1e9).limits_run


@pytest.mark.parametrize(
    ("budget", "visit", "whole", "message"),
    [
        (Budget(steps_per_stage=10), {"steps": 9}, {}, None),
        (
            Budget(steps_per_stage=10),
            {"steps": 10},
            {},
            "the stage's budget of 10 steps is used up",
        ),
        (
            Budget(compute_per_stage=5.0),
            {"compute": 5.0},
            {},
            "the stage's compute budget of 5 is used up",
        ),
        (
            Budget(seconds_per_stage=2.5),
            {"seconds": 3.0},
            {},
            "the stage's budget of 2.5 seconds is used up",
        ),
        (Budget(steps=20), {}, {"steps": 20}, "the run's budget of 20 steps is used up"),
        (Budget(compute=5.0), {}, {"compute": 6.0}, "the run's compute budget of 5 is used up"),
        (Budget(seconds=1.0), {}, {"seconds": 1.0}, "the run's budget of 1 seconds is used up"),
        (Budget(seconds=1.0), {}, {"seconds": 0.9}, None),
    ],
)
def test_a_budget_says_which_limit_is_reached(
    budget: Budget, visit: dict[str, float], whole: dict[str, float], message: str | None
) -> None:
    limit_reached = budget.limit_reached(Cost(**visit), Cost(**whole))  # type: ignore[arg-type]
    assert (limit_reached is None) if message is None else (message in (limit_reached or ""))


def test_steps_left_respects_both_limits() -> None:
    budget = Budget(steps_per_stage=10, steps=15)
    assert budget.steps_left(NOTHING, NOTHING) == 10
    assert budget.steps_left(Cost(steps=2), Cost(steps=12)) == 3


@pytest.mark.parametrize("name", ["steps_per_stage", "compute", "seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_limit_is_above_zero(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"budget.{name}"):
        Budget(**{name: value})  # type: ignore[arg-type]


def test_a_visit_always_has_a_limit_in_steps() -> None:
    with pytest.raises(UsageError, match="a visit has to end"):
        Budget(steps_per_stage=None)  # type: ignore[arg-type]


def test_costs_are_subtracted_and_restored_from_their_state() -> None:
    one = Cost(steps=9, tokens=8, compute=7, seconds=6)
    rest = one - Cost(steps=5, tokens=6)
    assert rest == Cost(steps=4, tokens=2, compute=7, seconds=6)
    assert Cost(**asdict(one)) == one
