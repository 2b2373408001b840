"""What a scheduler retries on an exhausted stage where there is a tuner."""

import pytest

from curriculum import (
    Backtracking,
    Budget,
    Cost,
    Evaluation,
    Explicit,
    Mastery,
    Scheduler,
    Score,
    Stage,
)
from curriculum.plan.recovery.backtracking import RetryCounts

LIMIT = 100


def scheduler_of(*lengths: int, budget: Budget | None = None, **retries: int) -> Scheduler:
    return Scheduler(
        Explicit(lengths=lengths),
        Mastery(threshold=0.9),
        budget=budget or Budget(steps_per_stage=LIMIT),
        backtracking=Backtracking(**({"fresh_starts": 0} | retries)),
        tuned=True,
    )


def evaluation(*, passed: bool, steps: int, discarded: int = 0, compute: float = 0) -> Evaluation:
    score = Score(value=1.0 if passed else 0.0, examples=500)
    return Evaluation(
        full_test=score,
        cost=Cost(steps=steps, compute=compute),
        discarded_cost=Cost(steps=discarded),
    )


def visits(scheduler: Scheduler, masters: dict[tuple[str, int, bool], bool]) -> list[str]:
    """Each visit in words; `masters` says which end in mastery, by reason, length and retuning."""
    found, steps = [], 0
    while not scheduler.finished:
        reason, length = scheduler.visit_reason.value, scheduler.stage.length
        again = " again" if scheduler.retuning else ""
        passed = masters.get((reason, length, scheduler.retuning), False)
        steps += LIMIT
        found.append(
            f"{reason} {length}{again}: {scheduler.update(evaluation(passed=passed, steps=steps))}"
        )
    return found


def test_a_retune_comes_before_half_step_and_demotion_and_once_per_stage() -> None:
    scheduler = scheduler_of(2, 10)
    masters = {("advance", 2, False): True, ("demotion", 2, False): True}
    assert visits(scheduler, masters) == [
        "advance 2: mastered",
        "advance 10: exhausted",
        "advance 10 again: exhausted",
        "half_step 6: exhausted",
        "half_step 6 again: exhausted",
        "demotion 2: mastered",
        "return 10: exhausted",
    ]
    assert scheduler.ending is not None
    assert scheduler.ending.endswith("and no retune, half step or demotion is left")


def test_after_a_retune_that_masters_the_run_continues_as_after_the_visit() -> None:
    masters = {
        ("advance", 2, False): True,
        ("half_step", 6, True): True,
        ("return", 10, False): True,
    }
    assert visits(scheduler_of(2, 10), masters) == [
        "advance 2: mastered",
        "advance 10: exhausted",
        "advance 10 again: exhausted",
        "half_step 6: exhausted",
        "half_step 6 again: mastered",
        "return 10: mastered",
    ]


def test_the_first_stage_is_retuned_too() -> None:
    assert visits(scheduler_of(2, 10), {}) == ["advance 2: exhausted", "advance 2 again: exhausted"]


def test_without_retunes_there_is_none() -> None:
    assert visits(scheduler_of(2, retunes=0), {}) == ["advance 2: exhausted"]


def test_discarded_trials_count_in_the_runs_budget_and_not_in_the_visits() -> None:
    scheduler = scheduler_of(2, 10, budget=Budget(steps_per_stage=LIMIT, steps=1000))
    scheduler.update(evaluation(passed=False, steps=40, discarded=500))
    assert scheduler.visit_cost.steps == 40
    assert scheduler.steps_left == 60
    scheduler.update(evaluation(passed=False, steps=50, discarded=930))
    assert scheduler.steps_left == 20
    scheduler.update(evaluation(passed=False, steps=60, discarded=940))
    assert scheduler.finished
    assert scheduler.ending == "the run's budget of 1,000 steps is used up"


@pytest.mark.parametrize("kind", ["retunes", "half_steps", "demotions"])
def test_retries_are_counted_by_kind_and_stage(kind: str) -> None:
    retries = RetryCounts(Backtracking(retunes=2, half_steps=2, demotions=2))
    assert [retries.take(kind, Stage(3)) for _ in range(3)] == [True, True, False]  # type: ignore[arg-type]
    assert retries.take(kind, Stage(4))  # type: ignore[arg-type]
    again = RetryCounts(Backtracking(retunes=2, half_steps=2, demotions=2))
    again.load_state_dict(retries.state_dict())
    assert not again.take(kind, Stage(3))  # type: ignore[arg-type]
    assert again.take(kind, Stage(4))  # type: ignore[arg-type]


def test_a_fresh_start_is_the_last_remedy_and_has_all_others_before_it() -> None:
    scheduler = scheduler_of(2, 10, fresh_starts=1, retunes=0)
    masters = {(reason, 2, False): True for reason in ("advance", "demotion", "fresh_start")}
    attempt = [
        "advance 10: exhausted",
        "half_step 6: exhausted",
        "demotion 2: mastered",
        "return 10: exhausted",
    ]
    expected = ["advance 2: mastered", *attempt, "fresh_start 2: mastered", *attempt]
    assert visits(scheduler, masters) == expected
    assert scheduler.reach == Stage(2)
    assert scheduler.backtracker.fresh_starts == 1
    assert scheduler.ending is not None
    assert scheduler.ending.endswith("no retune, half step, demotion or fresh start is left")


