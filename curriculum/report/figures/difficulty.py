"""How hard a stage is, as the axis of a figure shows it."""

from collections.abc import Sequence

from curriculum.plan import Stage


class Difficulty:
    """Lengths or vocabularies, where only one of them grows along the path; else places on it.

    >>> both = Difficulty([Stage(5, 10), Stage(9, 10), Stage(9, 99)])
    >>> both.height(Stage(9, 99)), both.height(Stage(7, 10)), both.name(Stage(9, 99))
    (3, 1.5, '9x99')
    """

    def __init__(self, path: Sequence[Stage]) -> None:
        self.path = list(path)
        self.lengthens = len({stage.length for stage in path}) > 1
        self.widens = len({stage.vocab_size for stage in path}) > 1

    @property
    def label(self) -> str:
        """What the axis shows."""
        if not self.widens:
            return "sequence length (symbols)"
        return "length x vocabulary" if self.lengthens else "vocabulary (symbols)"

    @property
    def ticks(self) -> dict[float, str]:
        """The names of all heights that stages of the path have, where heights are mere places."""
        if not (self.lengthens and self.widens):
            return {}
        return {self.height(stage): self.name(stage) for stage in self.path}

    def height(self, stage: Stage) -> float:
        """The height of a stage; of one that falls between two of the path's, between theirs."""
        if not self.widens:
            return stage.length
        if not self.lengthens:
            return stage.vocab_size
        if stage in self.path:
            return self.path.index(stage) + 1
        above = [
            place
            for place, other in enumerate(self.path, start=1)
            if other.length >= stage.length and other.vocab_size >= stage.vocab_size
        ]
        return min(above, default=len(self.path) + 1) - 0.5

    def name(self, stage: Stage) -> str:
        """A short name: what grows."""
        if not self.widens:
            return str(stage.length)
        return stage.key if self.lengthens else str(stage.vocab_size)
