"""What a user's classes do, as a digest: those of a notebook have no file that could be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any


def classes_sha256(classes: Sequence[type]) -> str | None:
    """The digest of their methods and constants, whatever their lines and comments; None of no class.

    It holds for one version of Python, which is part of a run's provenance itself.
    """
    if not classes:
        return None
    digest = hashlib.sha256()
    for kind in classes:
        digest.update(kind.__qualname__.encode())
        digest.update(repr(sorted(_constants(kind))).encode())
        for name, function in sorted(_functions(kind), key=lambda pair: pair[0]):
            digest.update(name.encode())
            _add_code(function.__code__, digest)
    return digest.hexdigest()


def _constants(kind: type) -> Iterator[tuple[str, str]]:
    """What a class has written down besides; defaults of fields are settings, and recorded as such."""
    settings = {part.name for part in fields(kind)} if is_dataclass(kind) else set()
    for name, member in vars(kind).items():
        plain = isinstance(member, bool | int | float | str | tuple | None)
        if plain and name not in settings and not name.startswith("__"):
            yield name, repr(member)


def _functions(kind: type) -> Iterator[tuple[str, FunctionType]]:
    """The methods that a class has written down, by name."""
    for name, member in vars(kind).items():
        found: Any = member
        if isinstance(member, staticmethod | classmethod):
            found = member.__func__
        elif isinstance(member, property):
            found = member.fget
        elif isinstance(member, cached_property):
            found = member.func
        # What `dataclass` makes follows from the fields, which are settings.
        if isinstance(found, FunctionType) and not found.__code__.co_filename.startswith("<string"):
            yield name, found


def _add_code(code: CodeType, digest: Any) -> None:
    """Its instructions, and all that they name."""
    digest.update(code.co_code)
    digest.update(repr((code.co_names, code.co_varnames, code.co_freevars)).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _add_code(constant, digest)
        elif isinstance(constant, frozenset):  # whose order is another in each process
            digest.update(repr(sorted(map(repr, constant))).encode())
        else:
            digest.update(repr(constant).encode())