@pytest.mark.parametrize(
    ("before", "visit", "reason"), [(10, 11, "fresh_start"), (10, 9, "half_step")]
)
def test_a_fresh_start_comes_first_where_the_visit_cost_more_than_the_way_to_it(
    before: float, visit: float, reason: str
) -> None:
    scheduler = scheduler_of(2, 10, fresh_starts=1, retunes=0)
    scheduler.update(evaluation(passed=True, steps=1, compute=before))
    scheduler.update(evaluation(passed=False, steps=LIMIT + 1, compute=before + visit))
    assert scheduler.visit_reason.value == reason


def test_a_fresh_network_is_charged_for_its_own_way_alone() -> None:
    scheduler = scheduler_of(2, 10, fresh_starts=2, retunes=0)
    scheduler.update(evaluation(passed=True, steps=1, compute=1))
    scheduler.update(evaluation(passed=False, steps=LIMIT + 1, compute=100))
    scheduler.update(evaluation(passed=True, steps=LIMIT + 2, compute=120))
    scheduler.update(evaluation(passed=False, steps=2 * LIMIT + 2, compute=130))
    assert scheduler.visit_reason.value == "half_step"  # 10 of compute, after 20 to come to it


def test_where_nothing_was_mastered_a_retune_comes_before_a_fresh_start() -> None:
    scheduler = scheduler_of(2, 10, fresh_starts=1)
    found = visits(scheduler, {})
    assert found == [
        "advance 2: exhausted",
        "advance 2 again: exhausted",
        "fresh_start 2: exhausted",
        "fresh_start 2 again: exhausted",
    ]


def test_the_error_of_a_stages_tests_is_shared_with_the_networks_before() -> None:
    scheduler = scheduler_of(2, 10, fresh_starts=1, retunes=0, half_steps=0, demotions=0)
    scheduler.update(evaluation(passed=True, steps=1))
    scheduler.update(evaluation(passed=False, steps=LIMIT + 1))
    assert scheduler.visit_reason.value == "fresh_start"
    assert (scheduler.counts.full_tests, scheduler.counts.failed_tests) == (1, 0)


def rates(scheduler: Scheduler, farthest: dict[float, int]) -> list[float]:
    """The rate factors of a run's networks; `farthest` says how many stages each of them masters."""
    found: list[float] = []
    steps = 0
    while not scheduler.finished:
        factor = scheduler.backtracker.fresh_rate_factor
        if scheduler.visit_reason.value == "fresh_start" or not found:
            found.append(factor)
        steps += LIMIT
        passed = scheduler.path.index(scheduler.stage) < farthest.get(factor, 0)
        scheduler.update(evaluation(passed=passed, steps=steps))
    return found


@pytest.mark.parametrize(
    ("farthest", "expected"),
    [
        pytest.param({}, [1, 1, 0.1, 10, 0.01, 100], id="none gets anywhere"),
        pytest.param({1: 1}, [1, 1, 0.1, 10, 1, 0.1], id="the experiment's is the best"),
        pytest.param({1: 2, 10: 1}, [1, 1, 0.1, 10, 1, 10], id="ten times it is the next best"),
        pytest.param({1: 1, 0.1: 2}, [1, 1, 0.1, 0.01, 0.1, 0.1], id="the tenth gets farther"),
        pytest.param({0.1: 1, 0.01: 3}, [1, 1, 0.1, 0.01], id="the target is mastered"),
        pytest.param({10: 2}, [1, 1, 0.1, 10, 100, 10], id="it was too low"),
        pytest.param({1: 1, 0.1: 1}, [1, 1, 0.1, 10, 0.01, 0.1], id="two are as good"),
    ],
)
def test_fresh_networks_take_a_rate_next_to_that_which_got_farthest(
    farthest: dict[float, int], expected: list[float]
) -> None:
    scheduler = scheduler_of(2, 4, 10, fresh_starts=5, retunes=0, half_steps=0, demotions=0)
    assert rates(scheduler, farthest) == pytest.approx(expected)


def test_the_farthest_stage_of_a_network_is_its_own_and_no_half_step() -> None:
    scheduler = scheduler_of(2, 10, fresh_starts=1, retunes=0)
    masters = {("advance", 2, False): True, ("half_step", 6, False): True}
    visits(scheduler, masters)
    assert [network.farthest for network in scheduler.backtracker.networks] == [0, -1]


def test_a_network_that_took_long_for_a_stage_is_given_as_long_for_the_next() -> None:
    scheduler = scheduler_of(2, 4, 10, fresh_starts=1, patience=50)
    assert scheduler.backtracker.patience == 0  # nothing is mastered yet
    scheduler.update(evaluation(passed=True, steps=20))
    assert scheduler.backtracker.patience == 50
    scheduler.update(evaluation(passed=True, steps=95))
    assert scheduler.backtracker.patience == scheduler.monitor.patience == 75
    again = scheduler_of(2, 4, 10, fresh_starts=1, patience=50)
    again.load_state_dict(scheduler.state_dict())
    assert again.monitor.patience == 75
