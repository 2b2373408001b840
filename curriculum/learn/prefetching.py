"""Draws the next step's batch in a thread while one is trained on, where drawing takes long."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch

from curriculum.learn.isolation import flushes_denormal
from curriculum.processes import usable_cores

T = TypeVar("T")

SHARE = 0.1
"""Of a step's time: from there on drawing is worth a thread, which costs some 50 microseconds a step."""

MEASURED = 16
"""So many steps are measured before that is decided."""


@dataclass
class DrawingTime:
    """How much of each step's time drawing took, as far as it was measured in the training thread.

    Attributes:
        shares: of the last steps that were measured, in [0, 1].
    """

    shares: deque[float] = field(default_factory=lambda: deque(maxlen=MEASURED))

    @property
    def is_worth_a_thread(self) -> bool:
        """Whether drawing takes so long, and there is a core besides.

        The median decides: a step that has to wait for a disk, or for a core, says nothing of the others.
        """
        return (
            len(self.shares) == MEASURED
            and statistics.median(self.shares) > SHARE
            and usable_cores() > 1
        )


class Prefetcher(AbstractContextManager["Prefetcher[T]"], Generic[T]):
    """Gives what is drawn for each number, from `start` on.

    What is drawn has to be a function of the number alone, so that it makes no difference when,
    and in which thread, it is drawn. Leave the context to end the thread.

    Args:
        draw: what is drawn for a number.
        stop: the first number for which nothing more is drawn.
        times: what was measured before; it is gone on with.
        allowed: whether what comes next may be drawn before it is asked for.
    """

    def __init__(
        self, draw: Callable[[int], T], stop: int, times: DrawingTime, *, allowed: bool
    ) -> None:
        self._draw, self._stop, self._times, self._allowed = draw, stop, times, allowed
        self._executor: ThreadPoolExecutor | None = None
        self._next: Future[T] | None = None
        self._asked: float | None = None

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def take(self, number: int) -> T:
        """What is drawn for a number; numbers have to come one after another."""
        found = self._measured(number) if self._next is None else self._next.result()
        if self._allowed and self._times.is_worth_a_thread and number + 1 < self._stop:
            self._next = self._thread().submit(self._draw, number + 1)
        else:
            self._next = None
        return found

    def _measured(self, number: int) -> T:
        """What is drawn here, and how much of the time since the last that takes."""
        started = time.perf_counter()
        found = self._draw(number)
        drawn = time.perf_counter()
        if self._asked is not None:
            self._times.shares.append((drawn - started) / (drawn - self._asked))
        self._asked = drawn
        return found

    def _thread(self) -> ThreadPoolExecutor:
        if self._executor is None:
            # A thread begins with the processor's own treatment of denormal numbers.
            same = flushes_denormal()
            self._executor = ThreadPoolExecutor(
                1, "prefetching", initializer=torch.set_flush_denormal, initargs=(same,)
            )
        return self._executor
