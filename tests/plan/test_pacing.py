"""When the frontier moves, and what looks do to a walk that does not listen to them."""

import numpy as np
import pytest

from curriculum import (
    Arithmetic,
    Budget,
    Direct,
    Gated,
    Look,
    Mastery,
    Pacing,
    Scheduler,
    Spending,
    Stage,
    Stuck,
    Tally,
    Verdict,
)


@pytest.mark.parametrize(
    ("pacing", "standing", "frontier"),
    [(Gated(), 0, 0), (Gated(), 3, 3), (Direct(), 0, 5), (Direct(), 5, 5)],
)
def test_the_frontier(pacing: Pacing, standing: int, frontier: int) -> None:
    assert pacing.frontier(standing, 5) == frontier


def direct(**budget: int) -> Scheduler:
    return Scheduler(
        Arithmetic(start=Stage(2), until=Stage(5)),
        Mastery(threshold=0.9),
        budget=Budget(**({"steps": 100, "steps_per_stage": 10} | budget)),
        stuck=Stuck(),
        pacing=Direct(),
        tuned=True,
    )


def look(*, passed: bool, steps: int) -> Look:
    return Look(test=Tally(score=1.0 if passed else 0.0, examples=500), spent=Spending(steps=steps))


def test_without_a_curriculum_all_is_trained_on_the_last_stage() -> None:
    scheduler = direct()
    assert scheduler.draw(np.random.default_rng(0)) == Stage(5)
    assert scheduler.largest == Stage(5)
    scheduler.update(look(passed=True, steps=0))
    assert scheduler.stage == Stage(3)
    assert scheduler.draw(np.random.default_rng(0)) == Stage(5)


def test_looks_climb_the_path_all_the_same() -> None:
    scheduler, climbed = direct(), []
    for passed, steps in [(False, 0), (True, 20), (True, 20), (False, 20), (True, 40), (True, 40)]:
        climbed.append(scheduler.stage.length)
        scheduler.update(look(passed=passed, steps=steps))
    assert climbed == [2, 2, 3, 4, 4, 5]
    assert scheduler.reached_target


def test_no_stage_is_given_up_before_the_runs_budget_is() -> None:
    scheduler = direct()
    for steps in range(0, 100, 10):
        assert scheduler.update(look(passed=False, steps=steps)) is Verdict.LEARNING
    assert scheduler.steps_left == 10
    assert scheduler.update(look(passed=False, steps=100)) is Verdict.EXHAUSTED
    assert scheduler.finished
    assert scheduler.ending == "the run's 100 steps are used up"
    assert scheduler.visit == 0


def test_batches_are_numbered_through_the_run_whatever_is_mastered() -> None:
    scheduler = direct()
    scheduler.update(look(passed=False, steps=30))
    assert scheduler.position == (0, 30)
    scheduler.update(look(passed=True, steps=50))
    assert scheduler.visit == 1
    assert scheduler.position == (0, 50)
    gated = Scheduler(Arithmetic(start=Stage(2), until=Stage(5)), Mastery(threshold=0.9))
    gated.update(look(passed=True, steps=30))
    gated.update(look(passed=False, steps=50))
    assert gated.position == (1, 20)


def test_the_horizon_is_the_runs_or_the_visits() -> None:
    assert direct().horizon == 100
    gated = Scheduler(
        Arithmetic(start=Stage(2), until=Stage(5)), budget=Budget(steps_per_stage=10, steps=100)
    )
    assert gated.horizon == 10


def test_many_failed_tests_do_not_end_it() -> None:
    scheduler = direct(steps=10_000)
    for steps in range(1, 200):
        assert scheduler.update(look(passed=False, steps=steps)) is Verdict.LEARNING
    assert scheduler.tests == 199


def test_a_diverged_run_ends() -> None:
    scheduler = direct()
    over = Look(spent=Spending(steps=5), diverged="the loss is no longer a finite number")
    assert scheduler.update(over) is Verdict.EXHAUSTED
    assert scheduler.finished
    assert scheduler.ending == "the loss is no longer a finite number"


def test_a_limit_in_compute_leaves_the_steps_open() -> None:
    scheduler = Scheduler(
        Arithmetic(start=Stage(2), until=Stage(5)),
        budget=Budget(compute=1e9, steps_per_stage=10),
        pacing=Direct(),
    )
    assert scheduler.steps_left > 10**9
    scheduler.update(Look(spent=Spending(steps=50, compute=2e9)))
    assert scheduler.finished
