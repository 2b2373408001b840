"""What a scheduler tries on an exhausted stage where a tuner stands by."""

import pytest

from curriculum import Budget, Explicit, Look, Mastery, Scheduler, Spending, Stage, Stuck, Tally
from curriculum.plan.stuck import Tries

LIMIT = 100


def scheduler_of(*lengths: int, budget: Budget | None = None, **stuck: int) -> Scheduler:
    return Scheduler(
        Explicit(lengths=lengths),
        Mastery(threshold=0.9),
        budget=budget or Budget(steps_per_stage=LIMIT),
        stuck=Stuck(**stuck),
        tuned=True,
    )


def look(*, passed: bool, steps: int, lost: int = 0) -> Look:
    tally = Tally(score=1.0 if passed else 0.0, examples=500)
    return Look(test=tally, spent=Spending(steps=steps), lost=Spending(steps=lost))


def visits(scheduler: Scheduler, masters: dict[tuple[str, int, bool], bool]) -> list[str]:
    """Each visit in words; `masters` says which end in mastery, by entry, length and retuning."""
    found, steps = [], 0
    while not scheduler.finished:
        entry, length = scheduler.entry.value, scheduler.stage.length
        again = " again" if scheduler.retuning else ""
        passed = masters.get((entry, length, scheduler.retuning), False)
        steps += LIMIT
        found.append(
            f"{entry} {length}{again}: {scheduler.update(look(passed=passed, steps=steps))}"
        )
    return found


def test_a_retune_comes_before_half_step_and_demotion_and_once_a_stage() -> None:
    scheduler = scheduler_of(2, 10)
    masters = {("step", 2, False): True, ("demotion", 2, False): True}
    assert visits(scheduler, masters) == [
        "step 2: mastered",
        "step 10: exhausted",
        "step 10 again: exhausted",
        "half step 6: exhausted",
        "half step 6 again: exhausted",
        "demotion 2: mastered",
        "return 10: exhausted",
    ]
    assert scheduler.ending is not None
    assert scheduler.ending.endswith("there is no retune, half step or demotion left to try")


def test_a_retune_that_masters_goes_on_as_the_visit_would_have() -> None:
    masters = {
        ("step", 2, False): True,
        ("half step", 6, True): True,
        ("return", 10, False): True,
    }
    assert visits(scheduler_of(2, 10), masters) == [
        "step 2: mastered",
        "step 10: exhausted",
        "step 10 again: exhausted",
        "half step 6: exhausted",
        "half step 6 again: mastered",
        "return 10: mastered",
    ]


def test_the_first_stage_is_retuned_too() -> None:
    assert visits(scheduler_of(2, 10), {}) == ["step 2: exhausted", "step 2 again: exhausted"]


def test_without_retunes_there_is_none() -> None:
    assert visits(scheduler_of(2, retunes=0), {}) == ["step 2: exhausted"]


def test_losing_trials_count_in_the_runs_budget_and_not_in_the_visits() -> None:
    scheduler = scheduler_of(2, 10, budget=Budget(steps_per_stage=LIMIT, steps=1000))
    scheduler.update(look(passed=False, steps=40, lost=500))
    assert scheduler.visit_spent.steps == 40
    assert scheduler.steps_left == 60
    scheduler.update(look(passed=False, steps=50, lost=930))
    assert scheduler.steps_left == 20
    scheduler.update(look(passed=False, steps=60, lost=940))
    assert scheduler.finished
    assert scheduler.ending == "the run's 1,000 steps are used up"


@pytest.mark.parametrize("way", ["retunes", "half_steps", "demotions"])
def test_tries_are_counted_by_way_and_stage(way: str) -> None:
    tries = Tries(Stuck(retunes=2, half_steps=2, demotions=2))
    assert [tries.take(way, Stage(3)) for _ in range(3)] == [True, True, False]  # type: ignore[arg-type]
    assert tries.take(way, Stage(4))  # type: ignore[arg-type]
    again = Tries(Stuck(retunes=2, half_steps=2, demotions=2))
    again.load_state_dict(tries.state_dict())
    assert not again.take(way, Stage(3))  # type: ignore[arg-type]
    assert again.take(way, Stage(4))  # type: ignore[arg-type]
