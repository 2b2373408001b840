"""Random modular expressions with brackets, drawn and evaluated a batch at a time.

An expression of length 1 to 4 is d, -d, (d) or (-d) of a digit d; a longer one is (left operator
right), whose left part's length is drawn uniformly from 1 to length - 4, and so on within. After
"Modular Arithmetic" of Delétang et al. 2023, arXiv 2207.02098, appendix A.

Legend: B batch, L length, N expressions.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.tasks.every_string import MOST_EVALUATED

Integers = NDArray[np.int64]

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


class Expressions(NamedTuple):
    """Expressions of one length, as symbols (N, L), and their values (N,)."""

    symbols: Integers
    values: Integers


@dataclass(frozen=True, slots=True)
class Grammar:
    """How expressions are written: digits are symbols 0 to modulus - 1, and then come `marks`.

    Attributes:
        modulus: that values are taken by.
        marks: the symbols after the digits: the first `operators` of them join two parts, and
            minus and the brackets are among them.
        operators: 2 for + and -, 3 for *, too.
    """

    modulus: int
    marks: str
    operators: int

    def symbol(self, mark: str) -> int:
        """The number of a mark."""
        return self.modulus + self.marks.index(mark)

    def draw(self, rng: np.random.Generator, length: int, count: int) -> Expressions:
        """So many expressions of `length`."""
        symbols = np.empty((count, length), dtype=np.int64)
        flat = symbols.reshape(-1)
        starts, lengths = length * np.arange(count), np.full(count, length)
        joined = []  # of each level of nesting, the outermost first
        leaves = []
        while len(starts):
            # All expressions of the batch are taken apart at once, a level of nesting after another.
            splits = lengths > 4
            digits = rng.integers(self.modulus, size=len(starts) - np.count_nonzero(splits))
            leaves.append(self.write_leaves(flat, starts[~splits], lengths[~splits], digits))
            starts, lengths = starts[splits], lengths[splits]
            left = rng.integers(1, lengths - 3)
            operators = rng.integers(self.operators, size=len(starts))
            flat[starts] = self.symbol("(")
            flat[starts + lengths - 1] = self.symbol(")")
            flat[starts + 1 + left] = self.modulus + operators
            joined.append((splits, operators))
            starts = np.concatenate([starts + 1, starts + left + 2])
            lengths = np.concatenate([left, lengths - left - 3])
        values = np.empty(0, dtype=np.int64)  # of the parts that the level before was split into
        for (splits, operators), leaf in zip(reversed(joined), reversed(leaves), strict=True):
            both = np.empty(len(splits), dtype=np.int64)
            both[~splits] = leaf
            half = len(values) // 2
            both[splits] = self.join(operators, values[:half], values[half:])
            values = both
        return Expressions(symbols, values)

    def write_leaves(
        self, flat: Integers, starts: Integers, lengths: Integers, digits: Integers
    ) -> Integers:
        """Write d, -d, (d) or (-d) of each digit into `flat`, at `starts`; give their values."""
        closed, negative = lengths > 2, lengths % 2 == 0
        flat[starts[closed]] = self.symbol("(")
        flat[(starts + lengths - 1)[closed]] = self.symbol(")")
        flat[(starts + closed)[negative]] = self.symbol("-")
        flat[starts + closed + negative] = digits
        return np.where(negative, -digits % self.modulus, digits)

    def join(self, operators: Integers, left: Integers, right: Integers) -> Integers:
        """The values of left + right, left - right or left * right."""
        found: Integers = np.where(operators == 1, left - right, left + right)
        if self.operators == 3:
            found = np.where(operators == 2, left * right, found)
        return found % self.modulus

    def count(self, length: int) -> int | None:
        """How many expressions of `length` there are; None for more than are evaluated at once."""
        found = [0, *[self.modulus] * 4]
        while len(found) <= length and found[-1] <= MOST_EVALUATED:
            parts = len(found) - 3
            pairs = sum(found[left] * found[parts - left] for left in range(1, parts))
            found.append(self.operators * pairs)
        count = found[min(length, len(found) - 1)]
        return count if count <= MOST_EVALUATED else None

    def evaluate(self, text: str) -> int:
        """The value of an expression in symbols of this grammar.

        Raises:
            UsageError: where it is none.
        """
        try:
            return self._value(ast.parse(text, mode="eval").body)
        except (LookupError, MemoryError, RecursionError, SyntaxError, ValueError) as error:
            raise UsageError(f"{text!r} is no expression such as (1+(2-3))") from error

    def _value(self, node: ast.AST) -> int:
        match node:
            case ast.Constant(value=int(value)) if value < self.modulus:
                return value
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._value(operand) % self.modulus
            case ast.BinOp(left=left, op=operator, right=right):
                number = np.array(self.marks.index(OPERATORS[type(operator)]))
                values = np.array([self._value(left), self._value(right)])
                return int(self.join(number, values[0], values[1]))
        raise KeyError(type(node))


@lru_cache(maxsize=64)
def every_expression(grammar: Grammar, length: int) -> tuple[Expressions, NDArray[np.float64]]:
    """All expressions of `length`, and how probable each is to be drawn, (N,)."""
    if length <= 4:
        count = grammar.modulus
        symbols = np.empty((count, length), dtype=np.int64)
        starts, lengths = length * np.arange(count), np.full(count, length)
        values = grammar.write_leaves(symbols.reshape(-1), starts, lengths, np.arange(count))
        return Expressions(symbols, values), np.full(count, 1 / count)
    parts = []
    for left_length in range(1, length - 3):
        (left, x), p = every_expression(grammar, left_length)
        (right, y), q = every_expression(grammar, length - 3 - left_length)
        operators, i, j = (axis.ravel() for axis in np.indices((grammar.operators, len(x), len(y))))
        marks = [np.full_like(i, grammar.symbol(bracket)) for bracket in "()"]
        columns = [marks[0], left[i], grammar.modulus + operators, right[j], marks[1]]
        symbols = np.column_stack(columns)
        values = grammar.join(operators, x[i], y[j])
        parts.append((symbols, values, p[i] * q[j] / grammar.operators / (length - 4)))
    symbols, values, probabilities = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Expressions(symbols, values), probabilities
