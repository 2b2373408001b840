"""One evaluation of a model on one stage, as the scheduler sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Self

from curriculum.errors import counted
from curriculum.plan.cost import Cost
from curriculum.plan.stage import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Source = Literal["sample", "held_out", "every input", "document"]
"""Where examples come from.

They are drawn afresh for each test; or independent examples that were held out, the same for each
test; or all inputs of a stage; or a held-out document, whose examples are not independent. From the
first two something is concluded about examples that were not seen, by a bound.
"""

Loss = Annotated[float, "may not be finite"]
"""A loss in nats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """How the independent units differ that a score is the mean of.

    A unit is an example, or a document whose examples hang together.

    Attributes:
        units: how many there are.
        deviation: the standard deviation of their results, with `units` - 1 in the denominator.
        skewness: their third central moment over the deviation's cube; 0 where all are the same.
    """

    units: int
    deviation: float
    skewness: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float] | NDArray[np.float64]) -> Self:
        """The spread of at least one result.

        >>> Spread.of([1.0, 1.0, 1.0])
        Spread(units=3, deviation=0.0, skewness=0.0)
        """
        import numpy as np

        array = np.asarray(values, dtype=np.float64)
        apart = array - array.mean()
        variance = float((apart**2).mean())
        count = len(array)
        if count < 2 or variance == 0:
            return cls(units=count, deviation=0.0)
        return cls(
            units=count,
            deviation=math.sqrt(variance * count / (count - 1)),
            skewness=float((apart**3).mean()) / variance**1.5,
        )

    def pooled(self, other: Self, mean: float, other_mean: float) -> tuple[float, Self]:
        """The mean and the spread of these units and others, whose means are given.

        >>> one, other = Spread.of([1.0, 2.0, 9.0]), Spread.of([4.0, 4.5])
        >>> mean, spread = one.pooled(other, 4.0, 4.25)
        >>> mean, round(spread.skewness - Spread.of([1.0, 2.0, 9.0, 4.0, 4.5]).skewness, 9)
        (4.1, 0.0)
        """
        units = self.units + other.units
        whole = (mean * self.units + other_mean * other.units) / units
        squares = cubes = 0.0
        for part, centre in ((self, mean), (other, other_mean)):
            apart, count = centre - whole, part.units
            variance = part.deviation**2 * (count - 1) / count
            squares += count * (variance + apart**2)
            cubes += count * (part.skewness * variance**1.5 + 3 * apart * variance + apart**3)
        variance = squares / units
        kind = type(self)
        if variance == 0:
            return whole, kind(units=units, deviation=0.0)
        return whole, kind(
            units=units,
            deviation=math.sqrt(squares / max(1, units - 1)),
            skewness=cubes / units / variance**1.5,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The (weighted) mean result of `examples`.

    Attributes:
        value: in [0, 1]; with a spread, in the metric's own range.
        examples: how many there were.
        source: where they come from.
        memorised: whether they were trained on.
        distinct: how many of their inputs differ from each other; None where that is not counted.
        spread: of the independent units; None where nothing is concluded from it.
    """

    value: float
    examples: int
    source: Source = "sample"
    memorised: bool = False
    distinct: int | None = None
    spread: Spread | None = None

    def __post_init__(self) -> None:
        if self.spread is None and not 0 <= self.value <= 1:
            raise ValueError(f"a score must be in [0, 1], got {self.value}")
        if self.examples < 1:
            raise ValueError(f"a score needs at least one example, got {self.examples}")

    @property
    def is_sample(self) -> bool:
        """Whether it tells of examples beyond its own, by a bound."""
        return self.source in ("sample", "held_out")

    @property
    def basis(self) -> str:
        """What it is a score on, in words, e.g. `512 fresh examples (129 distinct)`."""
        if self.source == "every input" and not self.memorised:
            return f"all {counted(self.examples, 'input')}"
        kind = "fresh" if self.source == "sample" else "held-out"
        if self.spread is not None and self.spread.units != self.examples:
            kind = "memorised" if self.memorised else kind
            documents = counted(self.spread.units, f"{kind} document")
            return f"{documents} ({counted(self.examples, 'example')})"
        text = counted(self.examples, f"{'memorised' if self.memorised else kind} example")
        few = self.distinct is not None and self.distinct < self.examples
        return f"{text} ({self.distinct:,} distinct)" if few else text


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """A cheap `screen`, and a `full_test` where the screen passed (or none was needed).

    Attributes:
        screen: None where the model was tested at once.
        full_test: None where the screen failed, or no full test was due.
        slices: full tests of parts of the task that must pass by themselves, by name.
        metrics: what else was measured, such as the loss in nats; nothing is decided on it.
        cost: of the whole run so far, without its discarded trials.
        discarded_cost: of the run's discarded trials.
        stream: of the examples. Only `gate` can declare mastery.
        divergence: what is no longer a finite number, in words; None where all is.
        examples_by_stage: how many examples of each stage were trained on since the evaluation
            before.
        train_loss: the mean loss of the training since the evaluation before, in nats; None where
            there was none.
    """

    screen: Score | None = None
    full_test: Score | None = None
    slices: Mapping[str, Score] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    discarded_cost: Cost = field(default_factory=Cost)
    stream: str = "gate"
    divergence: str | None = None
    examples_by_stage: Mapping[Stage, int] = field(default_factory=dict)
    train_loss: Loss | None = None

    @classmethod
    def from_counts(cls, correct: int, examples: int, *, steps: int) -> Self:
        """A full test on fresh examples, of which `correct` were predicted correctly.

        `steps` counts all optimizer steps so far, over all stages.
        """
        score = Score(value=correct / examples, examples=examples)
        return cls(full_test=score, cost=Cost(steps=steps))
