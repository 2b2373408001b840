"""What is predicted of an arm, from its reports alone."""

import math
from collections.abc import Sequence
from itertools import permutations

import pytest

from curriculum.plan import ArmReport
from curriculum.plan.race_forecast import Forecast, MasteryForecast, TargetForecast


def remaining(forecast: Forecast, reports: Sequence[ArmReport]) -> float | None:
    """What is predicted once all of the reports are known."""
    for report in reports:
        forecast.observe(report)
    return forecast.remaining


def mastering(*stages: int) -> list[ArmReport]:
    """An arm that had mastered so many stages, at costs of 1, 2, 3 and so on."""
    return [ArmReport(compute=number, stages=each) for number, each in enumerate(stages, 1)]


def scoring(*scores: float) -> list[ArmReport]:
    """An arm with such scores of the target, at costs of 1, 2, 3 and so on."""
    return [ArmReport(compute=number, target_score=each) for number, each in enumerate(scores, 1)]


def losing(*losses: float) -> list[ArmReport]:
    """The same with losses, and a score that stays 0."""
    return [
        ArmReport(compute=number, target_score=0.0, target_loss=each)
        for number, each in enumerate(losses, 1)
    ]


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        (mastering(), None),
        (mastering(0, 0, 0, 0, 0), None),
        (mastering(0, 0, 0, 0, 0, 0), math.inf),
        (mastering(1, 1, 1, 1, 3), None),
        (mastering(0, 0, 0, 0, 0, 1), 42.0),  # 6 * (4 ** 1.5 - 1)
        (mastering(0, 0, 0, 0, 1, 1, 1), 49.0),
        (mastering(0, 0, 1, 1, 2, 4), 0.0),
    ],
)
def test_the_stages_that_are_left_take_longer_than_those_mastered(
    reports: list[ArmReport], expected: float | None
) -> None:
    assert remaining(MasteryForecast(stages=4), reports) == expected


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        (losing(), None),
        (losing(4, 3.5, 3, 2.5, 2), None),  # too few, however it falls
        (losing(4, 3.5, 3, 2.5, 2, 1), 6 * (1 - 0.75)),
        (losing(4, 4, 4, 4, 4, 4), math.inf),
        (losing(1, 2, 3, 4, 5, 6), math.inf),
        (losing(4, 3, 4, 3, 4, 3), math.inf),  # no trend that is not chance
        (losing(4, 3, 3.9, 3.8, 3.7, 2, 2), 7 * (1 - 0.5)),
        (losing(4, 3, 3.9, 3.8, 3.7, 2, math.nan), math.inf),
        (scoring(0.5, 0.5, 0.6, 0.7, 0.8, 0.85), 6 * (1 - 0.35 / 0.4)),
        (scoring(0.5, 0.4, 0.6, 0.5, 0.45, 0.55), math.inf),
        (scoring(0, 0.2, 0.4, 0.6, 0.8, 1.0), 0.0),  # beyond the threshold
        (scoring(0.9, 0.9, 0.9, 0.9, 0.9, 0.9), math.inf),
        ([*mastering(0, 0), *scoring(0.1, 0.2, 0.3, 0.4, 0.5, 0.6)], 6 * (1 - 0.5 / 0.8)),
    ],
)
def test_half_of_the_way_is_left_at_most_where_the_target_shows_a_trend(
    reports: list[ArmReport], expected: float | None
) -> None:
    found = remaining(TargetForecast(threshold=0.9), reports)
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_score_that_falls_moves_towards_a_threshold_below_it() -> None:
    bits = scoring(6, 5.5, 5, 4.5, 4.2, 4)
    assert remaining(TargetForecast(threshold=3.0), bits) == pytest.approx(6 * (1 - 2 / 3))
    assert remaining(TargetForecast(threshold=7.0), scoring(6, 5.5, 5, 4.5, 4.2, 4)) == math.inf


def test_a_trend_is_seen_by_chance_as_often_as_is_said() -> None:
    """Every order of six values is equally likely where nothing moves: all 720 are tried."""
    seen = [
        remaining(TargetForecast(threshold=1.0), losing(*order)) != math.inf
        for order in permutations(range(1, 7))
    ]
    assert 0 < sum(seen) / len(seen) <= 0.05
