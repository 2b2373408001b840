"""What a user's classes do, as a digest: those of a notebook have no file that could be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any

CONSTANTS = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


def classes_sha256(classes: Sequence[type]) -> str | None:
    """The digest of what they do, whatever their lines and comments; None of no class.

    That is of their methods, defaults and constants, and of the functions and classes of the same
    module that these name. It holds for one version of Python, which is part of a run's provenance
    itself.
    """
    if not classes:
        return None
    digest, known = hashlib.sha256(), set[int]()
    for kind in classes:
        _add_class(kind, digest, known)
    return digest.hexdigest()


def _add_class(kind: type, digest: Any, known: set[int]) -> None:
    if id(kind) in known:
        return
    known.add(id(kind))
    digest.update(kind.__qualname__.encode())
    digest.update(repr(sorted(_constants(kind))).encode())
    for name, function in sorted(_functions(kind), key=lambda pair: pair[0]):
        digest.update(name.encode())
        _add_function(function, digest, known)


def _add_function(function: FunctionType, digest: Any, known: set[int]) -> None:
    """What it does, and what it calls of the same module."""
    if id(function) in known:
        return
    known.add(id(function))
    defaults = (function.__defaults__, function.__kwdefaults__)
    digest.update(_text(defaults).encode())
    for name in sorted(_add_code(function.__code__, digest)):
        named = function.__globals__.get(name)
        if getattr(named, "__module__", None) != function.__module__:
            continue
        digest.update(name.encode())
        if isinstance(named, FunctionType):
            _add_function(named, digest, known)
        elif isinstance(named, type):
            _add_class(named, digest, known)


def _constants(kind: type) -> Iterator[tuple[str, str]]:
    """What a class has written down besides; defaults of fields are settings, and recorded as such."""
    settings = {part.name for part in fields(kind)} if is_dataclass(kind) else set()
    for name, member in vars(kind).items():
        plain = isinstance(member, bool | int | float | str | tuple | list | dict | set | None)
        if plain and name not in settings and not name.startswith("_"):
            yield name, _text(member)


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


def _add_code(code: CodeType, digest: Any) -> set[str]:
    """Its instructions and constants; the names that it looks up."""
    digest.update(code.co_code)
    digest.update(repr((code.co_names, code.co_varnames, code.co_freevars)).encode())
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _add_code(constant, digest)
        elif not ("__firstlineno__" in code.co_names and constant == code.co_firstlineno):
            digest.update(_text(constant).encode())
    return names


def _text(value: Any) -> str:
    """The same in each process: sets have another order in each, and objects another address."""
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(_text, value)))}}}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(k)}: {_text(v)}' for k, v in value.items())}}}"
    return repr(value) if isinstance(value, CONSTANTS) else type(value).__qualname__
