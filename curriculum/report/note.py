"""A run's note in MLflow, in markdown."""

from curriculum.record import History
from curriculum.report.explain import closing
from curriculum.report.tables import stage_table_markdown

MOST_CHARACTERS = 7500
"""MLflow cuts a tag at 8,000."""


def markdown_note(history: History) -> str:
    """How the run ended, and the table of its stages, cut where MLflow would cut it."""
    run = history.description
    lines = [
        f"**{run.experiment}**, {run.strategy}, seed {run.seed}, run `{run.id}`",
        "",
        closing(history),
        "",
        *_race(history),
        *stage_table_markdown(history.result()).splitlines(),
    ]
    kept, size = [], 0
    for line in lines:
        size += len(line) + 1
        if size > MOST_CHARACTERS:
            kept += ["", f"(and more: `python -m curriculum explain {run.id}`)"]
            break
        kept.append(line)
    return "\n".join(kept)


def _race(history: History) -> list[str]:
    """What a race of arms came to; nothing where there is none."""
    selected = history.arms.selected
    return [] if selected is None else [f"{selected.ending[:1].upper()}{selected.ending[1:]}.", ""]
