"""What a task may offer: fresh examples of any stage, and what it says about them.

Legend: B batch, L length of the input, P of a piece of it, T length of the output, V its vocabulary,
K values.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from curriculum.errors import UsageError
from curriculum.learn.batch import IGNORED, Batch
from curriculum.learn.input_text import parse_symbols
from curriculum.learn.shape import OutputKind, Shape
from curriculum.plan import AxisNames, MetricScale, Source, Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

EvaluationStream = Literal["tuning", "target", "certificate"]
"""What is evaluated besides the stages: trials of a search, the target ahead of its turn, the final model."""

METRICS = ("exact_match", "symbol_accuracy")
"""What every task's outputs are measured by: all correct, and the share of correct symbols or values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationSet:
    """A finite evaluation set: how many examples it has, and what they are.

    Attributes:
        examples: how many.
        source: all inputs that there are, or a document, or independent examples, that were
            held out.
        memorised: whether it was trained on.
        rows: for a set that is read in order, how many examples are read side by side:
            number k continues where number k - rows ends.
        units: how many independent units, such as documents, the examples belong to, as
            `Batch.units` says of each; None where each example is one of its own.
    """

    examples: int
    source: Source = "every input"
    memorised: bool = False
    rows: int | None = None
    units: int | None = None

    @property
    def independent(self) -> int:
        """How many independent units there are."""
        return self.examples if self.units is None else self.units


def check_output(task: Task) -> None:
    """Check that a task has a kind of output that there is, and a tolerance for values.

    Raises:
        UsageError: where it has not.
    """
    kinds = get_args(OutputKind)
    if task.output not in kinds:
        raise UsageError(f"a task's output must be {', '.join(kinds)}, got {task.output!r}")
    if task.output == "values":
        tolerance: object = task.tolerance
        if not isinstance(tolerance, int | float) or not 0 < tolerance < math.inf:
            raise UsageError(f"a task's tolerance must be a positive number, got {tolerance!r}")


