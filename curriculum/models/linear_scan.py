"""The linear recurrence h_t = a_t * h_{t-1} + b_t, unit by unit, of all positions at once.

Legend: L length, B batch, N units, C positions of a chunk, K chunks.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from curriculum.learn import Work


def linear_scan(decay: Tensor, values: Tensor) -> Tensor:
    """The states h_1 … h_L, (L, B, N), of h_t = decay_t * h_{t-1} + values_t, where h_0 = 0.

    Real or complex. Its gradient is a scan of the same kind from the end to the beginning (Martin &
    Cundy 2018, arXiv 1709.04057, section 2.2), so that nothing but the states is kept for it.

    >>> linear_scan(torch.full((1, 1, 1), 0.5), torch.ones(4, 1, 1)).flatten().tolist()
    [1.0, 1.5, 1.75, 1.875]

    Args:
        decay: (L, B, N), or of size 1 where it is the same at all positions or for all examples.
        values: (L, B, N), of the same dtype.
    """
    states: Tensor = _LinearScan.apply(decay, values)  # type: ignore[no-untyped-call]
    return states


def scan_work(examples: int, length: int, units: int, *, is_complex: bool) -> Work:
    """Of the recurrence on so many positions. On a CPU each is a call, and so it is counted."""
    operations = 8.0 if is_complex else 2.0  # of a multiplication and an addition
    return Work(operations=examples * length * units * operations, depth=length * CALL)


CALL = 0.1
"""A call of the scan, as one of those that `Work.depth` counts: it is one kernel, without autograd."""


class _LinearScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, decay: Tensor, values: Tensor) -> Tensor:
        states = _scan(decay, values)
        ctx.save_for_backward(decay, states)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor]:
        decay, states = ctx.saved_tensors
        # What reaches the state at t comes from t itself, and through decay_{t+1} from t + 1.
        later = decay.conj() if len(decay) == 1 else decay.conj().roll(-1, dims=0)
        of_values = _scan(later.flip(0), gradient.flip(0)).flip(0)  # (L, B, N)
        if not ctx.needs_input_grad[0]:
            return None, of_values
        of_decay = torch.zeros_like(of_values)  # the first has no state before it
        torch.mul(of_values[1:], states[:-1].conj(), out=of_decay[1:])
        return of_decay.sum_to_size(decay.shape), of_values


def _scan(decay: Tensor, values: Tensor) -> Tensor:
    # A call on a CPU costs so little that the pass over memory which is saved counts for more;
    # on an accelerator the calls count, and there are 2 sqrt(L) of them in place of L.
    if values.device.type == "cpu":
        return step_by_step(decay, values)
    return by_chunks(decay, values)


def step_by_step(decay: Tensor, values: Tensor) -> Tensor:
    """The states, one after another, in one pass over memory."""
    states = torch.empty_like(values, memory_format=torch.contiguous_format)
    steps = states.unbind(0)
    steps[0].copy_(values[0])
    decays = decay.expand(len(values), -1, -1).unbind(0)
    for t, value in enumerate(values.unbind(0)[1:], start=1):
        torch.addcmul(value, decays[t], steps[t - 1], out=steps[t])
    return states


def by_chunks(decay: Tensor, values: Tensor) -> Tensor:
    """The states of all chunks side by side, each from an empty one; then what it had from before."""
    length = len(values)
    size = math.isqrt(length - 1) + 1  # C
    count = -(-length // size)  # K
    missing = count * size - length
    decay = decay.expand(length, -1, -1)
    decay = torch.cat([decay, decay.new_ones(missing, *decay.shape[1:])])
    states = torch.cat([values, values.new_zeros(missing, *values.shape[1:])])
    products = decay.view(count, size, *decay.shape[1:])  # (K, C, B, N)
    states = states.view(count, size, *states.shape[1:])
    for t in range(1, size):
        states[:, t].addcmul_(products[:, t], states[:, t - 1])
        products[:, t].mul_(products[:, t - 1])  # of the chunk's decays up to t
    for k in range(1, count):
        states[k, -1].addcmul_(products[k, -1], states[k - 1, -1])
    before = states[:-1, -1:].clone()  # (K - 1, 1, B, N)
    states[1:, :-1].addcmul_(products[1:, :-1], before)
    found: Tensor = states.flatten(0, 1)[:length]
    return found
