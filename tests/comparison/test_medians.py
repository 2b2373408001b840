"""Medians and their intervals, against the binomial distribution and by simulation."""

import math

import numpy as np
import pytest

from curriculum.comparison import Ratio, holm, least_seeds, median_of
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
    assert ratio_of([*sure, (5.0, math.inf), (7.0, math.inf)]) == Ratio(
        2.0, 2.0, 2.0, math.inf, 6, 2 / 2**6
    )
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
        0.0, math.inf, 0.0, math.inf, 6, 1.0
    )


@pytest.mark.parametrize("count", [1, 5, 6, 8, 9, 14, 20])
def test_a_ratio_has_a_verdict_where_the_sign_test_has_one(count: int) -> None:
    for above in range(count + 1):
        ratio = ratio_of([(2.0, math.inf)] * above + [(0.0, 0.5)] * (count - above))
        assert (ratio.verdict != "inconclusive") is (ratio.p_value <= 0.05)


def test_what_is_not_known_counts_against_a_verdict() -> None:
    assert ratio_of([*[(3.0, 3.0)] * 5, (0.0, math.inf)]).p_value == pytest.approx(14 / 2**6)


def test_so_many_seeds_are_the_fewest() -> None:
    for strategies in range(1, 20):
        least = least_seeds(strategies)
        assert strategies * ratio_of([(2.0, 2.0)] * least).p_value <= 0.05
        assert strategies * ratio_of([(2.0, 2.0)] * (least - 1)).p_value > 0.05


def false_verdicts(
    comparisons: int, *, strategies: int = 14, seeds: int = 10
) -> tuple[float, float]:
    """The shares of comparisons of equals with any false verdict: corrected, and by themselves."""
    rng = np.random.default_rng(0)
    corrected = single = 0
    for _ in range(comparisons):
        baseline, *others = rng.lognormal(size=(strategies + 1, seeds))
        ratios = [ratio_of([(r, r) for r in baseline / other]) for other in others]
        corrected += min(holm([ratio.p_value for ratio in ratios])) <= 0.05
        single += any(ratio.verdict != "inconclusive" for ratio in ratios)
    return corrected / comparisons, single / comparisons


def test_of_comparisons_of_equals_few_have_any_false_verdict() -> None:
    """Up to what chance makes of 1,000 of them; without the correction, a good many have one."""
    corrected, single = false_verdicts(1000)
    assert corrected <= 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5
    assert single > 0.1


@pytest.mark.exhaustive
def test_so_it_is_over_ten_thousand_comparisons() -> None:
    assert false_verdicts(10_000)[0] <= 0.05
