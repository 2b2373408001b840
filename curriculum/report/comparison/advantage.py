"""How much cheaper than another the best curriculum of a search is, in words."""

import math

from curriculum.comparison import Ratio
from curriculum.report.units import times

NOT_KNOWN = "not known"
"""Where too few reached the target."""


def advantage(ratio: Ratio, other: str = "") -> str:
    """How much cheaper or dearer one is than another, and in brackets the interval; or `NOT_KNOWN`.

    Args:
        ratio: of the cost of the other to that of the one.
        other: its name; empty where that is said elsewhere.

    >>> advantage(Ratio(1.5, 1.5, 1.2, 2.1, 10, 0.01), "gated")
    '1.5 × cheaper than gated (1.2–2.1)'
    >>> advantage(Ratio(0.8, 0.8, 0.5, 2.0, 10, 0.5))
    '1.2 × dearer (2.0 × dearer to 2.0 × cheaper)'
    >>> advantage(Ratio(1.2, math.inf, None, None, 5, 1.0), "direct")
    'at least 1.2 × cheaper than direct'
    >>> advantage(Ratio(0.0, 0.2, 0.0, 0.5, 6, 1.0))
    'at least 5.0 × dearer (≥ 2.0)'
    >>> advantage(Ratio(0.0, math.inf, 0.0, math.inf, 6, 1.0), "gated")
    'not known'
    """
    than = f" than {other}" if other else ""
    if _is_nothing(ratio.least, ratio.most):
        return NOT_KNOWN
    words = _between(ratio.least, ratio.most)
    words = f"as dear as {other or 'it'}" if words.startswith("1.0 ×") else words + than
    if ratio.low is None or ratio.high is None or _is_nothing(ratio.low, ratio.high):
        return words
    return f"{words} ({_interval(ratio)})"


def _is_nothing(low: float, high: float) -> bool:
    return low == 0 and math.isinf(high)


def _between(low: float, high: float) -> str:
    """A ratio that is known within bounds."""
    if math.isinf(high):
        return f"at {'least' if low >= 1 else 'most'} {_word(low)}"
    if low == 0:
        return f"at {'least' if high < 1 else 'most'} {_word(high)}"
    if times(low) == times(high):
        return _word(low)
    if low >= 1:
        return f"{times(low)} to {_word(high)}"
    if high < 1:
        return f"{times(1 / high)} to {_word(low)}"
    return f"{_word(low)} to {_word(high)}"


def _interval(ratio: Ratio) -> str:
    """Its bounds alone, where they are on the side that was named."""
    low, high = ratio.low or 0.0, math.inf if ratio.high is None else ratio.high
    if low >= 1 and ratio.least >= 1:
        return f"≥ {times(low)}" if math.isinf(high) else f"{times(low)}–{times(high)}"
    if high < 1 and ratio.most < 1:
        return f"≥ {times(1 / high)}" if low == 0 else f"{times(1 / high)}–{times(1 / low)}"
    return _between(low, high)


def _word(ratio: float) -> str:
    """`1.5 × cheaper`, or of the inverse `1.5 × dearer`."""
    return f"{times(ratio)} × cheaper" if ratio >= 1 else f"{times(1 / ratio)} × dearer"
