"""What the processes of a training tell each other, by `torch.distributed`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import torch.distributed

from curriculum.errors import RunFailed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """The processes that train one model.

    Attributes:
        rank: the number of this process.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> Self:
        """The group that the loop has set up; one process where there is none."""
        distributed = torch.distributed
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    def gathered(self, make: Callable[[], T]) -> list[T] | None:
        """In the first process what each has made, in order; None in the others.

        Raises:
            RunFailed: in all others, where one has failed; they would wait for it for ever.
        """
        if self.size == 1:
            return [make()]
        made: Any = None
        failed: BaseException | None = None
        try:
            made = make()
        except Exception as error:  # whatever it is, the others have to learn of it
            failed = error
        said = None if failed is None else f"{type(failed).__name__}: {failed}"
        found: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(found, (made, said))
        if failed is not None:
            raise failed
        for rank, (_, message) in enumerate(found):
            if message is not None:
                raise RunFailed(f"process {rank} failed to evaluate: {message}")
        return [each for each, _ in found] if self.rank == 0 else None

    def from_first(self, decide: Callable[[], T]) -> T:
        """What the first process decides, in all of them.

        Raises:
            RunFailed: in all others, where the first has failed.
        """
        if self.size == 1:
            return decide()
        told: list[Any] = [None, None]
        failed: Exception | None = None
        if self.rank == 0:
            try:
                told[0] = decide()
            except Exception as error:  # as above
                failed, told[1] = error, f"{type(error).__name__}: {error}"
        torch.distributed.broadcast_object_list(told, src=0)
        if failed is not None:
            raise failed
        if told[1] is not None:
            raise RunFailed(f"process 0 failed to decide: {told[1]}")
        decided: T = told[0]
        return decided
