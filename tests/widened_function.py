"""Compares a widened network with the one whose function it is to keep."""

import copy

import torch
from torch import Tensor, nn

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
PERTURBATIONS = 8


def assert_function_is_kept(
    small: nn.Module, large: nn.Module, *inputs: Tensor, outputs: int | None = None
) -> None:
    """Check that both networks give the same logits, of the first `outputs` symbols if it is given.

    In exact arithmetic they are equal; but they add up in another order, and round differently.
    In float32 the difference may exceed the tolerance only as far as the smaller network, by
    itself, magnifies rounding: a recurrent network with large weights is chaotic.
    """
    with torch.no_grad():
        before, after = small(*inputs), large(*inputs)
        difference = float((before - after[..., :outputs]).abs().max())
        tolerance = TOLERANCE[before.dtype]
        if difference > tolerance and before.dtype is torch.float32:
            tolerance = max(tolerance, effect_of_rounding(small, large, inputs))
    assert difference <= tolerance


def effect_of_rounding(small: nn.Module, large: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """How far two results of the network may lie apart that were both rounded to float32.

    A rounded sum of n products is the exact one of factors that are each off by up to n times
    the unit of rounding (Higham 2002, doi:10.1137/1.9780898718027, section 3.1). So it is
    measured in float64, with all parameters off by as much at random.
    """
    # In the larger network: inputs, units, and their two biases.
    terms = 2 * (max(parameter.shape[-1] for parameter in large.parameters()) + 1)
    unit = torch.finfo(torch.float32).eps / 2
    exact = copy.deepcopy(small).double()
    weights = {name: value.clone() for name, value in exact.named_parameters()}
    expected, farthest = exact(*inputs), 0.0
    for _ in range(PERTURBATIONS):
        for name, parameter in exact.named_parameters():
            error = terms * unit * (2 * torch.rand_like(parameter) - 1)
            parameter.copy_(weights[name] * (1 + error))
        farthest = max(farthest, float((exact(*inputs) - expected).abs().max()))
    return 2 * farthest
