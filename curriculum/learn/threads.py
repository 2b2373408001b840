"""Threads and denormal numbers of the whole process, for the command line and for workers."""

import os

import torch

WIDE = 64
"""From this hidden size on, a second thread pays off."""


def default_threads(hidden_size: int) -> int:
    """How many threads suit a model: one where it is small, else all cores."""
    return 1 if hidden_size < WIDE else os.cpu_count() or 1


def flushes_denormal() -> bool:
    """Whether this process treats denormal numbers as zero."""
    return float(torch.tensor(1e-310, dtype=torch.float64) * 1.0) == 0


def configure_threads(threads: int, *, flush_denormal: bool = True) -> None:
    """Set the thread count, and treat denormal numbers as zero.

    Vanishing gradients become denormal, and make a CPU four times slower. Call it
    before the first parallel work, so that worker threads inherit it.
    """
    torch.set_flush_denormal(flush_denormal)
    torch.set_num_threads(threads)
