"""The table of the Chomsky hierarchy: its tasks, models and runs.

The tasks, lengths and measure are those of Delétang et al. 2023, "Neural Networks and the Chomsky
Hierarchy", arXiv 2207.02098; networks, rates and budgets are smaller, so that it can be made on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product

from recorded_rows import Row
from torch import nn

from curriculum import (
    Adam,
    AfterInput,
    Arithmetic,
    Budget,
    Experiment,
    Mastery,
    Stage,
    Training,
)
from curriculum.learn import Model, Shape, Task
from curriculum.models import Bert, LinearRecurrent, Recurrent, StackRNN
from curriculum.plan import FinalEvaluation
from curriculum.tasks import (
    BinaryAddition,
    BinaryMultiplication,
    BracketedArithmetic,
    BucketSort,
    CycleNavigation,
    Duplicate,
    EvenPairs,
    MissingDuplicate,
    ModularArithmetic,
    OddsFirst,
    Parity,
    Reverse,
    SolveEquation,
    SquareRoot,
    StackManipulation,
)

LONGEST_TRAINED = 40
LENGTHS = range(41, 501, 20)
"""What the final model is evaluated on; the paper has every length from 41 to 500."""

FARTHEST = 3 * LENGTHS[-1]
"""Places of the longest input and its output: a string that is duplicated."""

CHOSEN_ON = 0
"""The seed that learning rates are chosen on."""

SEEDS = (1, 2, 3)

FRESH_SEEDS = (4, 5, 6)
"""In their place where settings were changed after runs on those."""

STRATEGIES = {True: "gated", False: "uniform"}
"""With a curriculum; and without: each batch of a length drawn uniformly from all, as in the paper."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A task, and where its path begins.

    Attributes:
        task: with its outputs after the input, where they are several.
        shortest: the first length.
        step: between two lengths.
        vocab_size: of all stages.
    """

    task: Task
    shortest: int = 1
    step: int = 1
    vocab_size: int = 2

    def stage(self, length: int) -> Stage:
        """The stage of a length."""
        return Stage(length, self.vocab_size)


FIRST = {
    "parity": Problem(task=Parity()),
    "cycle_navigation": Problem(task=CycleNavigation(), vocab_size=3),
    "reverse": Problem(task=AfterInput(task=Reverse())),
    "bucket_sort": Problem(task=AfterInput(task=BucketSort()), vocab_size=5),
    "even_pairs": Problem(task=EvenPairs(), shortest=2),
}
"""The tasks of the table's first part."""

