"""Settings by dotted name, as the command line spells them."""

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from curriculum.plan import Stage


def flatten(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an experiment's parts by dotted name."""
    found: dict[str, Any] = {}
    for name, value in parts.items():
        if is_dataclass(value):
            if not isinstance(value, Stage):
                found[name] = type(value).__name__
            inner = {f"{name}.{part.name}": getattr(value, part.name) for part in fields(value)}
            found |= flatten(inner)
        elif isinstance(value, tuple) and any(is_dataclass(part) for part in value):
            found[name] = [asdict(part) for part in value]
        else:
            found[name] = value
    return found
