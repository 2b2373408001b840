"""One evaluation of a model on one stage, as the scheduler sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, Self

from curriculum.plan.cost import Cost
from curriculum.plan.stage import Stage

Source = Literal["sample", "held_out", "every input", "document"]
"""Where examples come from.

They are drawn afresh for each test; or independent examples that were held out, the same for each
test; or all inputs of a stage; or a held-out document, whose examples are not independent. From the
first two something is concluded about examples that were not seen, by a bound.
"""

Loss = Annotated[float, "may not be finite"]
"""A loss in nats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The (weighted) mean result of `examples`.

    Attributes:
        value: in [0, 1].
        examples: how many there were.
        source: where they come from.
        memorised: whether they were trained on.
        distinct: how many of their inputs differ from each other; None where that is not counted.
    """

    value: float
    examples: int
    source: Source = "sample"
    memorised: bool = False
    distinct: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
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
            return f"all {self.examples:,} inputs"
        kind = "fresh" if self.source == "sample" else "held-out"
        text = f"{self.examples:,} {'memorised' if self.memorised else kind} examples"
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
