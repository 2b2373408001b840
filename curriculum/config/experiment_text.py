"""An experiment's parts as a few lines of a terminal, and as a table of a notebook."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from html import escape
from typing import Any

MOST_CHARACTERS = 200
"""Of a part's settings; a list of a thousand lengths is cut there."""

Parts = Mapping[str, Any]


def parts_as_text(heading: str, parts: Parts) -> str:
    """The heading, and a line for each part."""
    lines = (f"  {name}: {settings}" for name, settings in _described(parts))
    return "\n".join((heading, *lines))


def parts_as_html(heading: str, parts: Parts) -> str:
    """The same as a table."""
    rows = (
        f'<tr><th scope="row">{escape(name)}</th>'
        f'<td style="text-align: left">{escape(settings)}</td></tr>'
        for name, settings in _described(parts)
    )
    return f"<p><b>{escape(heading)}</b></p>\n<table><tbody>{''.join(rows)}</tbody></table>"


def _described(parts: Parts) -> Iterator[tuple[str, str]]:
    """The name of each part, and its settings in one line."""
    for name, value in parts.items():
        text = _settings(value)
        yield name, text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} …"


def _settings(value: Any) -> str:
    """A part's kind, and its settings as the command line spells them."""
    if not is_dataclass(value):
        return str(value)
    settings = ((part.name, getattr(value, part.name)) for part in fields(value))
    named = (
        f"{name.replace('_', '-')} {found}" for name, found in settings if found not in (None, ())
    )
    return f"{type(value).__name__} ({', '.join(named)})".removesuffix(" ()")
