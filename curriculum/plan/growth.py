"""Growth rules: the path of stages from the first to the last."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Literal

from curriculum.errors import UsageError, check_fields
from curriculum.plan.stage import Stage

Order = Literal["length_first", "vocab_first", "level_first", "together"]
"""Which axis grows: one to its end and then the others in turn, or all in step."""

FIRST_AXIS = {"length_first": "length", "vocab_first": "vocab_size", "level_first": "level"}

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
    """Adds `step` to the length from stage to stage, and theirs to the vocabulary and the level.

    Attributes:
        start: the first stage.
        end: the last stage.
        step: what is added to the length.
        vocab_step: what is added to the vocabulary size.
        level_step: what is added to the level.
        order: which grows first: `length_first`, `vocab_first`, `level_first`, or all `together`.
    """

    start: Stage
    end: Stage
    step: Annotated[int, "[1, inf)"] = 1
    vocab_step: Annotated[int, "[1, inf)"] = 1
    level_step: Annotated[int, "[1, inf)"] = 1
    order: Order = "length_first"

    def __post_init__(self) -> None:
        _check_span(self.start, self.end)
        check_fields(self, "growth")

    def path(self) -> tuple[Stage, ...]:
        steps = {"length": self.step, "vocab_size": self.vocab_step, "level": self.level_step}
        return _path(self.start, self.end, {k: _plus(n) for k, n in steps.items()}, self.order)


@dataclass(frozen=True, kw_only=True, slots=True)
class Geometric(Growth):
    """Multiplies the length by `factor`, rounded half up, and vocabulary and level by theirs.

    Attributes:
        start: the first stage.
        end: the last stage.
        factor: what the length is multiplied by, above 1.
        vocab_factor: what the vocabulary size is multiplied by, above 1.
        level_factor: what the level is multiplied by, above 1.
        order: which grows first: `length_first`, `vocab_first`, `level_first`, or all `together`.
    """

    start: Stage
    end: Stage
    factor: Annotated[float, "(1, inf)"] = 1.5
    vocab_factor: Annotated[float, "(1, inf)"] = 10.0
    level_factor: Annotated[float, "(1, inf)"] = 2.0
    order: Order = "length_first"

    def __post_init__(self) -> None:
        _check_span(self.start, self.end)
        check_fields(self, "growth")

    def path(self) -> tuple[Stage, ...]:
        factors = {
            "length": self.factor,
            "vocab_size": self.vocab_factor,
            "level": self.level_factor,
        }
        return _path(self.start, self.end, {k: _times(x) for k, x in factors.items()}, self.order)


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
        level_step: what is added to the level.
        order: which grows first: `length_first`, `vocab_first`, `level_first`, or all `together`.
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
        levels: the level of each stage, or one for all.
    """

    lengths: tuple[int, ...]
    vocab_sizes: tuple[int, ...] = (2,)
    levels: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        for name, one in (
            ("lengths", "length"),
            ("vocab_sizes", "vocabulary"),
            ("levels", "level"),
        ):
            numbers = getattr(self, name)
            if not numbers:
                raise UsageError(f"an explicit growth needs at least one {one}, got an empty list")
            if len(numbers) not in (1, self._count):
                raise UsageError(
                    f"{name} must hold one number, or one for each of the {self._count} stages, "
                    f"got {len(numbers)}"
                )
        stages = self.path()
        if len(set(stages)) < len(stages):
            raise UsageError("an explicit growth must not name a stage twice")

    def path(self) -> tuple[Stage, ...]:
        axes = (self.lengths, self.vocab_sizes, self.levels)
        return tuple(map(Stage, *(each * self._count if len(each) == 1 else each for each in axes)))

    @property
    def _count(self) -> int:
        return max(len(self.lengths), len(self.vocab_sizes), len(self.levels))


def _plus(step: int) -> Callable[[int], int]:
    return lambda n: n + step


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


def _path(
    start: Stage, end: Stage, following: Mapping[str, Callable[[int], int]], order: Order
) -> tuple[Stage, ...]:
    """The stages from `start` to `end`, where each axis goes on by its rule."""
    axes = {
        axis: _axis(getattr(start, axis), getattr(end, axis), rule)
        for axis, rule in following.items()
    }
    if order == "together":
        count = max(map(len, axes.values()))
        rows = zip(*(each + each[-1:] * (count - len(each)) for each in axes.values()), strict=True)
        return tuple(Stage(*row) for row in rows)
    first = FIRST_AXIS[order]
    found = [start]
    for axis in sorted(axes, key=lambda axis: axis != first):  # the others in their order
        found += [replace(found[-1], **{axis: number}) for number in axes[axis][1:]]
    return tuple(found)


def _check_span(start: Stage, end: Stage) -> None:
    for name, stage in {"start": start, "end": end}.items():
        if not isinstance(stage, Stage):
            raise UsageError(f"growth.{name} must be a Stage, such as Stage(2), got {stage!r}")
    if not end.covers(start):
        raise UsageError(
            f"growth.end must not be below growth.start in length, vocabulary or level, got start "
            f"({start}) and end ({end})"
        )
