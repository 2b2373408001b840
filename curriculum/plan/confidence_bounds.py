"""Lower confidence bounds on a success rate."""

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
