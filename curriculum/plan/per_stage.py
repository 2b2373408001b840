"""Settings that single stages of a path have of their own."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from curriculum.errors import UsageError
from curriculum.plan.stage import KEY, Stage

PerStage: TypeAlias = tuple[tuple[str, float], ...] | Mapping[str | int, float]
"""A value for each of some stages, by a stage's key or by its length; kept as pairs."""


def per_stage_values(given: PerStage) -> tuple[tuple[str, float], ...]:
    """The values by stage, each once, as pairs.

    >>> per_stage_values({64: 1.9, "512x256": 1.7})
    (('64', 1.9), ('512x256', 1.7))

    Raises:
        UsageError: for what is no stage, no number, or named twice.
    """
    pairs: Iterable[Any] = given.items() if isinstance(given, Mapping) else given
    found: dict[str, float] = {}
    for pair in pairs:
        match pair:
            case (str() | int() as key, int() | float() as value) if not isinstance(value, bool):
                name = str(key)
            case _:
                raise UsageError(f"criterion.per_stage takes a stage and a number, got {pair!r}")
        if not (re.fullmatch(r"[1-9]\d*", name) or KEY.fullmatch(name)):
            raise UsageError(
                f"criterion.per_stage names a stage by its length, as 64, or by its key, as "
                f"64x256, got {name!r}"
            )
        if name in found:
            raise UsageError(f"criterion.per_stage names {name} twice")
        found[name] = float(value)
    return tuple(found.items())


def per_stage_text(given: PerStage) -> str:
    """The values of single stages in words, after what holds for the others; empty for none.

    >>> per_stage_text({64: 1.9, "512x256": 1.7})
    ' (1.9 on 64, 1.7 on 512x256)'
    """
    parts = [f"{value:g} on {key}" for key, value in per_stage_values(given)]
    return f" ({', '.join(parts)})" if parts else ""


def value_at(given: PerStage, stage: Stage | None, default: float) -> float:
    """The value of a stage: by its key, or else by its length, or else the default."""
    values = dict(per_stage_values(given))
    if stage is None:
        return default
    return values.get(stage.key, values.get(str(stage.length), default))


def unknown_stages(given: PerStage, path: Iterable[Stage]) -> list[str]:
    """The names that are of no stage of a path."""
    stages = [*path]
    known = {stage.key for stage in stages} | {str(stage.length) for stage in stages}
    return [name for name, _ in per_stage_values(given) if name not in known]
