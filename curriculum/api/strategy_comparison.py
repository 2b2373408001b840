"""A comparison of strategies as Python and notebooks have it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from curriculum import comparison, record, report
from curriculum.report import comparison as comparison_report

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, repr=False)
class StrategyComparison:
    """A comparison, and the histories that it was made from, by the runs' ids.

    A terminal shows it as its table, and a notebook with a figure.
    """

    comparison: comparison.Comparison
    histories: Mapping[str, record.History]

    @property
    def headline(self) -> str:
        """What it comes to, in a sentence or two."""
        return next(comparison_report.sentences(self.comparison))

    @property
    def figures(self) -> dict[str, Figure]:
        """Matplotlib's figures of the comparison, by name."""
        report.show_figures_inline()
        return comparison_report.comparison_figures(self.comparison, self.histories)

    def to_frame(self) -> pd.DataFrame:
        """A row for each strategy and stage: how many seeds got there, and at what cost.

        With a measure, a row for each strategy and seed: what its final model scores.
        A cost that most seeds never came to is `inf`; an interval of too few seeds is NaN.
        """
        import pandas as pd

        return pd.read_csv(io.StringIO(comparison_report.as_csv(self.comparison)))

    def __repr__(self) -> str:
        printed = io.StringIO()
        comparison_report.print_comparison(self.comparison, printed)
        return "\n".join(line.rstrip() for line in printed.getvalue().splitlines())

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return comparison_report.html_summary(self.comparison)
