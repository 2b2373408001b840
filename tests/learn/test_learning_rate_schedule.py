import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from curriculum import SGD, Adam, Training, UsageError
from curriculum.learn.learning_rate_schedule import END, MOMENTA, START, one_cycle, set_one_cycle


def test_the_cycle_starts_low_peaks_after_the_warmup_and_ends_near_zero() -> None:
    assert one_cycle(0, 0.3) == pytest.approx((START, MOMENTA[0]))
    assert one_cycle(0.3, 0.3) == pytest.approx((1, MOMENTA[1]))
    assert one_cycle(1, 0.3) == pytest.approx((END, MOMENTA[0]))
    half = START + (1 - START) * (1 - math.cos(math.pi / 2)) / 2
    assert one_cycle(0.15, 0.3)[0] == pytest.approx(half)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 0.99))
def test_the_rate_rises_and_then_falls(one: float, other: float, warmup: float) -> None:
    first, second = sorted((one, other))
    (rate, momentum), (later, after) = one_cycle(first, warmup), one_cycle(second, warmup)
    if second < warmup:
        assert rate <= later + 1e-12
        assert momentum >= after - 1e-12
    elif first > warmup:
        assert rate >= later - 1e-12
        assert momentum <= after + 1e-12


def test_the_optimizer_gets_rate_and_momentum() -> None:
    weight = nn.Parameter(torch.zeros(1))
    adam = Adam(betas=(0.9, 0.99)).build([weight])
    set_one_cycle(adam, 0.01, done=0.3, warmup=0.3)
    assert adam.param_groups[0]["lr"] == pytest.approx(0.01)
    assert adam.param_groups[0]["betas"] == (pytest.approx(0.85), 0.99)
    sgd = SGD(momentum=0.9).build([weight])
    set_one_cycle(sgd, 0.01, done=0, warmup=0.3)
    assert sgd.param_groups[0]["lr"] == pytest.approx(0.01 * START)
    assert sgd.param_groups[0]["momentum"] == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schedule": "linear"}, "constant or one_cycle, got 'linear'"),
        ({"warmup": 0.0}, r"in \(0, 1\), got 0.0"),
        ({"warmup": 1.0}, r"in \(0, 1\), got 1.0"),
        ({"distinct_examples": 100}, r"a multiple of training.batch_size \(32\), got 100"),
        ({"distinct_examples": 0}, "got 0"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Training(**settings)  # type: ignore[arg-type]
