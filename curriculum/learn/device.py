"""The device that a model is on: which one, and how data get there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from curriculum.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

LOCAL_RANK = "LOCAL_RANK"
"""In the environment: a process's number on its machine, as torchrun, accelerate and others set it."""


def resolve_device(name: str, environment: Mapping[str, str] = os.environ) -> torch.device:
    """The device of that name; `auto` is CUDA where there is one, else the CPU.

    `cuda` is the device number `LOCAL_RANK`, where a launcher says that, and else torch's current
    one; `cuda:1` is what it says. Apple's `mps` has to be named: for small models it is slower than
    the CPU.

    Args:
        name: `auto`, `cpu`, `cuda`, `cuda:` and a number, or `mps`.
        environment: that a launcher has set.

    Raises:
        UsageError: where the device is not available.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    kind, colon, number = name.partition(":")
    if name == "auto":
        kind = "cuda" if available["cuda"] else "cpu"
    if kind not in ("cpu", *available) or (colon and (kind != "cuda" or not number.isdecimal())):
        raise UsageError(f"device must be auto, cpu, cuda, cuda:N or mps, got {name!r}")
    if not available.get(kind, True):
        raise UsageError(
            f"device {name} is not available: torch finds no {kind.upper()} device; use cpu or auto"
        )
    if kind != "cuda":
        return torch.device(kind)
    return torch.device("cuda", _named(int(number)) if number else _of_process(environment))


def _named(index: int) -> int:
    """The number of a CUDA device that was named."""
    count = torch.cuda.device_count()
    if index >= count:
        raise UsageError(
            f"device cuda:{index} is not available: torch finds {_so_many(count)}; name one of "
            f"them, or use cuda or auto"
        )
    return index


def _of_process(environment: Mapping[str, str]) -> int:
    """The number of this process's CUDA device."""
    rank = environment.get(LOCAL_RANK)
    if rank is None:
        return torch.cuda.current_device()
    if not re.fullmatch("[0-9]+", rank):
        raise UsageError(
            f"{LOCAL_RANK} in the environment must be this process's number on its machine, from 0, "
            f"got {rank!r}; unset it where no launcher is used"
        )
    count = torch.cuda.device_count()
    if int(rank) >= count:
        raise UsageError(
            f"{LOCAL_RANK} in the environment is {rank}, and torch finds {_so_many(count)}; start no "
            f"more processes than devices, or name one, as cuda:0"
        )
    return int(rank)


def _so_many(count: int) -> str:
    return "the CUDA device cuda:0 alone" if count == 1 else f"{count} CUDA devices, from cuda:0 on"


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the CPU on a device; on its way to a GPU the program goes on."""
    if device.type != "cuda":
        return tensor.to(device)
    with torch.cuda.device(device):  # else pinning takes up memory of another one
        # Only from pinned memory it is copied meanwhile.
        return tensor.pin_memory().to(device, non_blocking=True)


def on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array on a device, likewise."""
    return to_device(torch.from_numpy(array), device)
