"""Modular arithmetic with brackets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import check_fields
from curriculum.learn import Batch, EvaluationSet, Shape, Task
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.bracketed_expressions import Grammar, every_expression

MARKS = "+-*()"


@dataclass(frozen=True, kw_only=True, slots=True)
class BracketedArithmetic(Task):
    """The value of an expression with brackets, modulo a number: deterministic context-free.

    "Modular Arithmetic" of Delétang et al. 2023, arXiv 2207.02098, appendix A. How expressions are
    drawn is said in `bracketed_expressions`.

    Attributes:
        modulus: digits are 0 to modulus - 1, and so is the value.
        multiplication: whether * is drawn besides + and -.

    >>> batch = BracketedArithmetic().encode("((1-2)*(-4))", Stage(12, 10))
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[8, 8, 1, 6, 2, 9, 7, 8, 6, 4, 9, 9]], [4])
    """

    output = "symbol"

    modulus: Annotated[int, "[2, inf)"] = 5
    multiplication: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "task")

    @property
    def alphabet(self) -> Alphabet:
        """Digits, operators and brackets."""
        return Alphabet.of_digits(self.modulus, MARKS)

    @property
    def grammar(self) -> Grammar:
        """How expressions are written."""
        return Grammar(self.modulus, MARKS, operators=3 if self.multiplication else 2)

    def check(self, stage: Stage) -> None:
        self.alphabet.check("modular arithmetic with brackets", stage)

    def shape(self, last: Stage) -> Shape:
        return Shape.of("symbol", last, output_vocab_size=self.modulus)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        found = self.grammar.draw(rng, stage.length, batch_size)
        return Batch(inputs=found.symbols, targets=found.values)

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        count = self.grammar.count(stage.length)
        return None if count is None else EvaluationSet(examples=count)

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Examples weighted as they are drawn."""
        found, probabilities = every_expression(self.grammar, stage.length)
        return Batch(
            inputs=found.symbols[start:stop],
            targets=found.values[start:stop],
            weights=probabilities[start:stop],
        )

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return self.alphabet.decode(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        symbols = np.array(self.alphabet.parse(text), dtype=np.int64)
        value = self.grammar.evaluate(" ".join(self.decode(symbols)))
        return Batch(inputs=symbols[None], targets=np.array([value]))
