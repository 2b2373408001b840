"""Comparisons as one page of HTML that needs nothing else: no network, no scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import count

import curriculum
from curriculum.comparison import BASELINE, Comparison, Outcome
from curriculum.errors import counted
from curriculum.record import PACKAGES
from curriculum.report.comparison.measured import measured_overview, sentences
from curriculum.report.comparison.page import (
    CaptionedFigure,
    Rows,
    figure_html,
    list_html,
    page,
    table_html,
)
from curriculum.report.comparison.plots import (
    cost_by_stage,
    measured_by_strategy,
    reach_by_strategy,
)
from curriculum.report.comparison.table import overview, stage_by_stage
from curriculum.report.comparison.text import left_out
from curriculum.report.figures.axes import MOST_TOGETHER
from curriculum.report.figures.settings import settings_map
from curriculum.sweeps import GUESS


def html_report(
    comparisons: Sequence[Comparison],
    *,
    title: str = "Comparison of curricula",
    figures: Mapping[str, Sequence[CaptionedFigure]] | None = None,
) -> str:
    """The page, the same to the byte for the same comparisons.

    Args:
        comparisons: one for each section.
        title: of the page.
        figures: by experiment, those that take more than its comparison.
    """
    more, names = figures or {}, (f"p{number}" for number in count(1))
    parts = [
        line
        for number, comparison in enumerate(comparisons, start=1)
        for line in _part(comparison, f"c{number}", names, more.get(comparison.experiment, ()))
    ]
    return page(title, parts, _versions(comparisons))


def html_summary(comparison: Comparison) -> str:
    """What a notebook shows of a comparison: its headline, the overview, and the reach."""
    name = f"comparison-{re.sub(r'[^A-Za-z0-9]', '-', comparison.experiment)}"
    reach = CaptionedFigure(
        reach_by_strategy(comparison),
        f"The hardest stage {comparison.verdict} against {comparison.unit}",
    )
    first = next(_measured_figures(comparison), reach)
    found, *terms = sentences(comparison)
    return "\n".join(
        (
            f"<p><b>{escape(comparison.experiment)}</b>: {escape(found)}</p>",
            _overview(comparison),
            figure_html(first, name),
            list_html(terms),
        )
    )


def _part(
    comparison: Comparison, name: str, names: Iterator[str], more: Sequence[CaptionedFigure]
) -> Iterator[str]:
    """One comparison."""
    yield f'<section aria-labelledby="{name}">'
    yield f'<h2 id="{name}">{escape(comparison.experiment)}</h2>'
    found, *terms = sentences(comparison)
    yield f'<p class="headline">{escape(found)}</p>'
    yield f"<p>{escape(_compared(comparison))}</p>"
    yield _overview(comparison)
    yield list_html(terms)
    for figure in (*_figures(comparison), *more):
        yield figure_html(figure, next(names))
    yield "<h3>Stage by stage</h3>"
    caption = f"Median {comparison.unit} to each stage; in brackets, seeds that got there"
    yield table_html(_upright(stage_by_stage(comparison)), caption, kind="dense")
    yield f"<h3>What was left out</h3>\n{list_html(left_out(comparison))}"
    yield f"<details><summary>Settings that all runs share</summary>{_shared(comparison)}</details>"
    yield "</section>"


def _overview(comparison: Comparison) -> str:
    """The table of strategies."""
    measured = comparison.measured
    if measured is not None:
        rows = measured_overview(comparison, measured)
        return table_html(rows, f"What the final models score by {measured.measure.name}")
    against = BASELINE in comparison.outcomes
    verdicts = [_verdict(o) for o in comparison.outcomes.values()] if against else []
    return table_html(overview(comparison), "The reach and the cost of each strategy", verdicts)


def _upright(rows: Rows) -> Rows:
    """Of strategies and stages, the fewer as columns, so that a page is more likely to hold them."""
    head, *_ = rows
    if len(rows) >= len(head):
        return rows
    turned = list(zip(*rows, strict=True))
    return [(f"strategy / {head[0]}", *turned[0][1:]), *turned[1:]]


def _compared(comparison: Comparison) -> str:
    """How many strategies, seeds and runs were compared, on which path."""
    results = [r for o in comparison.outcomes.values() for r in o.results.values()]
    runs = sum(len(result.runs) for result in results)
    seeds = sorted({len(outcome.results) for outcome in comparison.outcomes.values()})
    each = counted(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    path, words = comparison.path, comparison.axis_names.words
    return (
        f"{len(comparison.outcomes)} strategies with {each} each, {counted(runs, 'run')} in "
        f"all, on {counted(len(path), 'stage')} from {words(path[0])} to {words(path[-1])}."
    )


def _figures(comparison: Comparison) -> tuple[CaptionedFigure, ...]:
    unit, many = comparison.unit, len(comparison.outcomes) > MOST_TOGETHER
    others = " Grey: the other strategies." if many else ""
    guessed = f" {GUESS} has none, and is left out." if GUESS in comparison.outcomes else ""
    return (
        *_measured_figures(comparison),
        CaptionedFigure(
            reach_by_strategy(comparison),
            f"The hardest stage {comparison.verdict} against {unit}, strategy by strategy: the median over "
            f"seeds and its interval, or, of few seeds, each.{others}",
        ),
        CaptionedFigure(
            cost_by_stage(comparison),
            f"The median {unit} of each stage, strategy by strategy. A line ends where "
            f"most seeds got no further.",
        ),
        CaptionedFigure(
            settings_map(comparison),
            f"The learning rate of the quickest run to each stage, strategy by strategy: the "
            f"median over seeds.{guessed}",
        ),
    )


def _measured_figures(comparison: Comparison) -> Iterator[CaptionedFigure]:
    """What the final models score, where that was measured."""
    measured = comparison.measured
    if measured is not None:
        yield CaptionedFigure(
            measured_by_strategy(comparison, measured),
            f"{measured.measure.name} of the final models, strategy by strategy: a dot for each seed, and "
            f"a line at the median.",
        )


def _shared(comparison: Comparison) -> str:
    rows = [(name, str(value)) for name, value in sorted(comparison.conditions.items())]
    return table_html([("setting", "value"), *rows], "The same in all runs", kind="long")


def _verdict(outcome: Outcome) -> str:
    return outcome.verdict or ""


def _versions(comparisons: Sequence[Comparison]) -> str:
    """What the page was drawn with, and what the runs were computed with."""
    found: dict[str, set[str]] = {}
    for comparison in comparisons:
        for name in ("curriculum", "python", *PACKAGES):
            if name in comparison.conditions:
                found.setdefault(name, set()).add(str(comparison.conditions[name]))
    used = ", ".join(f"{name} {' and '.join(sorted(have))}" for name, have in found.items())
    trained = f"; runs trained with {used}" if used else ""
    return f"Report by curriculum {curriculum.__version__}{trained}."
