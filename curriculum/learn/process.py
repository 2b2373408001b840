"""Settings of the whole process, for the command line and for workers: never set by an import."""

from __future__ import annotations

import os

import torch

__all__ = ["configure", "threads_for"]

WIDE = 64
"""From this hidden size on, a second thread pays off."""


def threads_for(hidden_size: int) -> int:
    """How many threads suit a model: one where it is small, else all cores."""
    return 1 if hidden_size < WIDE else os.cpu_count() or 1


def configure(threads: int) -> None:
    """Set the thread count, and treat denormal numbers as zero.

    Vanishing gradients become denormal, and make a CPU four times slower. Call it
    before the first parallel work, so that worker threads inherit it.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
