from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from curriculum.plan import Spending
from curriculum.tune.race import Advance, race

Course = Mapping[int, tuple[float, int | None, int | None]]


def course(trials: Course, calls: Counter[int]) -> Callable[[int], Advance]:
    """Trials by cost of a look, the look that masters, and the look that ends them."""

    def advance(number: int) -> Advance:
        calls[number] += 1
        cost, masters, ends = trials[number]
        return Advance(
            trial=number,
            spent=Spending(compute=cost * calls[number]),
            loss=0.0,
            score=0.5,
            mastered=calls[number] == masters,
            over="used up" if calls[number] == ends else None,
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
def test_who_has_spent_least_goes_on_and_the_first_to_master_ends_it(
    trials: Course, order: list[int]
) -> None:
    calls: Counter[int] = Counter()
    looks = list(race(trials, course(trials, calls)))
    assert [look.trial for look in looks] == order
    masters = any(masters is not None for _, masters, _ in trials.values())
    assert looks[-1].mastered == masters


def test_a_race_costs_at_most_its_trials_times_its_winner() -> None:
    trials: Course = {number: (1 + number / 10, 40 + 10 * number, None) for number in range(4)}
    calls: Counter[int] = Counter()
    winner = list(race(trials, course(trials, calls)))[-1]
    spent = sum(trials[number][0] * count for number, count in calls.items())
    assert winner.trial == 0
    look = max(cost for cost, _, _ in trials.values())
    assert spent <= len(trials) * (winner.spent.compute + look)


def test_a_look_survives_its_record() -> None:
    look = Advance(
        trial=3,
        spent=Spending(steps=10, tokens=20, compute=3.5),
        loss=float("inf"),
        score=None,
        over="diverged",
        diverged=True,
    )
    assert Advance.of_record(look.record() | {"loss": "inf", "clock": {}, "visit": 0}) == look
