"""How a network is computed: in which precision, by which algorithms, and whether it is compiled."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Literal

import torch
from torch import nn

from curriculum.errors import UsageError
from curriculum.learn.network_protocols import Stateful

Precision = Literal["float32", "bf16"]

PLAIN: AbstractContextManager[None] = nullcontext()


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """A context in which a network computes in that precision."""
    if precision == "float32":
        return PLAIN
    return torch.autocast(device.type, dtype=torch.bfloat16)


def allow_deterministic(device: torch.device) -> None:
    """Let a device's library of linear algebra be deterministic, before it is first called.

    Without this NVIDIA's would be refused by torch's deterministic algorithms.
    """
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def deterministic(wanted: bool) -> AbstractContextManager[None]:
    """A context in which torch takes deterministic algorithms alone, and refuses what has none."""
    return _deterministic() if wanted else PLAIN


@contextmanager
def _deterministic() -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def check_precision(precision: Precision, device: torch.device, network: nn.Module) -> None:
    """Check that a network can be computed in that precision on a device.

    Raises:
        UsageError: where it can't.
    """
    if precision == "float32":
        return
    if any(parameter.is_complex() for parameter in network.parameters()):
        raise UsageError(
            f"training.precision {precision} is for real weights, and {type(network).__name__} has "
            f"complex ones; leave it at float32"
        )
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise UsageError(
            f"training.precision {precision} takes a GPU with bfloat16 (NVIDIA's Ampere or later), "
            f"and this is {torch.cuda.get_device_name(device)}; leave it at float32"
        )


def compile_in_place(network: nn.Module) -> None:
    """Let torch compile a network's calls, of any length; names in its `state_dict` stay.

    Raises:
        UsageError: where torch can't compile, for want of a compiler say.
    """
    _check_compiler()
    network.compile(dynamic=True)
    if isinstance(network, Stateful):
        method = torch.compile(network.forward_with_state, dynamic=True)
        network.forward_with_state = method  # type: ignore[method-assign]


@cache
def _check_compiler() -> None:
    """Compile a function of one line."""
    try:
        torch.compile(lambda x: x * x + 1)(torch.ones(2))
    except Exception as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(
            f"training.compile takes a working C++ compiler, and torch's compilation failed: "
            f"{line[:200]}; install one (g++), or leave the setting out"
        ) from error
