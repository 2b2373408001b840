"""A search over curricula as Python and notebooks have it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curriculum import comparison
from curriculum.report import comparison as comparison_report

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, repr=False)
class OptimizationResult:
    """A search over curricula that is over. A terminal shows it as its tables, and so does a notebook.

    Attributes:
        optimization: all that it came to.
        command: the command line that runs the best curriculum by itself.
        storage: where Optuna's dashboard finds the trials.
    """

    optimization: comparison.Optimization
    command: str
    storage: str

    @property
    def best(self) -> comparison.CurriculumTrial:
        """The best of what was proposed; its `words` are its settings as they are typed."""
        return self.optimization.best

    @property
    def confirmation(self) -> comparison.Confirmation | None:
        """The best beside the experiment's own curriculum and direct training, on fresh seeds."""
        return self.optimization.confirmation

    @property
    def trials(self) -> tuple[comparison.CurriculumTrial, ...]:
        """All trials, in order; those that are always tried first."""
        return self.optimization.trials

    def to_json(self) -> dict[str, Any]:
        """All of it, as the command line prints it with `--json`."""
        return comparison_report.optimization_json(self.optimization, self.command)

    def to_html(self) -> str:
        """A page of its own, as the command line writes it with `--report`."""
        return comparison_report.optimization_html(self.optimization, self.command)

    def to_frame(self) -> pd.DataFrame:
        """A row for each trial: its settings, how far it came in the race, and at what cost."""
        import pandas as pd

        rows = [
            {
                "trial": trial.number,
                "name": trial.name,
                **trial.settings,
                "rungs": len(trial.costs),
                "complete": trial.complete,
                "seeds": len(trial.costs[-1].results) if trial.costs else 0,
                "reached": trial.costs[-1].reached if trial.costs else 0,
                "cost": trial.costs[-1].mean if trial.costs else None,
            }
            for trial in self.trials
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        printed = io.StringIO()
        comparison_report.print_optimization(self.optimization, self.command, printed)
        return "\n".join(line.rstrip() for line in printed.getvalue().splitlines())

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return comparison_report.optimization_summary(self.optimization, self.command)
