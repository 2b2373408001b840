"""The files that a user's code is in: the one that was named, and the modules beside it that it imports."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from curriculum.errors import UsageError
from curriculum.record.disk import sha256_of

ELSEWHERE = {*sys.stdlib_module_names, "curriculum"}
"""Modules that are never those beside the file."""


def source_files(source: Path) -> dict[str, Path]:
    """By their place relative to its folder: the file itself, first, and what it imports from there.

    Imports are found without executing anything, also within functions; those that are made by
    `importlib` are not.
    """
    folder = source.absolute().parent
    found = {source.name: source.resolve()}
    pending = [source.name]
    while pending:
        place = pending.pop()
        for name in _imported(found[place], place):
            for other in _places(folder, name):
                if other not in found:
                    found[other] = (folder / other).resolve()
                    pending.append(other)
    return found


def source_sha256(source: Path) -> str:
    """The digest of a user's file and of what it imports from its folder; whatever the file is called.

    Raises:
        UsageError: where one of them is no regular file.
        OSError: where one can't be read.
    """
    (_, own), *others = source_files(source).items()
    if not others:
        return sha256_of(own)
    lines = [sha256_of(own), *sorted(f"{place} {sha256_of(path)}" for place, path in others)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _imported(path: Path, place: str) -> Iterator[str]:
    """The dotted names that a file may import, of modules and of what is in them."""
    tree = ast.Module(body=[], type_ignores=[])
    with suppress(OSError, ValueError, SyntaxError, RecursionError, UsageError):
        tree = ast.parse(path.read_bytes())
    package = place.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = [*above, *filter(None, [node.module])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def _places(folder: Path, name: str) -> Iterator[str]:
    """The files beside it that are executed where that is imported."""
    parts = name.split(".")
    if parts[0] in ELSEWHERE:
        return
    for count in range(1, len(parts) + 1):
        place = "/".join(parts[:count])
        for candidate in (f"{place}.py", f"{place}/__init__.py"):
            if (folder / candidate).is_file():
                yield candidate
