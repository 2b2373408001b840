"""Rules that give the path of stages from the first to the last."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from curriculum.errors import UsageError
from curriculum.plan.stage import Stage

__all__ = ["Arithmetic", "Explicit", "Galloping", "Geometric", "Growth", "Order"]

Order = Literal["length_first", "vocab_first", "together"]
"""Which axis grows: one to its end and then the other, or both in step."""

LONGEST_PATH = 100_000
FARTHEST = 2.0**60


class Growth(ABC):
    """A rule for the path. The first and the last stage stand on it exactly as given."""

    __slots__ = ()

    @abstractmethod
    def path(self) -> tuple[Stage, ...]:
        """The stages from first to last, without duplicates."""

    def wider(self, stride: int) -> int:
        """How many stages to move on after one that was mastered without training."""
        return stride

    def narrower(self, stride: int) -> int:
        """How many stages to move on instead, when the one aimed at was exhausted."""
        return stride


@dataclass(frozen=True, kw_only=True, slots=True)
class Arithmetic(Growth):
    """Adds `step` to the length (and `vocab_step` to the vocabulary) from stage to stage."""

    start: Stage
    until: Stage
    step: int = 1
    vocab_step: int = 1
    order: Order = "length_first"

    def __post_init__(self) -> None:
        _check_span(self.start, self.until)
        _check_at_least_one("step", self.step)
        _check_at_least_one("vocab_step", self.vocab_step)
        _check_order(self.order)

    def path(self) -> tuple[Stage, ...]:
        lengths = _axis(self.start.length, self.until.length, lambda n: n + self.step)
        vocab = _axis(self.start.vocab_size, self.until.vocab_size, lambda n: n + self.vocab_step)
        return _join(lengths, vocab, self.order)


@dataclass(frozen=True, kw_only=True, slots=True)
class Geometric(Growth):
    """Multiplies the length by `factor` (and the vocabulary by `vocab_factor`), rounded half up."""

    start: Stage
    until: Stage
    factor: float = 1.5
    vocab_factor: float = 10.0
    order: Order = "length_first"

    def __post_init__(self) -> None:
        _check_span(self.start, self.until)
        _check_factor("factor", self.factor)
        _check_factor("vocab_factor", self.vocab_factor)
        _check_order(self.order)

    def path(self) -> tuple[Stage, ...]:
        lengths = _axis(self.start.length, self.until.length, _times(self.factor))
        vocab = _axis(self.start.vocab_size, self.until.vocab_size, _times(self.vocab_factor))
        return _join(lengths, vocab, self.order)


@dataclass(frozen=True, kw_only=True, slots=True)
class Galloping(Growth):
    """An arithmetic path walked in strides that follow the model's success.

    The stride doubles after a stage mastered without training and halves when a
    stage is exhausted; stages that were strode over are not visited. (Exponential
    search: Bentley & Yao 1976, doi:10.1016/0020-0190(76)90071-5.)
    """

    start: Stage
    until: Stage
    step: int = 1
    vocab_step: int = 1
    order: Order = "length_first"

    def __post_init__(self) -> None:
        self.arithmetic()

    def arithmetic(self) -> Arithmetic:
        """The same path, walked without striding over any of it."""
        return Arithmetic(
            start=self.start,
            until=self.until,
            step=self.step,
            vocab_step=self.vocab_step,
            order=self.order,
        )

    def path(self) -> tuple[Stage, ...]:
        return self.arithmetic().path()

    def wider(self, stride: int) -> int:
        return 2 * stride

    def narrower(self, stride: int) -> int:
        return max(1, stride // 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explicit(Growth):
    """The stages one by one: `lengths` and `vocab_sizes`, one of either for all or one for each."""

    lengths: tuple[int, ...]
    vocab_sizes: tuple[int, ...] = (2,)

    def __post_init__(self) -> None:
        if not self.lengths:
            raise UsageError("an explicit growth needs at least one length, got an empty list")
        if not self.vocab_sizes:
            raise UsageError("an explicit growth needs at least one vocabulary, got an empty list")
        if len(self.lengths) > 1 and len(self.vocab_sizes) not in (1, len(self.lengths)):
            raise UsageError(
                f"vocab_sizes must hold one number, or one for each of the {len(self.lengths)} "
                f"lengths, got {len(self.vocab_sizes)}"
            )
        stages = self.path()
        if len(set(stages)) < len(stages):
            raise UsageError("an explicit growth must not name a stage twice")

    def path(self) -> tuple[Stage, ...]:
        count = max(len(self.lengths), len(self.vocab_sizes))
        lengths, sizes = (
            numbers * count if len(numbers) == 1 else numbers
            for numbers in (self.lengths, self.vocab_sizes)
        )
        return tuple(map(Stage, lengths, sizes))


def _times(factor: float) -> Callable[[int], int]:
    return lambda n: max(n + 1, math.floor(min(n * factor, FARTHEST) + 0.5))


def _axis(start: int, until: int, following: Callable[[int], int]) -> list[int]:
    """The strictly rising numbers from `start` to `until`, both included."""
    numbers = [start]
    while numbers[-1] < until:
        numbers.append(min(until, following(numbers[-1])))
        if len(numbers) > LONGEST_PATH:
            raise UsageError(
                f"a path holds at most {LONGEST_PATH:,} stages, and this growth needs more to get "
                f"from {start} to {until}; take larger steps"
            )
    return numbers


def _join(lengths: list[int], vocab: list[int], order: Order) -> tuple[Stage, ...]:
    if order == "length_first":
        tail = [Stage(lengths[-1], size) for size in vocab[1:]]
        return (*(Stage(length, vocab[0]) for length in lengths), *tail)
    if order == "vocab_first":
        tail = [Stage(length, vocab[-1]) for length in lengths[1:]]
        return (*(Stage(lengths[0], size) for size in vocab), *tail)
    last_length, last_size = len(lengths) - 1, len(vocab) - 1
    return tuple(
        Stage(lengths[min(i, last_length)], vocab[min(i, last_size)])
        for i in range(max(len(lengths), len(vocab)))
    )


def _check_span(start: Stage, until: Stage) -> None:
    if until.length < start.length or until.vocab_size < start.vocab_size:
        raise UsageError(
            f"a growth must end at or above its start on both axes, got start ({start}) "
            f"and until ({until})"
        )


def _check_at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise UsageError(
            f"growth.{name} must be at least 1 or the end is never reached, got {value}"
        )


def _check_factor(name: str, value: float) -> None:
    if not 1 < value < math.inf:
        raise UsageError(f"growth.{name} must be above 1 or the end is never reached, got {value}")


def _check_order(order: str) -> None:
    if order not in ("length_first", "vocab_first", "together"):
        raise UsageError(
            f"growth.order must be length_first, vocab_first or together, got {order!r}"
        )
