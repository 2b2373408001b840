"""What a task calls the axes of a stage, for whoever reads of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from curriculum.errors import UsageError
from curriculum.plan.stage import Stage, growing_axes

MOST_CHARACTERS = 40
"""Of a name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AxisNames:
    """What a stage's length and its level count, in a word or two.

    Attributes:
        length: such as "digits".
        level: such as "operands".

    Raises:
        UsageError: where a name is empty, very long, or can't be printed on a line.

    >>> AxisNames(length="digits", level="pluses").words(Stage(5, 10, level=2))
    'digits 5, vocabulary 10, pluses 2'
    """

    length: str = "length"
    level: str = "level"

    def __post_init__(self) -> None:
        for axis in ("length", "level"):
            name: object = getattr(self, axis)
            fits = isinstance(name, str) and name.isprintable() and name.strip() == name
            if not fits or not 0 < len(str(name)) <= MOST_CHARACTERS:
                raise UsageError(
                    f"{axis}_name must be a word or two, at most {MOST_CHARACTERS} characters, got "
                    f"{str(name)[:100]!r}"
                )

    @property
    def lengths(self) -> str:
        """The length's name where there are several."""
        return "lengths" if self.length == "length" else self.length

    def of(self, axis: str) -> str:
        """The name of one of `AXES`."""
        return {"length": self.length, "level": self.level}.get(axis, "vocabulary")

    def words(self, stage: Stage) -> str:
        """A stage in words; the level is left out where it is 1."""
        numbers = zip(("length", "vocab_size", "level"), stage.numbers, strict=False)
        return ", ".join(f"{self.of(axis)} {number}" for axis, number in numbers)

    def place(self, stage: Stage, path: Sequence[Stage]) -> str:
        """A stage of a path in words: the one number that grows along it, or all."""
        growing = growing_axes(path)
        if len(growing) != 1:
            return self.words(stage)
        return f"{self.of(growing[0])} {getattr(stage, growing[0]):,}"

    def brief(self, stage: Stage, path: Sequence[Stage]) -> str:
        """A stage of a path for a table: the one number that grows along it, or `stage.short`.

        >>> AxisNames(length="digits").brief(Stage(5, 10), [Stage(1, 10), Stage(5, 10)])
        'digits 5'
        >>> AxisNames().brief(Stage(5, 10), [Stage(1, 2), Stage(5, 10)])
        '5/10'
        """
        return self.place(stage, path) if len(growing_axes(path)) == 1 else stage.short

    @classmethod
    def shared(cls, several: Iterable[AxisNames]) -> AxisNames:
        """The names that all have in common, and the usual ones where they differ.

        >>> AxisNames.shared([AxisNames(length="digits"), AxisNames(length="pairs")]).length
        'length'
        """
        found = [*several]
        lengths, levels = {each.length for each in found}, {each.level for each in found}
        return cls(
            length=lengths.pop() if len(lengths) == 1 else "length",
            level=levels.pop() if len(levels) == 1 else "level",
        )
