"""The benchmark that races portfolios offline: traces in, ratios out."""

from typing import Any

import pytest
from portfolio import experiment
from portfolio_pairs import ARMS, PAIRS
from portfolio_policies import POLICIES, LeastSpent
from portfolio_race import Case, cases, pairs_table, raced
from recorded_rows import Row

from curriculum import LossBelow, Mastery
from curriculum.plan import Race

PAIR = "parity_rnn"


def trace(
    arm: str, intervals: int, *, cost: float = 1.0, reached: bool = True, seed: int = 0
) -> Row:
    """An arm that masters the target, or is cut off, after so many evaluations."""
    points: list[dict[str, Any]] = [
        {
            "compute": cost * number,
            "steps": 10 * number,
            "stages": 0,
            "score": 0.5,
            "target_score": 0.5,
            "target_loss": None,
            "mastered": reached and number == intervals,
        }
        for number in range(1, intervals + 1)
    ]
    ending = "mastered" if reached else "the run's compute budget of 1e+12 is used up"
    return {
        "pair": PAIR,
        "seed": seed,
        "arm": arm,
        "reached": reached,
        "ending": ending,
        "path": 16,
        "points": points,
    }


def test_every_pair_can_be_trained_by_two_arms_at_least() -> None:
    assert len(PAIRS) >= 16
    for name, pair in PAIRS.items():
        made = [experiment(pair, arm, arms=3, most=1e12) for arm in ("direct", "gated")]
        assert {each.name for each in made} == {name}
        for each in made:
            assert isinstance(each.criterion, Mastery | LossBelow)
            assert each.criterion.confidence == pytest.approx(1 - 0.05 / 3)


def test_a_race_by_least_spent_costs_what_the_best_does_times_the_arms() -> None:
    rows = [trace(arm, intervals) for arm, intervals in zip(ARMS, (40, 30, 50), strict=True)]
    (case,) = cases(rows, [0])
    assert case.best == 1
    assert case.evaluations == 30
    assert sum(raced(case, LeastSpent)) == pytest.approx(3, abs=0.1)


def test_an_arm_that_was_cut_off_goes_on_as_it_ended() -> None:
    (case,) = cases([trace("direct", 4, reached=False), trace("gated", 9)], [0])
    assert [case.report(0, number).compute for number in (3, 4, 6)] == [4, 5, 7]
    assert not case.report(0, 99).mastered
    assert case.report(0, 99).ending is None
    assert raced(case, Race)[1] == 1


def test_a_seed_on_which_no_arm_gets_there_is_left_out() -> None:
    rows = [trace(arm, 9, reached=False) for arm in ARMS]
    assert cases(rows, [0]) == []


def test_the_table_has_a_line_for_each_pair_and_the_means() -> None:
    rows = [trace(arm, 30 + 10 * seed, seed=seed) for arm in ARMS for seed in (0, 1)]
    rows += [trace("gated", 9, reached=False, seed=2)]
    found = cases(rows, [0, 1, 2])
    assert [type(case) for case in found] == [Case, Case]
    lines = pairs_table(found, list(POLICIES)).splitlines()
    assert len(lines) == 5
    assert lines[2].startswith(f"| `{PAIR}` | 30 |")
    assert lines[2].endswith("| 1.0 1.0 | 1.0 1.0 | 1.0 1.0 |")
