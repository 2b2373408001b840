"""What retests found, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from curriculum.plan import Stage

__all__ = ["findings_table"]


def findings_table(title: str, findings: Sequence[Mapping[str, Any]]) -> Table:
    """A row for each stage: its score, on how many examples, and whether it is mastered, and why."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("length", "vocab", "score", "examples"):
        table.add_column(name, justify="right")
    table.add_column("mastered")
    table.add_column("why")
    for finding in findings:
        stage = Stage.from_key(finding["stage"])
        table.add_row(
            f"{stage.length:,}",
            f"{stage.vocab_size:,}",
            f"{finding['score']:.4g}",
            f"{finding['examples']:,}",
            "yes" if finding["cleared"] else "no",
            finding["reason"],
        )
    return table
