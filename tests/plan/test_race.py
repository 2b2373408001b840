"""Which arm of a race is trained next, and which wins."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from curriculum.plan import ArmReport, Race

DIRECT, GATED = False, True


def raced(race: Race, arms: Sequence[Sequence[ArmReport]], decisions: int) -> list[int]:
    """The arms that are trained next, for so many decisions at most; each gives its reports in order."""
    chosen: list[int] = []
    while race.next is not None and len(chosen) < decisions:
        arm = race.next
        race.observe(arm, arms[arm][chosen.count(arm)])
        chosen.append(arm)
    return chosen


def steady(cost: float, intervals: int, *, stages: Sequence[int] = ()) -> list[ArmReport]:
    """An arm of so many intervals of equal cost, which masters the target with the last."""
    return [
        ArmReport(
            compute=cost * number,
            mastered=number == intervals,
            stages=stages[number - 1] if number <= len(stages) else 0,
        )
        for number in range(1, intervals + 1)
    ]


@pytest.mark.parametrize(
    ("first_costs", "expected"),
    [
        ([1.0, 1.0], [0] * 7 + [1] * 7 + [0, 1]),
        ([1.0, 0.5], [1] * 7 + [0] * 8 + [1]),
        ([1.0, 100.0], [0] * 16),
    ],
)
def test_arms_of_equal_promise_get_the_same_once_each_is_worth_starting(
    first_costs: list[float], expected: list[int]
) -> None:
    race = Race(first_costs, waits=[DIRECT, GATED], stages=5)
    assert raced(race, [steady(1, 40), steady(1, 40)], 16) == expected


def falling(intervals: int) -> list[ArmReport]:
    """An arm whose loss at the target falls, by 1 % an interval."""
    return [
        ArmReport(compute=float(number), target_score=0.0, target_loss=1 - number / 100)
        for number in range(1, intervals + 1)
    ]


def standing(intervals: int) -> list[ArmReport]:
    """An arm whose loss at the target stands still."""
    return [
        ArmReport(compute=float(number), target_score=0.0, target_loss=1.0)
        for number in range(1, intervals + 1)
    ]


@pytest.mark.parametrize(
    ("direct", "gated", "favourite"),
    [
        (falling(60), steady(1, 60), 0),  # no stage is mastered
        (falling(60), steady(1, 60, stages=[1, 1, 1, 2] + [3] * 50), 0),
        (falling(60), steady(1, 60, stages=[1, 3, 7, 8] + [9] * 50), 1),  # almost there
        (standing(60), steady(1, 60, stages=[1] * 60), 1),
    ],
)
def test_the_arm_that_is_predicted_to_need_least_is_the_favourite(
    direct: list[ArmReport], gated: list[ArmReport], favourite: int
) -> None:
    race = Race([1.0, 1.0], waits=[DIRECT, GATED], stages=10)
    chosen = raced(race, [direct, gated], 40)
    assert chosen[12:].count(favourite) > 20


def test_arms_that_nothing_speaks_for_go_on_alike() -> None:
    race = Race([1.0, 1.0], waits=[DIRECT, GATED], stages=10)
    chosen = raced(race, [standing(60), steady(1, 60)], 50)
    assert race.favourites == [0, 1]
    assert abs(chosen.count(0) - chosen.count(1)) <= 1


def test_of_the_arms_that_wait_for_mastery_one_is_a_favourite() -> None:
    race = Race([1.0, 1.0, 1.0], waits=[DIRECT, GATED, GATED], stages=10)
    arms = [standing(99), steady(1, 99, stages=[1] * 99), steady(1, 99, stages=[9] * 99)]
    chosen = raced(race, arms, 90)
    # The third waits until its least share is six intervals, and then needs least.
    assert chosen.index(2) > 60
    assert race.favourites == [2]


def test_the_least_share_is_an_equal_part_by_four() -> None:
    race = Race([1.0, 1.0], waits=[DIRECT, GATED], stages=10)
    raced(race, [standing(200), steady(1, 200, stages=[1] * 200)], 160)
    assert race.compute == 160
    assert race.compute_of(0) == 160 / 8


def test_the_first_to_master_the_target_ends_the_race() -> None:
    race = Race([1.0, 1.0], waits=[DIRECT, GATED], stages=5)
    chosen = raced(race, [steady(1, 40), steady(1, 8)], 99)
    assert (race.winner, race.next) == (1, None)
    assert race.compute_of(1) == 8
    assert len(chosen) == race.compute


def test_an_arm_that_has_ended_is_trained_no_more() -> None:
    race = Race([1.0, 1.0], waits=[DIRECT, GATED], stages=5)
    ended = ArmReport(compute=1.0, ending="the run's budget of 10 steps is used up")
    race.observe(0, ended)
    assert race.next == 1
    race.observe(1, ended)
    assert race.next is None
    assert race.winner is None


def test_only_the_arm_that_is_next_has_anything_to_report() -> None:
    race = Race([1.0, 2.0])
    with pytest.raises(ValueError, match="arm 0 is trained next, got a report of arm 1"):
        race.observe(1, ArmReport(compute=1.0))


def test_the_same_reports_give_the_same_race() -> None:
    arms = [falling(99), steady(1, 99, stages=[1, 2] * 40), steady(1, 99, stages=[1, 2, 3])]
    races = [Race([1.0, 1.0, 1.0], waits=[DIRECT, GATED, GATED], stages=9) for _ in range(2)]
    assert raced(races[0], arms, 80) == raced(races[1], arms, 80)


def drawn_arm(rng: np.random.Generator, stages: int) -> list[ArmReport]:
    """An arm of up to 30 intervals that reports anything at all, and masters the target or ends."""
    count = int(rng.integers(1, 31))
    kind = rng.integers(4)
    intervals: NDArray[np.float64]
    if kind == 0:  # all intervals cost the same: there are ties
        intervals = 2.0 ** rng.integers(-2, 5) * np.ones(count)
    elif kind == 1:
        intervals = 10 ** rng.uniform(-2, 2, count)
    else:  # each is longer than the one before, or shorter
        intervals = np.asarray(
            rng.uniform(0.5, 2) * rng.uniform(0.7, 1.5) ** np.arange(count), dtype=np.float64
        )
    costs = np.cumsum(np.asarray(intervals))
    mastered = np.minimum(stages - 1, np.cumsum(rng.random(count) < rng.choice([0.0, 0.1, 0.6])))
    losses = np.abs(1 + rng.normal(0, rng.choice([0, 0.1, 1]), count).cumsum())
    wins = rng.random() < 0.7
    return [
        ArmReport(
            compute=float(costs[number]),
            mastered=wins and number == count - 1,
            ending=None if number < count - 1 or wins else "over",
            stages=int(mastered[number]),
            target_score=0.0,
            target_loss=float(losses[number]),
        )
        for number in range(count)
    ]


def misleading_arms(rng: np.random.Generator, count: int, stages: int) -> list[list[ArmReport]]:
    """The first is almost there, by its reports, and never is; nothing speaks for the one that wins."""
    almost = [
        ArmReport(compute=float(c), stages=stages - 1, target_score=0.0, target_loss=1 / c)
        for c in range(1, 1200)
    ]
    last = int(rng.integers(1, 16))
    cost = 2.0 ** rng.integers(-1, 2)
    winner = [
        ArmReport(
            compute=cost * c, mastered=c == last, target_score=0.0, target_loss=float(100 + c)
        )
        for c in range(1, last + 1)
    ]
    return [almost] * (count - 1) + [winner]


def check_bound(
    arms: Sequence[Sequence[ArmReport]],
    first_costs: Sequence[float],
    waits: Sequence[bool],
    share: float,
) -> bool:
    """Race the arms, and compare what it cost with what it may cost at most; whether one has won."""
    race, count = Race(first_costs, waits=waits, stages=5, least_share=share), len(arms)
    given, longest = [0] * count, 0.0
    while race.next is not None:
        arm = race.next
        report = arms[arm][given[arm]]
        longest = max(longest, report.compute - race.compute_of(arm))
        given[arm] += 1
        race.observe(arm, report)
    alone = [each[-1].compute if each[-1].mastered else np.inf for each in arms]
    starts = [6 * cost for cost in first_costs]
    for cost, start in zip(alone, starts, strict=True):
        added = (count * longest + sum(starts)) * count / (count - (count - 1) * share)
        assert race.compute <= count / share * max(cost, start) + added
    if race.winner is None:
        assert min(alone) == np.inf
    return race.winner is not None


def test_a_race_of_any_arms_costs_no_more_than_is_promised() -> None:
    rng = np.random.default_rng(0)
    won = 0
    for _ in range(9_900):
        count = int(rng.integers(1, 6))
        arms = [drawn_arm(rng, 5) for _ in range(count)]
        # Estimates of the first interval are right, or err by a factor.
        errs = rng.choice([0, 1]) * rng.normal(0, 1, count)
        first_costs = [arm[0].compute * 2.0**e for arm, e in zip(arms, errs, strict=True)]
        share = float(rng.choice([0.25, 0.25, 0.05, 0.5, 1]))
        won += check_bound(arms, first_costs, (rng.random(count) < 0.6).tolist(), share)
    assert won > 5_000


def test_nor_does_a_race_of_arms_that_mislead() -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        count = int(rng.integers(2, 6))
        arms = misleading_arms(rng, count, 5)
        waits = (rng.random(count) < 0.5).tolist()
        assert check_bound(arms, [arm[0].compute for arm in arms], waits, 0.25)
