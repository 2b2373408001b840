"""What a network computes in a forward pass, and what is charged for it: the unit `compute`.

Budgets, races and comparisons count compute, a function of the work alone: so they come out the
same on any machine. It is in floating-point operations (FLOPs), plus what costs time without
arithmetic: calls that wait for each other, and the fixed part of a step, each as the FLOPs that take
as long. `benchmarks/cost.py` compares it with seconds, and fits the constants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

OPERATIONS_A_SECOND = 7e10
"""What one core of a server with AVX-512 does in about a second."""

STEP = 6e7
"""The fixed cost of a training step: drawing a batch, and calling the optimizer."""

EVALUATION = 2e7
"""The fixed cost of evaluating a batch."""

UPDATE = 250.0
"""The optimizer's cost for each parameter."""

DEPTH = 2.5e5
"""The fixed cost of a call of torch's library, which has to wait for the one before."""

TRAINING = 3
"""A training step computes a forward pass, and twice as much backward."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a forward pass on a batch computes.

    Attributes:
        operations: floating-point operations; a multiplication and an addition are two.
        depth: how many calls of torch's library follow one another, each waiting for the one before.
    """

    operations: float = 0.0
    depth: float = 0.0

    def __add__(self, other: Work) -> Work:
        """Of one after the other."""
        return Work(operations=self.operations + other.operations, depth=self.depth + other.depth)

    def __mul__(self, factor: float) -> Work:
        """Of so many one after the other; or of a kind of network that takes so much longer."""
        return Work(operations=factor * self.operations, depth=factor * self.depth)


@runtime_checkable
class StatesWork(Protocol):
    """A network that says what it computes."""

    def forward_work(
        self, examples: int, length: int, output_length: int, *, training: bool
    ) -> Work:
        """Of a forward pass.

        Args:
            examples: of the batch.
            length: of their inputs, padding included.
            output_length: how many symbols are predicted.
            training: whether it is one of training; in evaluation symbols may be decoded one by
                one.
        """


def training_compute(work: Work, parameters: int) -> float:
    """What is charged for a training step of a network with so many parameters."""
    return STEP + UPDATE * parameters + TRAINING * _compute(work)


def evaluation_compute(work: Work) -> float:
    """What is charged for evaluating a batch."""
    return EVALUATION + _compute(work)


def _compute(work: Work) -> float:
    return work.operations + DEPTH * work.depth
