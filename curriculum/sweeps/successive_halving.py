"""Successive halving over seeds and budget: little is spent on what is soon seen to be worse.

Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization"
(arXiv 1502.07943).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curriculum.sweeps.grid import Amount

KEPT = 1 / 3
"""The part of a round that goes on from a rung to the next."""

FRACTIONS = (1 / 4, 1 / 2, 1.0)
"""Of the budget, from rung to rung."""


@dataclass(frozen=True, slots=True)
class Rung:
    """What each contender is given.

    Attributes:
        seeds: those of the rung before, and more.
        amount: the budget with each seed.
    """

    seeds: tuple[int, ...]
    amount: Amount


def rungs_of(seeds: Sequence[int], amount: Amount) -> tuple[Rung, ...]:
    """The rungs up to all seeds and the whole budget.

    >>> [(rung.seeds, rung.amount.value) for rung in rungs_of((0, 1, 2), Amount(400, "steps"))]
    [((0,), 100.0), ((0, 1), 200.0), ((0, 1, 2), 400.0)]
    """
    count = len(FRACTIONS)
    return tuple(
        Rung(
            tuple(seeds[: math.ceil(len(seeds) * number / count)]),
            Amount(amount.value * fraction, amount.unit),
        )
        for number, fraction in enumerate(FRACTIONS, start=1)
    )


def best_third(values: Mapping[int, float]) -> set[int]:
    """Which go on: the third with the least values, rounded up; of equal ones those of lower number.

    >>> best_third({0: 3.0, 1: 1.0, 2: 2.0, 3: 1.0})
    {1, 3}
    >>> best_third({7: 1.0})
    {7}
    """
    ordered = sorted(values, key=lambda number: (values[number], number))
    return {*ordered[: third_of(len(values))]}


def third_of(count: int) -> int:
    """How many of so many go on.

    >>> [third_of(count) for count in (0, 1, 3, 7)]
    [0, 1, 1, 3]
    """
    return math.ceil(count * KEPT - 1e-9)