class Task(ABC):
    """A source of examples: extend it by a frozen dataclass, whose fields are the task's settings.

    `output` and `sample` have to be defined. All else has a default, and is there for tasks that
    have more to say; a field may not have the name of any of it.

    >>> import numpy as np
    >>> class Parity(Task):
    ...     output = "bit"
    ...
    ...     def sample(self, rng, stage, batch_size):
    ...         inputs = rng.integers(2, size=(batch_size, stage.length))
    ...         return Batch(inputs=inputs, targets=inputs.sum(axis=1) % 2)
    >>> Parity().sample(np.random.default_rng(0), Stage(4), 2).inputs.tolist()
    [[1, 1, 1, 0], [0, 0, 0, 0]]
    """

    __slots__ = ()

    # What is to be learned.

    @property
    @abstractmethod
    def output(self) -> OutputKind:
        """The kind of output that a model gives."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        """A batch of `stage`, of any size, drawn with `rng` alone.

        A task that is read in order, and evaluated on a finite set, is not asked for one.
        """

    def check(self, stage: Stage) -> None:  # noqa: B027 - of most tasks any stage can be drawn
        """Raise `UsageError` where the task has no examples of that stage."""

    @property
    def length_name(self) -> str:
        """What a stage's length counts, such as "digits"; shown wherever lengths are."""
        return "length"

    @property
    def level_name(self) -> str | None:
        """What a stage's level counts, such as "operands"; None for a task without levels."""
        return None

    def shape(self, last: Stage) -> Shape:
        """What a model is built for, for stages up to `last`; by default the stage's own numbers."""
        return Shape.of(self.output, last)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a batch, a scalar that has a gradient.

        By default the cross-entropy of a bit or of symbols, and the squared error of values. A task
        with a loss of its own may have targets of any shape (B, …), int64 or float32; its criterion
        then takes one of its own `metrics`.

        Args:
            outputs: the model's: (B,) logits for a bit, (B, V) for a symbol, (B, T, V) for symbols,
                (B, K) for values.
            targets: of the batch.
        """
        from curriculum.learn.losses import mean_loss

        return mean_loss(self.output, outputs, targets)

    @property
    def libraries(self) -> tuple[str, ...]:
        """Packages that examples depend on, as `pip` names them: a run records their versions."""
        return ()

    @property
    def text_tokenizer(self) -> str | None:
        """What turns text into the symbols, which an exported model takes along.

        `bytes`, where symbol b is byte b of UTF-8; the path of a `tokenizer.json`, or of a folder that
        holds one; or None for symbols of no text.
        """
        return None

    @property
    def data_digest(self) -> str | None:
        """A digest of the user's data that examples are drawn from; None where there is none.

        A run records it, and a resume under other data is refused. Each time it is asked for, the data
        is looked at anew.
        """
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the task's data before a run, each in a sentence."""
        return ()

    # How it is evaluated.

    @property
    def tolerance(self) -> float:
        """How far a value may be from its target to be correct; asked for of `values` alone."""
        raise UsageError(
            f"{type(self).__name__} outputs values, so it has to say how far one may be from its "
            f"target to be correct: give it a tolerance, such as 0.04"
        )

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of metrics besides `exact_match` and `symbol_accuracy`."""
        return ()

    @property
    def metric_scales(self) -> Mapping[str, MetricScale]:
        """The range and direction of those of `metrics` that are no rate in [0, 1], by name.

        They are for the criteria `MetricBeyond` and `Plateau`; a rate is for `Mastery`.
        """
        return {}

    def metric_values(self, outputs: NDArray[np.float32], batch: Batch) -> dict[str, NDArray[Any]]:
        """For each of `metrics` a value per example, (B,): in [0, 1], or as its scale says.

        Args:
            outputs: the model's own, as `loss` gets them: logits, not yet the likeliest symbols.
            batch: that they are of.
        """
        return {}

    @property
    def slices(self) -> tuple[str, ...]:
        """The names of hard slices, which must pass by themselves; each is sampled for a full test."""
        return ()

    def sample_slice(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, name: str
    ) -> Batch:
        """A batch of the slice `name`."""
        raise NotImplementedError(f"{type(self).__name__} has no slice {name!r}")

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        """A stage's finite evaluation set, evaluated whole; None where examples are to be sampled."""
        return None

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Examples number `start` to `stop` of the evaluation set, with weights and slices."""
        raise NotImplementedError(f"{type(self).__name__} has no evaluation set")

    def for_stream(self, stream: EvaluationStream) -> Task:
        """The task as it is evaluated by the trials of a search, ahead at the target, or at the end.

        It is another where the evaluation set is a document, or held out, which must not be used up
        before; for sampled examples their own stream is enough.
        """
        return self

    # Inputs that are read in order, or in pieces.

    @property
    def reads_in_order(self) -> bool:
        """Whether training reads a document chunk by chunk, so that a state may be carried.

        Each row of a chunk then continues where the same row of the one before ends.
        """
        return False

    def chunk_count(self, stage: Stage, batch_size: int) -> int:
        """How many chunks the document has, read in `batch_size` rows."""
        raise NotImplementedError(f"{type(self).__name__} has no document")

    def chunk(self, stage: Stage, batch_size: int, index: int) -> Batch:
        """Chunk number `index` of the document."""
        raise NotImplementedError(f"{type(self).__name__} has no document")

    def sample_pieces(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, size: int
    ) -> tuple[NDArray[np.int64], Iterator[NDArray[np.int64]]]:
        """The targets (B,) and inputs of the batch that `sample` draws with the same `rng`.

        The inputs come from left to right, in pieces (B, P) of `size` positions, the last shorter.
        By default the whole batch is drawn and cut; a task whose inputs may be too long for memory
        makes them piece by piece. `rng` may be drawn from until the last piece is taken.
        """
        batch = self.sample(rng, stage, batch_size)
        starts = range(0, batch.inputs.shape[1], size)
        return batch.targets, (batch.inputs[:, start : start + size] for start in starts)

    # What a user reads and types.

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        """Each symbol of an input as a word; real channels are shown as numbers."""
        return [str(symbol) for symbol in symbols]

    def decode_output(self, symbols: NDArray[np.int64]) -> list[str]:
        """Each symbol of an output as a word, by default as in inputs; values are shown as numbers."""
        return self.decode(symbols)

    @property
    def is_language_model(self) -> bool:
        """Whether each output is the symbol after that of the input: then a model can write on.

        `show` has it do so, on what is held out or what is typed.
        """
        return False

    def decode_text(self, symbols: NDArray[np.int64]) -> str:
        """Symbols of a language model as running text; by default their words."""
        return " ".join(self.decode(symbols))

    def encode(self, text: str, stage: Stage) -> Batch:
        """One example of what was typed, with `IGNORED` where the target isn't known.

        Raises:
            UsageError: where it is no input of that stage's vocabulary.
        """
        import numpy as np

        shape = self.shape(stage)
        uneven = shape.output == "symbols" and shape.output_length != shape.length
        if uneven or shape.output == "values" or shape.channels:
            raise UsageError(
                f"{type(self).__name__} doesn't say how to read an input: it has no `encode`"
            )
        try:
            inputs = np.array([parse_symbols(text, shape.input_vocab_size)], dtype=np.int64)
        except UsageError as error:
            if type(self).decode is Task.decode or not re.search(r"[^\d\s,]", text):
                raise
            name = type(self).__name__  # what it shows as words was typed as words
            raise UsageError(f"{error}; for {name} to read words, give it an `encode`") from error
        size = inputs.shape if shape.output == "symbols" else (1,)
        return Batch(inputs=inputs, targets=np.full(size, IGNORED))


def axis_names(task: Task) -> AxisNames:
    """What a task calls the axes of its stages."""
    return AxisNames(length=task.length_name, level=task.level_name or "level")


def metric_scales(task: Task) -> dict[str, MetricScale]:
    """The scale of each metric of a task that is said to have one.

    Raises:
        UsageError: where it is none, or of no metric of the task.
    """
    found = dict(task.metric_scales)
    for name, scale in found.items():
        if name not in task.metrics:
            raise UsageError(
                f"a task's metric_scales must be of its own metrics "
                f"({', '.join(task.metrics) or 'none'}), got one of {name!r}"
            )
        if not isinstance(scale, MetricScale):
            raise UsageError(
                f"a task's metric_scales must be MetricScale(...), got {scale!r} for {name!r}"
            )
    return found


def has_own_loss(task: Task) -> bool:
    """Whether a task defines its loss itself."""
    return type(task).loss is not Task.loss
