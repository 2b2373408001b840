"""The race of a round's trials: who advances, when it ends, and what it costs."""

import json
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from curriculum import Cost
from curriculum.record import TrialReport, decode, encode
from curriculum.tune.race import race

Course = Mapping[int, tuple[float, int | None, int | None]]
"""Trials by the cost of an evaluation, the evaluation that masters, and the one that ends them."""


def on_course(trials: Course, calls: Counter[int]) -> Callable[[int], TrialReport]:
    """What advances these trials; `calls` counts how often each was."""

    def advance(number: int) -> TrialReport:
        calls[number] += 1
        cost, masters, ends = trials[number]
        return TrialReport(
            trial=number,
            cost=Cost(compute=cost * calls[number]),
            loss=0.0,
            score=0.5,
            mastered=calls[number] == masters,
            ending="used up" if calls[number] == ends else None,
        )

    return advance


@pytest.mark.parametrize(
    ("trials", "order"),
    [
        ({0: (1, 2, None), 1: (1, None, None)}, [0, 1, 0]),  # equals go by number
        ({0: (3, None, None), 1: (1, 3, None)}, [0, 1, 1, 1]),  # the cheap one goes more often
        ({0: (1, None, 1), 1: (1, 2, None)}, [0, 1, 1]),  # who is over drops out
        ({0: (1, None, 2), 1: (1, None, 1)}, [0, 1, 0]),  # none masters
        ({5: (2, None, None), 9: (3, 2, None)}, [5, 9, 5, 9]),
    ],
)
def test_the_cheapest_trial_advances_and_the_first_to_master_ends_the_race(
    trials: Course, order: list[int]
) -> None:
    reports = list(race(trials, on_course(trials, Counter())))
    assert [report.trial for report in reports] == order
    masters = any(masters is not None for _, masters, _ in trials.values())
    assert reports[-1].mastered == masters


def test_a_race_costs_at_most_its_trials_times_its_winner() -> None:
    trials: Course = {number: (1 + number / 10, 40 + 10 * number, None) for number in range(4)}
    calls: Counter[int] = Counter()
    winner = list(race(trials, on_course(trials, calls)))[-1]
    total = sum(trials[number][0] * count for number, count in calls.items())
    assert winner.trial == 0
    evaluation = max(cost for cost, _, _ in trials.values())
    assert total <= len(trials) * (winner.cost.compute + evaluation)


def test_a_report_survives_its_record() -> None:
    report = TrialReport(
        trial=3,
        cost=Cost(steps=10, tokens=20, compute=3.5),
        loss=float("inf"),
        score=None,
        ending="diverged",
        diverged=True,
    )
    content = json.loads(json.dumps(encode(report), allow_nan=False))
    assert content["loss"] == "inf"
    assert decode(TrialReport, content) == report
