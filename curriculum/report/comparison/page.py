"""A page of HTML that needs nothing else, no network and no scripts, and what stands on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from curriculum.report.figures.svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class CaptionedFigure:
    """A figure, and what it shows, in a sentence."""

    figure: Figure
    caption: str


def page(title: str, parts: Iterable[str], footer: str) -> str:
    """The whole of it, of parts that are HTML, and a footer that is text."""
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>{escape(title)}</title>\n<style>{_style()}</style>\n</head>\n<body>\n<main>",
            f"<h1>{escape(title)}</h1>",
            *parts,
            f"</main>\n<footer>{escape(footer)}</footer>\n</body>\n</html>\n",
        )
    )


def figure_html(figure: CaptionedFigure, name: str) -> str:
    """A figure with its caption; names are different on one page."""
    label = escape(figure.caption)
    return (
        f'<figure>\n<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f"{inline_svg(figure.figure, name, figure.caption)}</div>\n"
        f"<figcaption>{label}</figcaption>\n</figure>"
    )


def table_html(rows: Rows, caption: str, verdicts: Sequence[str] = (), *, kind: str = "") -> str:
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


def list_html(lines: Iterator[str] | Sequence[str]) -> str:
    """A list of sentences."""
    return f'<ul class="terms">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'


def _style() -> str:
    return files(__package__).joinpath("report.css").read_text(encoding="utf-8")


def _breakable(name: str) -> str:
    """A name that may be broken across lines after an underscore."""
    return escape(name).replace("_", "_<wbr/>")


def _words(verdicts: Sequence[str], verdict: str) -> str:
    """What sets off a column that says verdicts in words; nothing for any other."""
    return f' class="{f"words {verdict}".rstrip()}"' if verdicts else ""
