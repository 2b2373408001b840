"""Tells a lack of memory from other errors."""

import torch

OUT_OF_MEMORY = (MemoryError, RuntimeError)
"""What may say that memory ran out: on a GPU an error of its own kind, on a CPU a plain one."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error says that memory ran out, on whatever device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
