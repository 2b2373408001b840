"""In which range a metric lies, and in which direction it is better."""

import math
from dataclasses import dataclass

from curriculum.errors import UsageError


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricScale:
    """The range and the direction of a metric that is no rate.

    Attributes:
        lower_is_better: whether less of it is better, as of an error.
        low: the least that it can be; minus infinity for no least.
        high: the most that it can be; infinity for no most.

    Raises:
        UsageError: for a range that holds nothing.

    >>> MetricScale(lower_is_better=True, high=math.inf).range  # a mean absolute error
    'at least 0'
    >>> MetricScale(high=100.0).range  # a BLEU score
    '0 to 100'
    """

    lower_is_better: bool = False
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise UsageError(
                f"a metric's range must go from a lower number to a higher one, got {self.low:g} to "
                f"{self.high:g}"
            )

    @property
    def is_rate(self) -> bool:
        """Whether it is as all metrics are that nothing is said of: in [0, 1], the more the better."""
        return self == type(self)()

    @property
    def direction(self) -> str:
        """Which way it is better, in words."""
        return "lower is better" if self.lower_is_better else "higher is better"

    @property
    def range(self) -> str:
        """Where it lies, in words."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return f"{self.low:g} to {self.high:g}"
        if math.isfinite(self.low):
            return f"at least {self.low:g}"
        return f"at most {self.high:g}" if math.isfinite(self.high) else "any number"
