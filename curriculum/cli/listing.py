"""The command `list`: the experiments by family, which is the file that they are defined in."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from curriculum import config
from curriculum.cli.parser import argument, option
from curriculum.cli.terminal import print_line
from curriculum.errors import UsageError, did_you_mean

EXAMPLES = """\
NAME:variant, at the end of a family, is there of each of its experiments.

examples:
  python -m curriculum list
  python -m curriculum list lstm
  python -m curriculum list my_tasks.py
  python -m curriculum list --json | jq -r '.[].name'
"""

WIDEST = 26
"""A longer name has a line to itself."""

EACH = "NAME"
"""In the name of a variant that all experiments of its family have."""


@dataclass(frozen=True, kw_only=True)
class ListRequest:
    """Which experiments to list."""

    word: str | None = argument(
        "WORD",
        "those alone that have this word in name, description or family; or those of this Python file",
        nargs="?",
    )
    json: bool = option("print the experiments as one JSON list", bool)


def list_experiments(request: ListRequest) -> int:
    """Print each experiment's name and description, under the title of its family."""
    found = _found(request.word)
    if request.json:
        print(json.dumps([_as_json(listing) for listing in found]))
        return 0
    families = defaultdict[Any, list[config.Listing]](list)
    for listing in found:
        families[listing.path].append(listing)
    rows = [(_heading(family[0]), [*_rows(family)]) for family in families.values()]
    names = [name for _, family in rows for name, _ in family if len(name) <= WIDEST]
    width = max(map(len, names), default=WIDEST)
    for number, (heading, family) in enumerate(rows):
        if number:
            print()
        print_line(heading, hanging=2)
        for name, description in family:
            _print_row(name, description, width)
    return 0


def _found(word: str | None) -> Sequence[config.Listing]:
    """What is to be listed; nothing is no answer to a word."""
    if word is not None and word.endswith(".py"):
        return config.list_file(word)
    known = config.list_experiments()
    if word is None:
        return known
    found = [
        listing
        for listing in known
        if any(
            word.casefold() in text.casefold()
            for text in (listing.name, listing.description, listing.family)
        )
    ]
    if not found:
        bases = [listing.name for listing in known if ":" not in listing.name]
        raise UsageError(f"there is no experiment with {word!r}; {did_you_mean(word, bases)}")
    return found


def _heading(listing: config.Listing) -> str:
    """A family's title; that of a user's own file with its name."""
    title = listing.title.rstrip(".") or listing.family
    return title if config.is_shipped(listing.path) else f"{title} ({listing.path.name})"


def _rows(family: Sequence[config.Listing]) -> Iterator[tuple[str, str]]:
    """Names and descriptions; a variant of all experiments of several is told once, at the end."""
    bases = [listing for listing in family if listing.variant is None]
    variants = defaultdict[str, list[config.Listing]](list)
    for listing in family:
        if listing.variant is not None:
            variants[listing.variant].append(listing)
    shared = {name for name, each in variants.items() if len(each) == len(bases) > 1}
    for listing in family:
        if listing.variant not in shared:
            same = listing.description == listing.title
            yield listing.name, "" if same else listing.description
    for name in variants:
        if name in shared:
            yield f"{EACH}:{name}", variants[name][0].description


def _print_row(name: str, description: str, width: int) -> None:
    indent = width + 4
    if len(name) > width and description:
        print_line(f"  {name}")
        name = ""
    print_line(f"  {name:<{width}}  {description}".rstrip(), hanging=indent)


def _as_json(listing: config.Listing) -> dict[str, Any]:
    return {
        "name": listing.name,
        "family": listing.family,
        "family_title": listing.title,
        "description": listing.description,
        "variant": listing.variant,
        "file": str(listing.path),
    }
