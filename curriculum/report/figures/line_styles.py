"""How strategies are told apart in a figure: by colour, dashes and marker together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from curriculum.comparison import BASELINE
from curriculum.plan import STRATEGIES

INK = "#000000"
"""What is drawn in the colour of the text, light on a dark page."""

FAINT = "#888888"

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito's
DASHES = ("-", "--", "-.", ":")
MARKERS = "oD^vPX*<>hpd|"
"""Their number and that of the colours have no common divisor: the two don't repeat together."""


@dataclass(frozen=True, slots=True)
class LineStyle:
    """A strategy's colour, dashes and marker, as Matplotlib names them."""

    color: str
    linestyle: str
    marker: str

    @property
    def line(self) -> dict[str, Any]:
        """Colour and dashes."""
        return {"color": self.color, "linestyle": self.linestyle}


def line_styles(names: Iterable[str]) -> dict[str, LineStyle]:
    """A style each; up to 24 names, and the baseline, differ in at least two of the three.

    The baseline has the text's colour. The order of the names makes no difference.
    """
    order = {name: rank for rank, name in enumerate(STRATEGIES)}
    ranked = sorted({*names} - {BASELINE}, key=lambda n: (order.get(n, len(order)), n))
    found = {BASELINE: LineStyle(INK, ":", "s")}
    for rank, name in enumerate(ranked):
        colour, dashes = rank % len(COLOURS), rank // len(COLOURS) % len(DASHES)
        found[name] = LineStyle(COLOURS[colour], DASHES[dashes], MARKERS[rank % len(MARKERS)])
    return found
