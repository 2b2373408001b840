from collections.abc import Callable

import pytest
import torch
from torch import nn

from curriculum import SGD, Adam, AdamW, Guess, RAdam
from curriculum.learn import OptimizerSettings

KINDS = (Adam, AdamW, RAdam, SGD, Guess)


@pytest.mark.parametrize("kind", KINDS)
def test_complex_weights_are_trained_beside_real_ones(
    kind: Callable[..., OptimizerSettings],
) -> None:
    """As those of a state-space model; torch's fused kernels refuse them."""
    weights = [nn.Parameter(torch.ones(2, dtype=dtype)) for dtype in (torch.cfloat, torch.float)]
    optimizer = kind(learning_rate=0.1).build(weights)
    sum((weight * 2j).imag.sum() for weight in weights).backward()  # type: ignore[union-attr]
    optimizer.step()
    assert all((weight != 1).all() and weight.isfinite().all() for weight in weights)


@pytest.mark.parametrize("kind", [Adam, AdamW, SGD])
def test_real_weights_are_trained_by_fused_kernels(kind: Callable[..., OptimizerSettings]) -> None:
    optimizer = kind(learning_rate=0.1).build(iter([nn.Parameter(torch.ones(2))]))
    assert optimizer.defaults["fused"] is True
