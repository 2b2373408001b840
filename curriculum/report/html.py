"""Comparisons as one page of HTML that needs nothing else: no network, no scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count
from typing import TYPE_CHECKING

import curriculum
from curriculum.record.description import PACKAGES
from curriculum.report.attempt import GUESS
from curriculum.report.canvas import MOST_TOGETHER
from curriculum.report.comparison import BASELINE, Comparison, Outcome
from curriculum.report.comparison_plots import reach_by_strategy, spending_by_stage
from curriculum.report.comparison_table import overview, stage_by_stage
from curriculum.report.comparison_words import headline, left_out, terms
from curriculum.report.explain import spelled
from curriculum.report.html_style import STYLE
from curriculum.report.settings_plot import settings_map
from curriculum.report.svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Picture", "html_report"]

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, and what it shows, in a sentence."""

    figure: Figure
    caption: str


def html_report(
    comparisons: Sequence[Comparison],
    *,
    title: str = "Comparison of curricula",
    pictures: Mapping[str, Sequence[Picture]] | None = None,
) -> str:
    """The page, the same to the byte for the same comparisons.

    Args:
        comparisons: a part of the page each.
        title: the page's.
        pictures: by experiment, more of them than a comparison alone can give.
    """
    more, names = pictures or {}, (f"p{number}" for number in count(1))
    parts = [
        line
        for number, comparison in enumerate(comparisons, start=1)
        for line in _part(comparison, f"c{number}", names, more.get(comparison.experiment, ()))
    ]
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
            f"<h1>{escape(title)}</h1>",
            *parts,
            f"</main>\n<footer>{_versions(comparisons)}</footer>\n</body>\n</html>\n",
        )
    )


def _part(
    comparison: Comparison, name: str, names: Iterator[str], more: Sequence[Picture]
) -> Iterator[str]:
    """One comparison."""
    yield f'<section aria-labelledby="{name}">'
    yield f'<h2 id="{name}">{escape(comparison.experiment)}</h2>'
    yield f'<p class="headline">{escape(headline(comparison))}</p>'
    yield f"<p>{escape(_compared(comparison))}</p>"
    against = BASELINE in comparison.outcomes
    verdicts = [_verdict(o) for o in comparison.outcomes.values()] if against else []
    yield _table(overview(comparison), "What each strategy reached, and what it took", verdicts)
    yield _items(terms(comparison))
    for picture in (*_pictures(comparison), *more):
        yield _figure(picture, next(names))
    yield "<h3>Stage by stage</h3>"
    caption = f"Median {comparison.unit} to each stage; in brackets, seeds that got there"
    yield _table(_upright(stage_by_stage(comparison)), caption, kind="dense")
    yield f"<h3>What was left out</h3>\n{_items(left_out(comparison))}"
    yield f"<details><summary>Settings that all runs share</summary>{_shared(comparison)}</details>"
    yield "</section>"


def _upright(rows: Rows) -> Rows:
    """Of strategies and stages, the fewer as columns, so that a page is more likely to hold them."""
    head, *_ = rows
    if len(rows) >= len(head):
        return rows
    turned = list(zip(*rows, strict=True))
    return [(f"strategy / {head[0]}", *turned[0][1:]), *turned[1:]]


def _compared(comparison: Comparison) -> str:
    """How many of what were compared, on which path."""
    entries = [e for o in comparison.outcomes.values() for e in o.entries.values()]
    runs = sum(len(entry.attempts) for entry in entries)
    seeds = sorted({len(outcome.entries) for outcome in comparison.outcomes.values()})
    each = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    path = comparison.path
    return (
        f"{len(comparison.outcomes)} strategies with {each} seeds each, {spelled(runs, 'run')} in "
        f"all, on {spelled(len(path), 'stage')} from {path[0]} to {path[-1]}."
    )


def _pictures(comparison: Comparison) -> tuple[Picture, ...]:
    unit, many = comparison.unit, len(comparison.outcomes) > MOST_TOGETHER
    others = " Grey: the other strategies." if many else ""
    guessed = f" {GUESS} has none, and is left out." if GUESS in comparison.outcomes else ""
    return (
        Picture(
            reach_by_strategy(comparison),
            f"The hardest stage mastered against {unit}, strategy by strategy: the median over "
            f"seeds and its interval, or, of few seeds, each.{others}",
        ),
        Picture(
            spending_by_stage(comparison),
            f"The median {unit} that each stage took, strategy by strategy. A line ends where "
            f"most seeds got no further.",
        ),
        Picture(
            settings_map(comparison),
            f"The learning rate of the quickest run to each stage, strategy by strategy: the "
            f"median over seeds.{guessed}",
        ),
    )


def _figure(picture: Picture, name: str) -> str:
    label = escape(picture.caption)
    return (
        f'<figure>\n<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f"{inline_svg(picture.figure, name, picture.caption)}</div>\n"
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
    """A name that may go on in another line after an underscore."""
    return escape(name).replace("_", "_<wbr/>")


def _words(verdicts: Sequence[str], verdict: str) -> str:
    """What sets off a column that says verdicts in words; nothing for any other."""
    return f' class="{f"words {verdict}".rstrip()}"' if verdicts else ""


def _shared(comparison: Comparison) -> str:
    rows = [(name, str(value)) for name, value in sorted(_terms(comparison).items())]
    return _table([("setting", "value"), *rows], "The same in all runs", kind="long")


def _items(lines: Iterator[str] | Sequence[str]) -> str:
    return f'<ul class="terms">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'


def _verdict(outcome: Outcome) -> str:
    return "" if outcome.ratio is None else outcome.ratio.verdict


def _terms(comparison: Comparison) -> Mapping[str, object]:
    """Those of any run; all have the same."""
    outcome = next(iter(comparison.outcomes.values()))
    return next(iter(outcome.entries.values())).attempts[0].terms


def _versions(comparisons: Sequence[Comparison]) -> str:
    """What the page was drawn with, and what the runs were computed with."""
    found: dict[str, set[str]] = {}
    for comparison in comparisons:
        shared = _terms(comparison)
        for name in ("curriculum", "python", *PACKAGES):
            if name in shared:
                found.setdefault(name, set()).add(str(shared[name]))
    used = ", ".join(f"{name} {' and '.join(sorted(have))}" for name, have in found.items())
    trained = f"; runs trained with {used}" if used else ""
    return escape(f"Report by curriculum {curriculum.__version__}{trained}.")
