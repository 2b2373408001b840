"""Confidence bounds: on a success rate from below, and on a mean loss."""

import math


def clopper_pearson_lower(successes: int, examples: int, error: float) -> float:
    """The exact one-sided lower bound on the rate of `successes` in `examples`.

    It lies above the true rate with probability at most `error`.
    Source: Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404.
    """
    if successes == 0:
        return 0.0
    from scipy.special import betaincinv

    return float(betaincinv(successes, examples - successes + 1, error))


def chernoff_lower(mean: float, examples: int, error: float) -> float:
    """A one-sided lower bound on the mean of results anywhere in [0, 1].

    The smallest rate p with examples * KL(mean, p) <= log(1 / error), by bisection.
    Wider than Clopper-Pearson, but it needs no 0-or-1 results.
    Source: Hoeffding 1963, theorem 1, doi:10.1080/01621459.1963.10500830.
    """
    allowed = math.log(1 / error) / examples
    low, high = 0.0, mean
    for _ in range(100):
        middle = (low + high) / 2
        if _divergence(mean, middle) > allowed:
            low = middle
        else:
            high = middle
    return low


def bounded_mean(
    mean: float, units: int, within: tuple[float, float], error: float
) -> tuple[float, float]:
    """One-sided bounds below and above a mean of results that all lie within a range, whatever else.

    >>> [round(bound, 2) for bound in bounded_mean(30.0, 1000, (0.0, 100.0), 0.05)]
    [26.54, 33.62]
    """
    low, high = within
    share = min(1.0, max(0.0, (mean - low) / (high - low)))
    below, above = (chernoff_lower(each, units, error) for each in (share, 1 - share))
    return low + (high - low) * below, high - (high - low) * above


def _divergence(mean: float, rate: float) -> float:
    """The Kullback-Leibler divergence of coins with these rates, in nats."""
    total = 0.0
    for p, q in ((mean, rate), (1 - mean, 1 - rate)):
        if p > 0:
            total += p * math.log(p / q) if q > 0 else math.inf
    return total


def error_of_test(number: int, confidence: float) -> float:
    """The error that full test `number` (from 1) of a stage may spend: 6a / (pi^2 number^2).

    These sum to a = 1 - confidence, however many tests a stage takes.
    """
    return 6 * (1 - confidence) / (math.pi * number) ** 2


def examples_needed(threshold: float, confidence: float, number: int = 1) -> int | None:
    """The fewest examples with which test `number`, all right, clears the threshold.

    All right in n examples has the bound error ** (1 / n), for both bounds here.
    None where no number does, that is for a threshold of 1.
    """
    if threshold >= 1:
        return None
    return max(
        1, math.ceil(math.log(error_of_test(number, confidence)) / math.log(threshold) - 1e-9)
    )


UNSEEN = 10
"""Standard deviations above the mean of a document that a sample is taken to have missed."""

RESERVE = 2
"""By how much less than allowed a bound on a mean errs, since a sample shows too little skewness."""


def mean_upper(mean: float, units: int, deviation: float, skewness: float, error: float) -> float:
    """A one-sided upper bound on the mean of independent results from any range.

    No such bound holds for every distribution: of losses, a few are far above the others, and a
    small sample often has none of these, so that both its mean and its deviation are too low. With
    Student's t from 100 documents up to 10 % of models at a threshold would pass. Here t is
    inverted after Hall's cubic transformation, which takes the skewness out of it, at a half of the
    error; and one document more is taken to be there, which the sample missed, ten deviations above
    its mean. Simulated from 100 units on, all tests of a stage together err in less than 5 % of
    cases on the losses of source files under a model of bytes, and on lognormal ones of a deviation
    up to 1.3 in the logarithm (skewness 14). Where more than a percent of the documents lie twenty
    deviations above the others, it takes some thousands.

    Source: Hall 1992, "On the removal of skewness by transformation",
    doi:10.1111/j.2517-6161.1992.tb01875.x.

    >>> [round(mean_upper(1.5, 400, 0.3, skewness, 0.025), 3) for skewness in (0.0, 5.0)]
    [1.541, 1.552]

    Args:
        mean: of the results.
        units: how many there are, at least 2.
        deviation: their standard deviation.
        skewness: their third central moment over the deviation's cube.
        error: that the bound may lie below the true mean with.
    """
    from scipy.special import cbrt, stdtrit

    quantile = float(stdtrit(units - 1, error / RESERVE))  # below 0
    root = math.sqrt(units)
    studentized = quantile
    if skewness > 0:
        tilt = skewness / root
        studentized = min(quantile, (float(cbrt(1 + tilt * (quantile - tilt / 6))) - 1) * 3 / tilt)
    return mean - studentized * deviation / root + UNSEEN * deviation / units


def mean_lower(mean: float, units: int, deviation: float, skewness: float, error: float) -> float:
    """A one-sided lower bound on such a mean."""
    return -mean_upper(-mean, units, deviation, -skewness, error)
