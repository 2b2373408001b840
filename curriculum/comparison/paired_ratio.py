"""The cost of a stage to the baseline as a multiple of that to a strategy, seed by seed."""

import math
from collections.abc import Collection, Sequence

from curriculum.comparison.medians import Ratio, ratio_of
from curriculum.comparison.seed_result import SeedResult
from curriculum.plan import Cost


def stage_of_interest(strategies: Sequence[Collection[SeedResult]]) -> int | None:
    """The place of the hardest stage that some strategy mastered on at least half of its seeds."""
    last = max((result.reach for results in strategies for result in results), default=-1)
    for place in range(last, -1, -1):
        if any(results and 2 * reached(results, place) >= len(results) for results in strategies):
            return place
    return None


def reached(results: Collection[SeedResult], place: int) -> int:
    """How many of them mastered a stage."""
    return sum(result.quickest(place) is not None for result in results)


def paired_ratio(
    ours: Sequence[SeedResult], baseline: Sequence[SeedResult], place: int, unit: str
) -> Ratio:
    """The median over pairs of one seed; both in one order, and at least one."""
    pairs = zip(ours, baseline, strict=True)
    return ratio_of(
        [_bounds(one, other, (one.cost(place), other.cost(place)), unit) for one, other in pairs]
    )


def paired_target_ratio(
    ours: Sequence[SeedResult], baseline: Sequence[SeedResult], unit: str
) -> Ratio:
    """The same of the cost of the last stage, however many stages either side has before it."""
    pairs = zip(ours, baseline, strict=True)
    return ratio_of(
        [_bounds(one, other, (one.target_cost, other.target_cost), unit) for one, other in pairs]
    )


def _bounds(
    ours: SeedResult, baseline: SeedResult, costs: tuple[Cost | None, Cost | None], unit: str
) -> tuple[float, float]:
    """What is known of one ratio: who did not master the stage would have cost more than the limit."""
    one, other = costs
    below = ours.limit(unit) if one is None else getattr(one, unit)
    above = baseline.limit(unit) if other is None else getattr(other, unit)
    if not (below and above):
        return 0.0, math.inf  # a clock that did not tick tells nothing
    ratio = above / below
    return 0.0 if one is None else ratio, math.inf if other is None else ratio
