"""Torch as every run has it: threads, denormal numbers, gradients, default dtype and device."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from curriculum.errors import UsageError

_IN_USE = threading.RLock()


def flushes_denormal() -> bool:
    """Whether this process treats denormal numbers as zero."""
    tiny = torch.tensor(1e-310, dtype=torch.float64, device="cpu")
    return float(tiny * 1.0) == 0


def configure_threads(threads: int, *, flush_denormal: bool = True) -> None:
    """Set the thread count, and treat denormal numbers as zero, for the rest of this process.

    Vanishing gradients become denormal, and make a CPU four times slower.
    """
    torch.set_flush_denormal(flush_denormal)
    torch.set_num_threads(threads)


@contextmanager
def isolated(threads: int, *, flush_denormal: bool = True) -> Iterator[None]:
    """Inside the block torch is as every run has it, whatever the caller has set.

    Gradients are recorded, new tensors are of float32 and on the CPU unless they say otherwise,
    and nothing is cast automatically. After the block all of that is as it was.

    Raises:
        UsageError: for fewer threads than 1; and while another thread of this process is in such
            a block: both would draw from torch's one generator, and neither could be repeated.
    """
    if threads < 1:
        raise UsageError(f"threads must be at least 1, got {threads}")
    if not _IN_USE.acquire(blocking=False):
        raise UsageError(
            "another thread of this process is making a run, or reading one's model, and both would "
            "draw from torch's one generator of random numbers; make runs one after another, or "
            "in processes, as compare does with several jobs"
        )
    with ExitStack() as undo:
        undo.callback(_IN_USE.release)
        undo.callback(configure_threads, torch.get_num_threads(), flush_denormal=flushes_denormal())
        undo.callback(torch.set_default_dtype, torch.get_default_dtype())
        configure_threads(threads, flush_denormal=flush_denormal)
        torch.set_default_dtype(torch.float32)
        undo.enter_context(torch.inference_mode(mode=False))
        undo.enter_context(torch.enable_grad())
        if torch.empty(0).device.type != "cpu":  # else it would slow each call of torch
            undo.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda", *(("mps",) if torch.backends.mps.is_available() else ())):
            if torch.is_autocast_enabled(kind):
                undo.enter_context(torch.autocast(kind, enabled=False))
        yield
