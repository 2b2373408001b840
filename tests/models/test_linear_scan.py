import pytest
import torch
from torch import Tensor

from curriculum.models.linear_scan import by_chunks, linear_scan, step_by_step

LENGTHS = [1, 2, 3, 4, 5, 9, 10, 17]


def problem(length: int, kind: torch.dtype, *, alike: str) -> tuple[Tensor, Tensor]:
    torch.manual_seed(length)
    sizes = {"": (length, 3, 2), "examples": (length, 1, 2), "both": (1, 1, 2)}
    return torch.randn(sizes[alike], dtype=kind) * 0.7, torch.randn(length, 3, 2, dtype=kind)


def by_definition(decay: Tensor, values: Tensor) -> Tensor:
    state, found = torch.zeros_like(values[0]), []
    for a, b in zip(decay.expand_as(values), values, strict=True):
        state = a * state + b
        found.append(state)
    return torch.stack(found)


@pytest.mark.parametrize("alike", ["", "examples", "both"])
@pytest.mark.parametrize("kind", [torch.float64, torch.complex128])
@pytest.mark.parametrize("length", LENGTHS)
def test_both_ways_give_the_recurrence_and_leave_what_they_read(
    length: int, kind: torch.dtype, alike: str
) -> None:
    decay, values = problem(length, kind, alike=alike)
    given = decay.clone(), values.clone()
    expected = by_definition(decay, values)
    for way in (step_by_step, by_chunks, linear_scan):
        torch.testing.assert_close(way(decay, values), expected)
    assert torch.equal(decay, given[0])
    assert torch.equal(values, given[1])


@pytest.mark.parametrize("alike", ["", "examples", "both"])
@pytest.mark.parametrize("kind", [torch.float64, torch.complex128])
@pytest.mark.parametrize("length", [1, 2, 7])
def test_the_gradient_is_the_recurrences(length: int, kind: torch.dtype, alike: str) -> None:
    decay, values = (part.requires_grad_() for part in problem(length, kind, alike=alike))
    weights = torch.randn(length, 3, 2, dtype=kind)
    found = torch.autograd.grad((linear_scan(decay, values) * weights).sum().abs(), [decay, values])
    expected = torch.autograd.grad(
        (by_definition(decay, values) * weights).sum().abs(), [decay, values], allow_unused=True
    )
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, torch.zeros_like(ours) if theirs is None else theirs)


def test_a_decay_without_gradient_gets_none() -> None:
    decay, values = problem(5, torch.float64, alike="")
    values.requires_grad_()
    linear_scan(decay, values).sum().backward()  # type: ignore[no-untyped-call]
    assert decay.grad is None
    assert values.grad is not None