PROBLEMS = {
    **FIRST,
    "modular_arithmetic": Problem(task=ModularArithmetic(), step=2, vocab_size=8),
    "stack_manipulation": Problem(
        task=AfterInput(task=StackManipulation()), shortest=2, vocab_size=5
    ),
    "bracketed_arithmetic": Problem(task=BracketedArithmetic(), vocab_size=10),
    "solve_equation": Problem(task=SolveEquation(), shortest=3, vocab_size=11),
    "duplicate": Problem(task=AfterInput(task=Duplicate())),
    "missing_duplicate": Problem(task=MissingDuplicate(), shortest=2, vocab_size=4),
    "odds_first": Problem(task=AfterInput(task=OddsFirst())),
    "binary_addition": Problem(task=AfterInput(task=BinaryAddition()), shortest=3, vocab_size=3),
    "binary_multiplication": Problem(
        task=AfterInput(task=BinaryMultiplication()), shortest=3, vocab_size=3
    ),
    "square_root": Problem(task=AfterInput(task=SquareRoot()), shortest=2),
}
"""All fifteen tasks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FarBert(Bert):
    """BERT with positions for all lengths that it is evaluated on, also where it is trained on fewer.

    Those beyond what it is trained on stay as they began: sinusoidal.
    """

    def build(self, shape: Shape) -> nn.Module:
        """The network, with positions for the longest input and its output."""
        output_length = FARTHEST if shape.output == "symbols" else shape.output_length
        return Bert.build(self, replace(shape, length=FARTHEST, output_length=output_length))


@dataclass(frozen=True, kw_only=True)
class Network:
    """A model, and what it is trained with.

    Attributes:
        model: its settings.
        rates: the learning rates that one is chosen from; or one that was chosen before, on the same seed.
        compute: the budget of a run, with a curriculum and without.
        first: the tasks of the table's first part that it is trained on.
        seeds: those that are shown, on which nothing was chosen.
    """

    model: Model
    rates: tuple[float, ...]
    compute: float
    first: tuple[str, ...] = tuple(FIRST)
    seeds: tuple[int, ...] = SEEDS


NETWORKS: Mapping[str, Network] = {
    "rnn": Network(
        model=Recurrent(cell="rnn", hidden_size=128, embedding_size=8, recurrent_init="orthogonal"),
        rates=(2e-3,),
        compute=8e12,
        seeds=FRESH_SEEDS,
    ),
    "stack_rnn": Network(
        model=StackRNN(cell="rnn", hidden_size=128),
        rates=(3e-3,),
        compute=6e12,
        seeds=FRESH_SEEDS,
    ),
    "lstm": Network(
        model=Recurrent(cell="lstm", hidden_size=64, embedding_size=8),
        rates=(1e-3, 3e-3),
        compute=3e12,
    ),
    "transformer": Network(
        model=FarBert(hidden_size=64, head_size=16, layers=2, positions="sinusoidal"),
        rates=(3e-4, 1e-3),
        compute=3e12,
        first=("parity", "bucket_sort"),
    ),
    "lru": Network(
        model=LinearRecurrent(hidden_size=64, layers=2),
        rates=(3e-4, 1e-3),
        compute=3e12,
        first=("parity", "bucket_sort"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What one learning rate is chosen for, and one score shown: a task, a network, a way of training."""

    task: str
    network: str
    curriculum: bool

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that are shown."""
        return NETWORKS[self.network].seeds

    def choosing(self) -> list[Row]:
        """The keys of the runs that a learning rate is chosen by; none where there is one rate."""
        rates = NETWORKS[self.network].rates
        return [self._key(CHOSEN_ON, rate) for rate in rates] if len(rates) > 1 else []

    def shown(self, learning_rate: float) -> list[Row]:
        """The keys of the runs that are shown."""
        return [self._key(seed, learning_rate) for seed in self.seeds]

    def of(self, rows: Iterable[Row]) -> list[Row]:
        """Those of some rows that are of this cell, and shown."""
        return [
            row for row in rows if row.items() >= asdict(self).items() and row["seed"] in self.seeds
        ]

    def _key(self, seed: int, learning_rate: float) -> Row:
        return asdict(self) | {"seed": seed, "learning_rate": learning_rate}


LEADING = (
    ("parity", "rnn", True),
    ("cycle_navigation", "rnn", True),
    ("reverse", "stack_rnn", False),
)
"""What the paper's claim rests on most: an RNN on regular tasks, and one with a stack on reversal."""


def cells(*, every: bool) -> list[Cell]:
    """The cells of the table's first part, or of all of it, in the order that they are made."""
    first = [
        (task, name)
        for task in FIRST
        for name, network in NETWORKS.items()
        if task in network.first
    ]
    rest = list(product(PROBLEMS, NETWORKS)) if every else []
    leading = [*LEADING, *((task, name, not way) for task, name, way in LEADING)]
    others = [(*pair, way) for pair in (*first, *rest) for way in STRATEGIES]
    return [
        Cell(task=task, network=network, curriculum=way)
        for task, network, way in dict.fromkeys([*leading, *others])
    ]


def experiment(cell: Cell, learning_rate: float) -> Experiment:
    """What a run trains: the lengths from the shortest to 40, under one budget for both ways."""
    chosen, trained = PROBLEMS[cell.task], NETWORKS[cell.network]
    longest = LONGEST_TRAINED - (LONGEST_TRAINED - chosen.shortest) % chosen.step
    return Experiment(
        name=f"{cell.task}_{cell.network}_{STRATEGIES[cell.curriculum]}_{learning_rate:g}",
        task=chosen.task,
        model=trained.model,
        growth=Arithmetic(
            start=chosen.stage(chosen.shortest), end=chosen.stage(longest), step=chosen.step
        ),
        # A run goes on at least so long that what is right at length 40 becomes sharp enough for
        # longer ones: a stack's actions, say, are soft.
        criterion=Mastery(
            threshold=0.95,
            target_threshold=0.998,
            examples=4096,
            min_steps=100,
        ),
        optimizer=Adam(learning_rate=learning_rate),
        training=Training(batch_size=32, eval_every=25),
        budget=Budget(compute=trained.compute, steps_per_stage=1_000_000),
        final_evaluation=FinalEvaluation(mode="off"),
    ).with_strategy(STRATEGIES[cell.curriculum])
