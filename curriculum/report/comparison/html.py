"""Comparisons as one page of HTML that needs nothing else: no network, no scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from itertools import count
from typing import TYPE_CHECKING

import curriculum
from curriculum.comparison import BASELINE, Comparison, Outcome
from curriculum.errors import counted
from curriculum.record import PACKAGES
from curriculum.report.comparison.measured import measured_overview, sentences
from curriculum.report.comparison.plots import (
    cost_by_stage,
    measured_by_strategy,
    reach_by_strategy,
)
from curriculum.report.comparison.table import overview, stage_by_stage
from curriculum.report.comparison.text import left_out
from curriculum.report.figures.axes import MOST_TOGETHER
from curriculum.report.figures.settings import settings_map
from curriculum.report.figures.svg import inline_svg
from curriculum.sweeps import GUESS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class CaptionedFigure:
    """A figure, and what it shows, in a sentence."""

    figure: Figure
    caption: str


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
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>{escape(title)}</title>\n<style>{_style()}</style>\n</head>\n<body>\n<main>",
            f"<h1>{escape(title)}</h1>",
            *parts,
            f"</main>\n<footer>{_versions(comparisons)}</footer>\n</body>\n</html>\n",
        )
    )


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
            _figure(first, name),
            _items(terms),
        )
    )


def _style() -> str:
    return files(__package__).joinpath("report.css").read_text(encoding="utf-8")


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
    yield _items(terms)
    for figure in (*_figures(comparison), *more):
        yield _figure(figure, next(names))
    yield "<h3>Stage by stage</h3>"
    caption = f"Median {comparison.unit} to each stage; in brackets, seeds that got there"
    yield _table(_upright(stage_by_stage(comparison)), caption, kind="dense")
    yield f"<h3>What was left out</h3>\n{_items(left_out(comparison))}"
    yield f"<details><summary>Settings that all runs share</summary>{_shared(comparison)}</details>"
    yield "</section>"


def _overview(comparison: Comparison) -> str:
    """The table of strategies."""
    measured = comparison.measured
    if measured is not None:
        rows = measured_overview(comparison, measured)
        return _table(rows, f"What the final models score by {measured.measure.name}")
    against = BASELINE in comparison.outcomes
    verdicts = [_verdict(o) for o in comparison.outcomes.values()] if against else []
    return _table(overview(comparison), "The reach and the cost of each strategy", verdicts)


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


def _figure(figure: CaptionedFigure, name: str) -> str:
    label = escape(figure.caption)
    return (
        f'<figure>\n<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f"{inline_svg(figure.figure, name, figure.caption)}</div>\n"
        f"<figcaption>{label}</figcaption>\n</figure>"
    )


def _table(rows: Rows, caption: str, verdicts: Sequence[str] = (), *, kind: str = "") -> str:
    """Of rows of text, the first of which is the head; with verdicts, they end in words.

    Of kind `dense`, it breaks the text of its cells, to have room for many columns; of kind
    `long`, anywhere, for values of any length.
    """
    *columns, last = (_breakable(name) for name in rows[0])
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    head += f'<th scope="col"{_words(verdicts, "")}>{last}</th>'
    lines = []
    for number, row in enumerate(rows[1:]):
        name, *cells, last = _breakable(row[0]), *map(escape, row[1:])
        cells = [f"<td>{cell}</td>" for cell in cells]
        words = _words(verdicts, "".join(verdicts[number : number + 1]))
        lines.append(f'<tr><th scope="row">{name}</th>{"".join(cells)}<td{words}>{last}</td></tr>')
    body, looks = "\n".join(lines), f' class="{kind}"' if kind else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table{looks}><caption><span>{escape(caption)}</span></caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _breakable(name: str) -> str:
    """A name that may be broken across lines after an underscore."""
    return escape(name).replace("_", "_<wbr/>")


def _words(verdicts: Sequence[str], verdict: str) -> str:
    """What sets off a column that says verdicts in words; nothing for any other."""
    return f' class="{f"words {verdict}".rstrip()}"' if verdicts else ""


def _shared(comparison: Comparison) -> str:
    rows = [(name, str(value)) for name, value in sorted(comparison.conditions.items())]
    return _table([("setting", "value"), *rows], "The same in all runs", kind="long")


def _items(lines: Iterator[str] | Sequence[str]) -> str:
    return f'<ul class="terms">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'


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
    return escape(f"Report by curriculum {curriculum.__version__}{trained}.")
