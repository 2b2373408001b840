"""A run's note in MLflow, in markdown."""

from __future__ import annotations

from curriculum.record.history import History
from curriculum.report.explain import closing
from curriculum.report.table import markdown_table

__all__ = ["note"]

MOST_CHARACTERS = 7500
"""MLflow cuts a tag at 8,000."""


def note(history: History) -> str:
    """How the run ended, and the table of its stages, cut where MLflow would cut it."""
    described = history.description
    run = f"{described['strategy']}, seed {described['seed']}, run `{described['id']}`"
    lines = [
        f"**{described['experiment']}**, {run}",
        "",
        closing(history),
        "",
        *markdown_table(history.result()).splitlines(),
    ]
    kept, size = [], 0
    for line in lines:
        size += len(line) + 1
        if size > MOST_CHARACTERS:
            kept.append("")
            kept.append(f"(and more: `python -m curriculum explain {described['id']}`)")
            break
        kept.append(line)
    return "\n".join(kept)
