"""Frozen dataclasses as JSON and back, each field checked by its annotation.

Fields at their default are left out. JSON has no infinity and no NaN: where a field may hold
them (`Loss`), they are written by name.
"""

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from curriculum.plan import Loss, Stage

LARGEST = 1e300
NOT_FINITE = ("nan", "inf", "-inf")

Json = Annotated[Any, "JSON"]
"""Anything that JSON can hold."""

T = TypeVar("T")
Decoder = Callable[[Any], Any]

UNFIT = (LookupError, TypeError, ValueError)
"""What decoders raise: for an unknown field, a missing one, and a value that is refused."""


class Malformed(ValueError):
    """JSON that is not what was written."""


def encode(value: Any) -> Any:  # noqa: PLR0911 - a dispatch on types
    """A value of nested dataclasses, mappings and sequences as JSON."""
    if isinstance(value, Stage):
        return value.key
    if is_dataclass(value) and not isinstance(value, type):
        parts = ((name, getattr(value, name), default) for name, default in _defaults(type(value)))
        return {name: encode(part) for name, part, default in parts if part != default}
    if isinstance(value, Path) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(encode(key)): encode(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [encode(part) for part in value]
    return value


def decode(kind: type[T], content: Any) -> T:
    """The value of that type that `encode` made JSON of.

    Raises:
        Malformed: where it is none.
    """
    try:
        found: T = _decoder(kind)(content)  # type: ignore[arg-type]  # every class is hashable
    except UNFIT as error:
        raise Malformed(f"{kind.__name__}: {error}") from error
    return found


@cache
def _defaults(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """The fields of a dataclass, each with its default; with `MISSING`, which nothing is, for none."""
    return tuple(
        (part.name, part.default if part.default_factory is MISSING else part.default_factory())
        for part in fields(kind)
    )


@cache
def _decoder(kind: Any) -> Decoder:  # noqa: PLR0911 - a dispatch on types
    """What turns JSON into a value of that type; made once, since journals are long."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return partial(_decode_union, [_decoder(part) for part in arguments])
    if origin is Literal:
        return partial(_checked, arguments.__contains__)
    if origin is tuple and arguments[-1] is Ellipsis:
        return partial(_decode_list, _decoder(arguments[0]))
    if origin is tuple:
        return partial(_decode_tuple, [_decoder(part) for part in arguments])
    if origin is not None and issubclass(origin, Mapping):
        key = _decode_key if arguments[0] is int else _decoder(arguments[0])
        return partial(_decode_mapping, key, _decoder(arguments[1]))
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        decoders = {part.name: _decoder(hints[part.name]) for part in fields(kind)}
        return partial(_decode_dataclass, kind, decoders)
    enumeration: Decoder = kind
    return enumeration


def _checked(fits: Callable[[Any], bool], value: Any) -> Any:
    if not fits(value):
        raise Malformed(f"{str(value)[:100]!r} is not of its type")
    return value


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < LARGEST


_stage = cache(Stage.from_key)

SIMPLE: Mapping[Any, Decoder] = {
    bool: partial(_checked, lambda value: isinstance(value, bool)),
    int: partial(_checked, lambda value: _is_number(value) and isinstance(value, int)),
    float: partial(_checked, _is_number),
    str: partial(_checked, lambda value: isinstance(value, str)),
    list: partial(_checked, lambda value: isinstance(value, list)),
    dict: partial(_checked, lambda value: isinstance(value, dict)),
    type(None): partial(_checked, lambda value: value is None),
    Path: lambda value: Path(SIMPLE[str](value)),
    Stage: lambda value: _stage(SIMPLE[str](value)),
    Loss: lambda value: float(value if value in NOT_FINITE else SIMPLE[float](value)),
    Json: lambda value: value,
}


def _decode_key(key: str) -> int:
    """The number that a key was written for, so that no two keys mean the same."""
    found = int(key)
    if str(found) != key:
        raise Malformed(f"{found} is not written {key!r}")
    return found


def _decode_union(decoders: list[Decoder], value: Any) -> Any:
    for attempt in decoders:
        try:
            return attempt(value)
        except UNFIT:
            continue
    raise Malformed(f"{str(value)[:100]!r} is of none of its types")


def _decode_list(part: Decoder, value: Any) -> tuple[Any, ...]:
    return tuple(map(part, SIMPLE[list](value)))


def _decode_tuple(parts: list[Decoder], value: Any) -> tuple[Any, ...]:
    pairs = zip(parts, SIMPLE[list](value), strict=True)
    return tuple(part(each) for part, each in pairs)


def _decode_mapping(key: Decoder, part: Decoder, value: Any) -> dict[Any, Any]:
    return {key(name): part(each) for name, each in SIMPLE[dict](value).items()}


def _decode_dataclass(kind: type[Any], decoders: Mapping[str, Decoder], value: Any) -> Any:
    return kind(**{name: decoders[name](each) for name, each in SIMPLE[dict](value).items()})
