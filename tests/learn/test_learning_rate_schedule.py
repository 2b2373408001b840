import math
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from curriculum import SGD, Adam, Training, UsageError
from curriculum.learn.learning_rate_schedule import (
    END,
    MOMENTA,
    START,
    one_cycle,
    rise_and_fall,
    set_rate,
)


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
    cycle = Training(schedule="one_cycle", warmup=0.3)
    set_rate(adam, cycle, 0.01, done=0.3)
    assert adam.param_groups[0]["lr"] == pytest.approx(0.01)
    assert adam.param_groups[0]["betas"] == (pytest.approx(0.85), 0.99)
    sgd = SGD(momentum=0.9).build([weight])
    set_rate(sgd, cycle, 0.01, done=0)
    assert sgd.param_groups[0]["lr"] == pytest.approx(0.01 * START)
    assert sgd.param_groups[0]["momentum"] == pytest.approx(0.95)


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_a_rate_rises_along_a_line_and_falls_to_nothing(kind: Literal["linear", "cosine"]) -> None:
    sgd = SGD(momentum=0.9).build([nn.Parameter(torch.zeros(1))])
    rates = []
    for done in (0.0, 0.1, 0.2, 0.4, 0.6, 1.0, 1.2):
        set_rate(sgd, Training(schedule=kind, warmup=0.2), 0.01, done)
        rates.append(sgd.param_groups[0]["lr"])
    quarter = 0.25 if kind == "linear" else (1 - math.cos(math.pi / 4)) / 2
    fallen = [0.01 * (1 - quarter), 0.005, 0, 0]
    assert rates == pytest.approx([0, 0.005, 0.01, *fallen])
    assert sgd.param_groups[0]["momentum"] == 0.9


@given(st.floats(0, 1), st.floats(0.01, 0.99), st.booleans())
def test_a_rate_is_never_above_its_peak_nor_below_nothing(
    done: float, warmup: float, cosine: bool
) -> None:
    assert 0 <= rise_and_fall(done, warmup, cosine=cosine) <= 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schedule": "step"}, "constant, one_cycle, linear or cosine, got 'step'"),
        ({"tokens_per_step": 64, "online": True}, "tokens_per_step and training.online exclude"),
        ({"tokens_per_step": 64, "distinct_examples": 32}, "exclude each other"),
        ({"accumulate": 2, "online": True}, "accumulate and training.online exclude"),
        ({"accumulate": 33}, r"\(33\) must be at most training.batch_size \(32\)"),
        ({"precision": "fp16"}, "float32 or bf16, got 'fp16'"),
        ({"schedule_over": "epoch"}, "visit or run, got 'epoch'"),
        ({"warmup": 0.0}, r"in \(0, 1\), got 0.0"),
        ({"warmup": 1.0}, r"in \(0, 1\), got 1.0"),
        ({"distinct_examples": 100}, r"a multiple of training.batch_size \(32\), got 100"),
        ({"distinct_examples": 0}, "got 0"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Training(**settings)  # type: ignore[arg-type]
