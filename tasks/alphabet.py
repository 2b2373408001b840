"""The named symbols of a task: what they are called, and how they are read from text."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import UsageError
from curriculum.plan import Stage


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Symbol number k is called `words[k]`.

    >>> stack = Alphabet(("0", "1", "POP", "PUSH 0", "PUSH 1"))
    >>> stack.parse("01 PUSH 1, POP")
    [0, 1, 4, 2]
    >>> stack.decode(np.array([4, 2]))
    ['PUSH 1', 'POP']
    """

    words: tuple[str, ...]

    @classmethod
    def of_digits(cls, count: int, others: str = "") -> Alphabet:
        """The numbers 0 to `count` - 1, and then symbols of one character each."""
        return cls((*map(str, range(count)), *others))

    def __len__(self) -> int:
        return len(self.words)

    def check(self, task: str, stage: Stage) -> None:
        """Check that a stage's vocabulary is this alphabet.

        Raises:
            UsageError: where it has more or fewer symbols.
        """
        if stage.vocab_size != len(self):
            raise UsageError(
                f"{task} has a vocabulary of {len(self)} ({' '.join(self.words)}), got "
                f"{stage.vocab_size}; write Stage({stage.length}, {len(self)})"
            )

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        """Each symbol's word."""
        return [self.words[symbol] for symbol in symbols]

    def parse(self, text: str) -> list[int]:
        """The symbols in `text`: words one after the other, with or without spaces and commas.

        Raises:
            UsageError: where there are none, or anything else is.
        """
        longest_first = sorted(self.words, key=len, reverse=True)
        numbers = {word: number for number, word in enumerate(self.words)}
        found = re.findall(f"{'|'.join(map(re.escape, longest_first))}|[^\\s,]", text)
        unknown = [word for word in found if word not in numbers]
        if unknown or not found:
            problem = repr(unknown[0]) if unknown else repr(text)
            raise UsageError(f"an input is of {' '.join(self.words)}, got {problem}")
        return [numbers[word] for word in found]
