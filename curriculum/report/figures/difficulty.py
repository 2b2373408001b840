"""How hard a stage is, as the axis of a figure shows it."""

from collections.abc import Sequence

from curriculum.plan import AxisNames, Stage, growing_axes

LABELS = {"length": "sequence length (symbols)", "vocabulary": "vocabulary (symbols)"}
"""Of axes that are called so."""


def axis_label(name: str) -> str:
    """What the axis of a figure is called, for the name of one of a stage."""
    return LABELS.get(name, name)


class Difficulty:
    """Lengths, vocabularies or levels, where one of them grows along the path; else places on it.

    >>> both = Difficulty([Stage(5, 10), Stage(9, 10), Stage(9, 99)], AxisNames())
    >>> both.height(Stage(9, 99)), both.height(Stage(7, 10)), both.name(Stage(9, 99))
    (3, 1.5, '9x99')
    """

    def __init__(self, path: Sequence[Stage], names: AxisNames) -> None:
        self.path = list(path)
        self.names = names
        self.axes = growing_axes(path) or ("length",)

    @property
    def label(self) -> str:
        """What the axis shows."""
        if len(self.axes) == 1:
            return axis_label(self.names.of(self.axes[0]))
        return " x ".join(map(self.names.of, self.axes))

    @property
    def ticks(self) -> dict[float, str]:
        """The names of all heights that stages of the path have, where heights are mere places."""
        if len(self.axes) == 1:
            return {}
        return {self.height(stage): self.name(stage) for stage in self.path}

    def height(self, stage: Stage) -> float:
        """The height of a stage; of one that falls between two of the path's, between theirs."""
        if len(self.axes) == 1:
            height: int = getattr(stage, self.axes[0])
            return height
        if stage in self.path:
            return self.path.index(stage) + 1
        above = [place for place, other in enumerate(self.path, start=1) if other.covers(stage)]
        return min(above, default=len(self.path) + 1) - 0.5

    def name(self, stage: Stage) -> str:
        """A short name: what grows."""
        return str(getattr(stage, self.axes[0])) if len(self.axes) == 1 else stage.key
