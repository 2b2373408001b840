"""Medians of few numbers, with intervals that assume nothing of how they are spread."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

LEAST_SEEDS = 6
"""With fewer numbers, not even their whole range holds the median in 95 % of cases."""

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Median:
    """A median of `count` numbers, and where the true one lies; None for too few numbers."""

    value: float
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """A median ratio known within bounds: from `least` to `most`, its interval from `low` to `high`.

    `least` and `most` differ where a budget ended before one side of the ratio was seen. `p_value`
    is of the sign test, two-sided: the probability that ratios whose median is 1 lie so much on
    one side of it. A ratio that is not known to lie there counts as one on the other side.
    """

    least: float
    most: float
    low: float | None
    high: float | None
    count: int
    p_value: float

    @property
    def verdict(self) -> str:
        """`helped` or `hurt`, where the interval leaves no doubt; else `inconclusive`.

        By itself, it errs in at most 5 % of cases; among several, see `holm`.
        """
        if self.low is not None and self.low > 1:
            return "helped"
        if self.high is not None and self.high < 1:
            return "hurt"
        return "inconclusive"


@dataclass(frozen=True, slots=True)
class Difference:
    """A median of paired differences, and where the true one lies; None for too few pairs.

    `p_value` is of the sign test, two-sided: the probability that differences whose median is 0 lie
    so much on one side of it. A pair without a difference counts on both sides.
    """

    value: float
    low: float | None
    high: float | None
    count: int
    p_value: float

    def verdict(self, *, lower_is_better: bool) -> str:
        """`helped` or `hurt`, where the interval leaves no doubt; else `inconclusive`.

        By itself, it errs in at most 5 % of cases; among several, see `holm`.
        """
        if self.low is not None and self.low > 0:
            return "hurt" if lower_is_better else "helped"
        if self.high is not None and self.high < 0:
            return "helped" if lower_is_better else "hurt"
        return "inconclusive"


def median_of(values: Sequence[float], *, whole: bool = False) -> Median:
    """The median, with the interval between two order statistics.

    From rank k to rank n + 1 - k, with the greatest k for which a true median lies outside
    with a probability of at most 5 %: 2 P(B < k) for B binomial of n and 1/2. For n = 6 it
    is the whole range (96.9 %). (David & Nagaraja 2003, section 7.1.)

    Args:
        values: at least one; may be infinite.
        whole: whether, of an even count, the lower of the middle two is taken, so that it
            is one of the values.
    """
    ordered, count = sorted(values), len(values)
    middle = ordered[(count - 1) // 2]
    if count % 2 == 0 and not whole:
        middle = (middle + ordered[count // 2]) / 2
    rank = _rank(count)
    if rank is None:
        return Median(middle, None, None, count)
    return Median(middle, ordered[rank - 1], ordered[count - rank], count)


def ratio_of(bounds: Sequence[tuple[float, float]]) -> Ratio:
    """The median of ratios of which each is known to lie within its own bounds.

    A bound on each is a bound on their median, and on each order statistic. Of an even count
    the median is the geometric mean of the middle two: so it is turned over with the ratios
    when the two sides change places, where {1/4, 4} would else be 2.125 either way.

    Args:
        bounds: of each ratio, a lower one that is finite and an upper one above 0.
    """
    lows, highs = [low for low, _ in bounds], [high for _, high in bounds]
    least, most = median_of(lows), median_of(highs)
    not_above, not_below = sum(low <= 1 for low in lows), sum(high >= 1 for high in highs)
    p_value = _sign_test(min(not_above, not_below), len(bounds))
    return Ratio(_middle(lows), _middle(highs), least.low, most.high, len(bounds), p_value)


def difference_of(differences: Sequence[float]) -> Difference:
    """The median of paired differences, with the interval of `median_of`; of at least one pair.

    >>> difference_of([-3.0, -1.0, -2.0])
    Difference(value=-2.0, low=None, high=None, count=3, p_value=0.25)
    """
    median, count = median_of(differences), len(differences)
    not_above, not_below = sum(d <= 0 for d in differences), sum(d >= 0 for d in differences)
    p_value = _sign_test(min(not_above, not_below), count)
    return Difference(median.value, median.low, median.high, count, p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of one family of tests, adjusted so that any of them errs in few cases.

    Rejecting those of at most 5 % errs once or more in at most 5 % of families, however the tests
    depend on each other. Holm 1979, "A simple sequentially rejective multiple test procedure".

    >>> holm([0.01, 0.03, 0.02])
    [0.03, 0.04, 0.04]
    """
    adjusted, highest, count = [0.0] * len(p_values), 0.0, len(p_values)
    for rank, at in enumerate(sorted(range(count), key=lambda at: p_values[at])):
        highest = max(highest, min(1.0, (count - rank) * p_values[at]))
        adjusted[at] = highest
    return adjusted


def least_seeds(strategies: int) -> int:
    """The fewest seeds with which a verdict on one of so many strategies may be shown.

    >>> least_seeds(1), least_seeds(2), least_seeds(14)
    (6, 7, 10)
    """
    return math.ceil(math.log2(2 * strategies / (1 - CONFIDENCE)) - 1e-9)


@cache
def _sign_test(fewer: int, count: int) -> float:
    """The probability of so few on either side, or fewer, where both are as likely."""
    return min(1.0, 2 * _at_most(fewer, count))


def _middle(ratios: Sequence[float]) -> float:
    """Their median; 0 or infinite where one of the middle two is."""
    ordered, count = sorted(ratios), len(ratios)
    one, other = ordered[(count - 1) // 2], ordered[count // 2]
    return one if one == other else math.sqrt(one * other)


@cache
def _rank(count: int) -> int | None:
    if count < LEAST_SEEDS:
        return None
    rank = count // 2
    while rank > 0 and 2 * _at_most(rank - 1, count) > 1 - CONFIDENCE:
        rank -= 1
    return rank


def _at_most(heads: int, tosses: int) -> float:
    """The probability that of so many tosses of a fair coin at most so many are heads."""
    from scipy.special import bdtr  # scipy.stats, which has it too, takes a second to import

    return float(bdtr(heads, tosses, 0.5))
