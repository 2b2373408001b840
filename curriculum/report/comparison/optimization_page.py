"""A search over curricula as a page of HTML."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import curriculum
from curriculum.comparison import Optimization
from curriculum.errors import counted
from curriculum.report.comparison.optimization_text import (
    confirmation_rows,
    optimization_sentences,
    trial_rows,
)
from curriculum.report.comparison.page import list_html, page, table_html


def optimization_html(found: Optimization, command: str) -> str:
    """The page, the same to the byte for the same search."""
    title = f"Search over curricula: {found.experiment}"
    return page(title, _parts(found, command), f"Report by curriculum {curriculum.__version__}.")


def optimization_summary(found: Optimization, command: str) -> str:
    """What a notebook shows of a search."""
    return "\n".join(_body(found, command))


def _parts(found: Optimization, command: str) -> Iterator[str]:
    yield f'<section aria-labelledby="c1"><h2 id="c1">{escape(found.experiment)}</h2>'
    yield from _body(found, command)
    yield "</section>"


def _body(found: Optimization, command: str) -> Iterator[str]:
    first, *others = optimization_sentences(found, command)
    yield f'<p class="headline">{escape(first)}</p>'
    if found.confirmation is not None:
        seeds = counted(len(found.confirmation.best.results), "fresh seed")
        caption = f"The best curriculum found, on {seeds}"
        yield table_html(confirmation_rows(found.confirmation), caption, kind="long")
    yield list_html(others)
    yield table_html(trial_rows(found), "The trials, best first", kind="long")
