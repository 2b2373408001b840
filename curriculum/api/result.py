"""What a run came to, as Python and notebooks get it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from html import escape
from typing import TYPE_CHECKING, Any, Self

from curriculum import record, report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class RunResult(record.Result):
    """What a run came to: its record's `Result`, with the history that it was made from.

    A terminal shows it as the table of its visits, and a notebook with its reach curve.
    """

    history: record.History = field(compare=False)

    @classmethod
    def of(cls, result: record.Result, history: record.History) -> Self:
        """The same with its history."""
        content = {part.name: getattr(result, part.name) for part in fields(record.Result)}
        return cls(history=history, **content)

    @property
    def figures(self) -> dict[str, Figure]:
        """Matplotlib's figures of the run, by name; none before its first visit, but that of a race."""
        report.show_figures_inline()
        return report.run_figures(self.history)

    def explain(self) -> str:
        """Why each visit advanced, or did not."""
        return "\n".join(report.explain_run(self.history))

    def as_json(self) -> dict[str, Any]:
        content = {part.name: getattr(self, part.name) for part in fields(record.Result)}
        return record.Result(**content).as_json()

    def __repr__(self) -> str:
        table = report.as_text(report.stage_table(self))
        return f"{table}\n\n{report.closing(self.history)}\nRun {self.run_id}"

    def _repr_html_(self) -> str:
        """What a notebook shows: the visits, the reach curve, and how it ended."""
        title = escape(f"{self.experiment}, seed {self.seed}")
        return "\n".join(
            (
                f"<p><b>{title}</b></p>",
                report.stage_table_html(self),
                report.reach_svg(self.history),
                f"<p>{escape(report.closing(self.history))}</p>",
                f"<p>Run <code>{escape(self.run_id)}</code></p>",
            )
        )
