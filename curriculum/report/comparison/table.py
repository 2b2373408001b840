"""The tables of a comparison: strategy by strategy, and stage by stage."""

from collections.abc import Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from curriculum.comparison import BASELINE, Comparison, Measured, Outcome
from curriculum.report.comparison import text as words
from curriculum.report.comparison.measured import measured_overview, sentences
from curriculum.report.screen import literal_console
from curriculum.report.units import short

WIDTH = 80

WIDEST = 14
"""Longer names are broken after an underscore."""

WIDEST_INTERVAL = 11

LEAST_VERDICT = 15
"""As many columns hold a verdict and its ratio on one line."""

MOST_BY_STAGE = 5
"""More strategies do not fit beside each other into a terminal."""

STYLES = {"helped": "green", "hurt": "red"}


def overview(comparison: Comparison) -> list[tuple[str, ...]]:
    """A head, and a row for each strategy: its reach and its cost."""
    against = (f"vs {BASELINE}",) if BASELINE in comparison.outcomes else ()
    head = ("strategy", "seeds", "reach", "95 %", "compute", "time", "tokens", *against)
    return [head, *(_row(comparison, o)[: len(head)] for o in comparison.outcomes.values())]


def stage_by_stage(comparison: Comparison) -> list[tuple[str, ...]]:
    """A head, and a row for each stage: its cost to each strategy, and how many seeds got there."""
    outcomes, unit = comparison.outcomes.values(), comparison.unit
    rows = (
        (comparison.key(place), *(_cell(outcome, place, unit) for outcome in outcomes))
        for place in range(len(comparison.path))
    )
    return [("stage", *comparison.outcomes), *rows]


def comparison_table(comparison: Comparison) -> Table:
    """The overview for a terminal of 80 columns."""
    head, *rows = overview(comparison)
    table = _table(comparison.experiment, head, left=("strategy", *head[7:]))
    table.columns[-1].min_width = LEAST_VERDICT
    for row, outcome in zip(rows, comparison.outcomes.values(), strict=True):
        name, seeds, reach, between, *cells = row
        if len(between) > WIDEST_INTERVAL:
            between = between.replace("–", "–\n")
        compute, *cells = cells
        compute = compute.replace(" (", "\n(")
        texts = map(Text, (_broken(name), seeds, reach, between, compute, *cells))
        table.add_row(*texts, style=STYLES.get(outcome.verdict or ""))
    return table


def measured_table(comparison: Comparison, measured: Measured) -> Table:
    """What final models score, for a terminal of 80 columns."""
    head, *rows = measured_overview(comparison, measured)
    head = tuple(name.replace("evaluations", "evalu-\nations") for name in head)
    table = _table(comparison.experiment, head, left=("strategy", head[3]))
    for row, outcome in zip(rows, measured.outcomes.values(), strict=True):
        name, *cells = row
        texts = (Text(cell.replace(" (", "\n(")) for cell in cells)
        table.add_row(Text(_broken(name)), *texts, style=STYLES.get(outcome.verdict or ""))
    return table


def stage_by_stage_table(comparison: Comparison) -> Table:
    """The stages for a terminal; fits for few strategies."""
    head, *rows = stage_by_stage(comparison)
    table = _table(f"{comparison.unit} to each stage", tuple(map(_broken, head)))
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def print_comparison(comparison: Comparison, stream: TextIO) -> None:
    """Print the tables and the sentences."""
    terminal = stream.isatty()
    width = None if terminal else WIDTH
    console = literal_console(
        file=stream,
        width=width,
        highlight=False,
        force_jupyter=False,
        force_terminal=None if terminal else False,  # FORCE_COLOR would say it is one
    )
    measured = comparison.measured
    if measured is None:
        console.print(comparison_table(comparison))
    else:
        console.print(measured_table(comparison, measured))
    for sentence in (*sentences(comparison), *words.left_out(comparison)):
        console.print(sentence)
    if measured is None and len(comparison.outcomes) <= MOST_BY_STAGE:
        console.print()
        console.print(stage_by_stage_table(comparison))


def _row(comparison: Comparison, outcome: Outcome) -> tuple[str, ...]:
    place, costs = comparison.stage, ["-", "-", "-"]
    if place is not None:
        costs = [short(outcome.cost(place, u).value, u) for u in ("seconds", "tokens")]
        costs.insert(0, _cell(outcome, place, "compute"))
    return (
        outcome.strategy,
        str(len(outcome.results)),
        comparison.key(int(outcome.reach.value)),
        words.interval(comparison, outcome),
        *costs,
        words.against_baseline(comparison, outcome),
    )


def _cell(outcome: Outcome, place: int, unit: str) -> str:
    """The median, and how many seeds got there where not all did."""
    count, total = outcome.reached(place), len(outcome.results)
    text = short(outcome.cost(place, unit).value, unit)
    return text if count in (0, total) else f"{text} ({count}/{total})"


def _table(title: str, head: Sequence[str], left: Sequence[str] = ()) -> Table:
    table = Table(
        title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False
    )
    for name in head:
        table.add_column(Text(name), justify="left" if name in left else "right", overflow="fold")
    return table


def _broken(name: str) -> str:
    """A long name on two lines.

    >>> _broken("look_back_and_ahead").split()
    ['look_back_', 'and_ahead']
    """
    cut = name.rfind("_", 0, WIDEST - 3) + 1 if len(name) > WIDEST else 0
    return f"{name[:cut]}\n{name[cut:]}" if cut else name
