"""Medians and their intervals, against the binomial distribution and by simulation."""

import math

import numpy as np
import pytest

from curriculum.comparison import Ratio, median_of
from curriculum.comparison.medians import ratio_of


@pytest.mark.parametrize(
    ("count", "ranks"),
    # The tables of the sign test.
    [
        (6, (1, 6)),
        (7, (1, 7)),
        (8, (1, 8)),
        (9, (2, 8)),
        (11, (2, 10)),
        (12, (3, 10)),
        (20, (6, 15)),
    ],
)
def test_the_interval_lies_between_two_order_statistics(count: int, ranks: tuple[int, int]) -> None:
    found = median_of([float(n) for n in range(1, count + 1)])
    assert (found.low, found.high) == ranks


@pytest.mark.parametrize("count", range(1, 6))
def test_below_six_there_is_no_interval(count: int) -> None:
    found = median_of([1.0] * count)
    assert (found.low, found.high, found.count) == (None, None, count)


@pytest.mark.parametrize("count", [6, 9, 12, 20])
def test_the_interval_holds_the_true_median_in_95_of_100_cases(count: int) -> None:
    rng, inside = np.random.default_rng(0), 0
    for _ in range(2000):
        found = median_of(list(rng.exponential(size=count)))
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= math.log(2) <= found.high
    assert inside / 2000 > 0.94


def test_an_even_count_takes_the_middle_of_two_or_the_lower() -> None:
    assert median_of([1, 2, 5, 9]).value == 3.5
    assert median_of([1, 2, 5, 9], whole=True).value == 2
    assert median_of([1, 2, math.inf, math.inf]).value == math.inf
    assert median_of([3, 1, 2]).value == 2


def test_a_ratio_is_bounded_by_the_medians_of_its_bounds() -> None:
    sure = [(2.0, 2.0)] * 4
    assert ratio_of([*sure, (5.0, math.inf), (7.0, math.inf)]) == Ratio(2.0, 2.0, 2.0, math.inf, 6)
    open_ended = ratio_of([(3.0, math.inf)] * 6)
    assert (open_ended.least, open_ended.most, open_ended.low) == (3.0, math.inf, 3.0)
    assert open_ended.verdict == "helped"
    assert ratio_of([(0.0, 0.5)] * 6).verdict == "hurt"
    assert ratio_of([*[(3.0, math.inf)] * 5, (0.0, math.inf)]).verdict == "inconclusive"
    assert ratio_of([(3.0, 3.0)] * 5).verdict == "inconclusive"  # too few


def test_a_ratio_is_inverted_when_its_sides_change_places() -> None:
    """The arithmetic mean of 1/4 and 4 would be 2.125, whichever side is the baseline."""
    assert ratio_of([(0.25, 0.25)] * 3 + [(4.0, 4.0)] * 3).least == 1.0
    one = [(0.5, 0.5), (2.0, math.inf), (3.0, 3.0), (8.0, 8.0), (0.0, 0.4), (9.0, math.inf)]
    other = [(1 / high, 1 / low if low else math.inf) for low, high in one]
    found, inverted = ratio_of(one), ratio_of(other)
    assert found.least == pytest.approx(1 / inverted.most)
    assert found.most == pytest.approx(1 / inverted.least)


def test_bounds_of_zero_and_of_infinity_are_kept() -> None:
    assert ratio_of([(0.0, 0.5)] * 3 + [(4.0, math.inf)] * 3) == Ratio(
        0.0, math.inf, 0.0, math.inf, 6
    )
