"""Figures as SVG that takes the colour of the page's text, the same to the byte each time."""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING

from curriculum.report.figures.line_styles import INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEME = (
    "<style>:root{color:#1a1a1a}@media(prefers-color-scheme:dark){:root{color:#e4e4e4}}</style>"
)
ROOT = 'fill="currentColor" stroke-linejoin="round" stroke-linecap="butt" font-family="sans-serif"'
NAMELESS = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def svg(figure: Figure) -> str:
    """A file of its own, dark on a light page and light on a dark one."""
    from matplotlib import rc_context

    written = io.StringIO()
    with rc_context({"svg.hashsalt": "curriculum", "svg.fonttype": "none"}):
        figure.savefig(written, format="svg", transparent=True, metadata=NAMELESS)
    text = written.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r' ?font-family: [^;"]*;?', "", text)
    text = re.sub(r"\n\s*", "\n", text)
    text = text.replace(INK, "currentColor").replace("xlink:href", "href")
    text = re.sub(r'\sxmlns:xlink="[^"]*"', "", text)
    text = re.sub(r"<[^>]*>", _rounded, text)
    return text.replace("<svg", f"<svg {ROOT}", 1).replace("<defs", f"{SCHEME}<defs", 1)


def inline_svg(figure: Figure, name: str, label: str) -> str:
    """The same for within a page of HTML.

    Args:
        figure: to embed.
        name: keeps its ids apart from other figures'.
        label: what it shows, for those who can't see it.
    """
    text = svg(figure).replace(SCHEME, "")
    text = re.sub(r'\s(xmlns|version)="[^"]*"', "", text)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)


def _rounded(tag: re.Match[str]) -> str:
    """To hundredths of a point, which nobody sees."""
    return re.sub(r"(?<=\d)(\.\d\d)\d+", r"\1", tag[0])
