"""What strategies are compared by once their budgets are used up: a metric at a length."""

import re
from dataclasses import dataclass
from typing import Self

from curriculum.errors import UsageError

WRITTEN = re.compile(r"\s*([A-Za-z]\w*)\s*@\s*([\d,_]+)\s*")


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric of final models on held-out examples of a length.

    Attributes:
        metric: `loss`, `bits_per_byte`, `perplexity`, `exact_match`, `symbol_accuracy`, or one that
            the task reports.
        length: of the examples.
    """

    metric: str
    length: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The measure that was typed.

        Raises:
            UsageError: where it is none.

        >>> Measure.parse("loss@512")
        Measure(metric='loss', length=512)
        """
        found = WRITTEN.fullmatch(text)
        digits = found[2].replace(",", "").replace("_", "") if found else ""
        if found is None or not digits or int(digits) < 1:
            raise UsageError(
                f"a measure is a metric at a length, such as loss@512, got {text!r}{_meant(text)}"
            )
        return cls(found[1], int(digits))

    def __str__(self) -> str:
        return f"{self.metric}@{self.length}"


def _meant(text: str) -> str:
    """What was meant, where the two parts are there but are put together in another way."""
    found = re.fullmatch(r"\s*([A-Za-z_]+)\s*[-:=/ at]*\s*(\d+)\s*", text)
    swapped = re.fullmatch(r"\s*(\d+)\s*@\s*([A-Za-z_]+)\s*", text)
    if swapped:
        return f"; did you mean {swapped[2]}@{swapped[1]}?"
    if found and int(found[2]):
        return f"; did you mean {found[1]}@{found[2]}?"
    if re.fullmatch(r"\s*[A-Za-z_]+\s*", text):
        return f"; give the length too, as {text.strip()}@512"
    return ""
