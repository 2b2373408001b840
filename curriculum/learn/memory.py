"""Tells a lack of memory from other errors."""

import sys

OUT_OF_MEMORY = (MemoryError, RuntimeError)
"""What may say that memory ran out: on a GPU an error of its own kind, on a CPU a plain one."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error says that memory ran out, on whatever device."""
    torch = sys.modules.get("torch")  # only then can the error be its own
    kinds = (MemoryError,) if torch is None else (MemoryError, torch.OutOfMemoryError)
    if isinstance(error, kinds):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
