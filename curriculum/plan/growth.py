"""Growth rules: the path of stages from the first to the last."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Literal

from curriculum.errors import UsageError, check_fields
from curriculum.plan.stage import Stage

Order = Literal["length_first", "vocab_first", "together"]
"""Which axis grows: one to its end and then the other, or both in step."""

LONGEST_PATH = 100_000
FARTHEST = 2.0**60


class Growth(ABC):
    """A rule that gives the path. Its first and last stage are exactly those given."""

    __slots__ = ()

    @abstractmethod
    def path(self) -> tuple[Stage, ...]:
        """The stages from first to last, without duplicates."""

    def widened_stride(self, stride: int) -> int:
        """The stride after a stage that was mastered without training."""
        return stride

    def narrowed_stride(self, stride: int) -> int:
        """The stride to try instead, when the stage that it led to was exhausted."""
        return stride


@dataclass(frozen=True, kw_only=True, slots=True)
class Arithmetic(Growth):
    """Adds `step` to the length (and `vocab_step` to the vocabulary) from stage to stage.

    Attributes:
        start: the first stage.
        end: the last stage.
        step: what is added to the length.
        vocab_step: what is added to the vocabulary size.
        order: which grows first: `length_first`, `vocab_first`, or both `together`.
    """

    start: Stage
    end: Stage
    step: Annotated[int, "[1, inf)"] = 1
    vocab_step: Annotated[int, "[1, inf)"] = 1
    order: Order = "length_first"

    def __post_init__(self) -> None:
        _check_span(self.start, self.end)
        check_fields(self, "growth")

    def path(self) -> tuple[Stage, ...]:
        lengths = _axis(self.start.length, self.end.length, lambda n: n + self.step)
        vocab = _axis(self.start.vocab_size, self.end.vocab_size, lambda n: n + self.vocab_step)
        return _join(lengths, vocab, self.order)


@dataclass(frozen=True, kw_only=True, slots=True)
class Geometric(Growth):
    """Multiplies the length by `factor` (and the vocabulary by `vocab_factor`), rounded half up.

    Attributes:
        start: the first stage.
        end: the last stage.
        factor: what the length is multiplied by, above 1.
        vocab_factor: what the vocabulary size is multiplied by, above 1.
        order: which grows first: `length_first`, `vocab_first`, or both `together`.
    """

    start: Stage
    end: Stage
    factor: Annotated[float, "(1, inf)"] = 1.5
    vocab_factor: Annotated[float, "(1, inf)"] = 10.0
    order: Order = "length_first"

    def __post_init__(self) -> None:
        _check_span(self.start, self.end)
        check_fields(self, "growth")

    def path(self) -> tuple[Stage, ...]:
        lengths = _axis(self.start.length, self.end.length, _times(self.factor))
        vocab = _axis(self.start.vocab_size, self.end.vocab_size, _times(self.vocab_factor))
        return _join(lengths, vocab, self.order)


@dataclass(frozen=True, kw_only=True, slots=True)
class Galloping(Arithmetic):
    """An arithmetic path taken in strides that follow the model's success.

    The stride doubles after a stage mastered without training and halves when a
    stage is exhausted; stages that are skipped are not visited. (Exponential
    search: Bentley & Yao 1976, doi:10.1016/0020-0190(76)90071-5.)

    Attributes:
        start: the first stage.
        end: the last stage.
        step: what is added to the length.
        vocab_step: what is added to the vocabulary size.
        order: which grows first: `length_first`, `vocab_first`, or both `together`.
    """

    def arithmetic(self) -> Arithmetic:
        """The same path, with no stage skipped."""
        return Arithmetic(**{each.name: getattr(self, each.name) for each in fields(self)})

    def widened_stride(self, stride: int) -> int:
        return 2 * stride

    def narrowed_stride(self, stride: int) -> int:
        return max(1, stride // 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explicit(Growth):
    """The stages one by one.

    Attributes:
        lengths: the length of each stage, or one for all.
        vocab_sizes: the vocabulary size of each stage, or one for all.
    """

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


def _axis(start: int, end: int, following: Callable[[int], int]) -> list[int]:
    """The strictly rising numbers from `start` to `end`, both included."""
    numbers = [start]
    while numbers[-1] < end:
        numbers.append(min(end, following(numbers[-1])))
        if len(numbers) > LONGEST_PATH:
            raise UsageError(
                f"a path holds at most {LONGEST_PATH:,} stages, and this growth needs more to get "
                f"from {start} to {end}; take larger steps"
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


def _check_span(start: Stage, end: Stage) -> None:
    for name, stage in {"start": start, "end": end}.items():
        if not isinstance(stage, Stage):
            raise UsageError(f"growth.{name} must be a Stage, such as Stage(2), got {stage!r}")
    if end.length < start.length or end.vocab_size < start.vocab_size:
        raise UsageError(
            f"growth.end must not be below growth.start in length or vocabulary, got start "
            f"({start}) and end ({end})"
        )
