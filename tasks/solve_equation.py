"""Equations with brackets: which digit does x stand for?

Legend: N expressions, L length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError, check_fields
from curriculum.learn import Batch, EvaluationSet, Shape, Task
from curriculum.plan import Stage
from curriculum.tasks.alphabet import Alphabet
from curriculum.tasks.bracketed_expressions import Expressions, Grammar, every_expression
from curriculum.tasks.every_string import set_of

MARKS = "+-()x="
SHORTEST = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class SolveEquation(Task):
    """An expression with brackets, in which a digit is replaced by x, `=`, and its value: x is asked.

    "Solve Equation" of Delétang et al. 2023, arXiv 2207.02098, appendix A; deterministic
    context-free. There is no multiplication, so that x has one solution. The digit that is replaced
    is the first at or after a place drawn uniformly, round the end.

    Attributes:
        modulus: digits are 0 to modulus - 1.

    >>> batch = SolveEquation().encode("(1-(x+3))=4", Stage(11, 11))
    >>> batch.inputs.tolist(), batch.targets.tolist()
    ([[7, 1, 6, 7, 9, 5, 3, 8, 8, 10, 4]], [4])
    """

    output = "symbol"

    modulus: Annotated[int, "[2, inf)"] = 5

    def __post_init__(self) -> None:
        check_fields(self, "task")

    @property
    def alphabet(self) -> Alphabet:
        """Digits, operators and brackets, x and =."""
        return Alphabet.of_digits(self.modulus, MARKS)

    @property
    def grammar(self) -> Grammar:
        """How expressions are written."""
        return Grammar(self.modulus, MARKS, operators=2)

    def check(self, stage: Stage) -> None:
        self.alphabet.check("solving an equation", stage)
        if stage.length < SHORTEST:
            raise UsageError(
                f"an equation needs a length of at least {SHORTEST}, as in x=1; got {stage.length}"
            )

    def shape(self, last: Stage) -> Shape:
        return Shape.of("symbol", last, output_vocab_size=self.modulus)

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        found = self.grammar.draw(rng, stage.length - 2, batch_size)
        places = rng.integers(stage.length - 2, size=(batch_size, 1))
        after = (np.arange(stage.length - 2) - places) % (stage.length - 2)
        is_digit = found.symbols < self.modulus
        return self._batch(found, np.where(is_digit, after, stage.length).argmin(axis=1))

    def evaluation_set(self, stage: Stage) -> EvaluationSet | None:
        if self.grammar.count(stage.length - 2) is None:
            return None
        return set_of(len(_every_equation(self.grammar, stage.length - 2)[0]))

    def evaluation_batch(self, stage: Stage, start: int, stop: int) -> Batch:
        """Examples weighted as they are drawn."""
        (symbols, values), _ = every_expression(self.grammar, stage.length - 2)
        rows, digits, weights = _every_equation(self.grammar, stage.length - 2)
        rows = rows[start:stop]
        batch = self._batch(Expressions(symbols[rows], values[rows]), digits[start:stop])
        return Batch(inputs=batch.inputs, targets=batch.targets, weights=weights[start:stop])

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return self.alphabet.decode(symbols)

    def encode(self, text: str, stage: Stage) -> Batch:
        symbols = np.array(self.alphabet.parse(text), dtype=np.int64)
        words = self.decode(symbols)
        if words.count("x") != 1 or words[-2:-1] != ["="]:
            raise UsageError(f"an input is an expression with one x, =, and a digit, got {text!r}")
        value = self.grammar.evaluate(words[-1])
        tried = (" ".join(words[:-2]).replace("x", str(digit)) for digit in range(self.modulus))
        results = [self.grammar.evaluate(expression) for expression in tried]
        return Batch(inputs=symbols[None], targets=np.array([results.index(value)]))

    def _batch(self, found: Expressions, digits: NDArray[np.int64]) -> Batch:
        """Equations whose digit at each of the places `digits` is x."""
        rows = np.arange(len(digits))
        targets = found.symbols[rows, digits]
        equal = np.full_like(digits, self.grammar.symbol("="))
        inputs = np.column_stack([found.symbols, equal, found.values])
        inputs[rows, digits] = self.grammar.symbol("x")
        return Batch(inputs=inputs, targets=targets)


@lru_cache(maxsize=64)
def _every_equation(
    grammar: Grammar, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Of each equation the number of its expression of that length, the digit's place, its weight."""
    (symbols, _), probabilities = every_expression(grammar, length)
    is_digit = symbols < grammar.modulus
    rows, places = np.nonzero(is_digit)
    firsts = np.searchsorted(rows, np.arange(len(symbols)))
    before = np.roll(places, 1)
    lasts = np.append(firsts[1:], len(rows)) - 1
    before[firsts] = places[lasts] - length  # a place after the last digit goes round to the first
    return rows, places, probabilities[rows] * (places - before) / length
