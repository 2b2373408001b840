"""Counts how often a program waits for the device, on a machine without one."""

import linecache
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

ON_CPU = (
    "forced.tolist()",
    "_VF._pack_padded_sequence",
    "_VF._pad_packed_sequence",
    "batch_sizes[0]",
    "hx = torch.zeros(",
    "_zeros = torch.zeros(",
)
"""In lines that read what is on the CPU, whatever the device.

Where `Seq2Seq` draws when its teacher forces it, and where torch packs sequences by their lengths.
"""

COPIES = {Tensor.cpu, Tensor.numpy, Tensor.tolist, Tensor.__array__}
"""What brings a whole tensor here."""

aten = torch.ops.aten
SIZED_BY_CONTENT = {aten.nonzero.default, aten.masked_select.default, aten._unique2.default}
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}
"""What has to know how many entries of a mask are true, where it is indexed with one."""


@dataclass
class Waits:
    """How often the device was waited for."""

    count: int = 0

    def add(self) -> None:
        """Count one, unless it is for what is on the CPU anyway."""
        for frame, line in traceback.walk_stack(None):
            text = linecache.getline(frame.f_code.co_filename, line)
            if any(part in text for part in ON_CPU):
                return
        self.count += 1


class _Calls(TorchDispatchMode):
    """Numbers that are read, and sizes that depend on content."""

    def __init__(self, waits: Waits) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.waits = waits

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        masked = func in INDEXED and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )
        if masked or func is aten._local_scalar_dense.default or func in SIZED_BY_CONTENT:
            self.waits.add()
        return func(*args, **(kwargs or {}))


class _Copies(TorchFunctionMode):
    """Tensors that are brought here; on a CPU no call of the library shows it."""

    def __init__(self, waits: Waits) -> None:
        super().__init__()
        self.waits = waits

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func in COPIES:
            self.waits.add()
        return func(*args, **(kwargs or {}))


@contextmanager
def counting_waits() -> Iterator[Waits]:
    """A context in which waits are counted."""
    waits = Waits()
    with _Calls(waits), _Copies(waits):
        yield waits
