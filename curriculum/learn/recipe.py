"""The settings that a learner is made and trained by: what tuning may change on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Self

from curriculum.learn.model import Model
from curriculum.learn.optimizers import OptimizerSettings
from curriculum.learn.settings import Training

__all__ = ["HIDDEN_SIZE", "LEARNING_RATE", "Recipe"]

LEARNING_RATE = "optimizer.learning_rate"
HIDDEN_SIZE = "model.hidden_size"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Model, optimizer and training settings. Each setting has a dotted name."""

    model: Model
    optimizer: OptimizerSettings
    training: Training

    @property
    def learning_rate(self) -> float:
        return self.optimizer.learning_rate

    @property
    def hidden_size(self) -> int:
        return self.model.hidden_size

    def value(self, name: str) -> Any:
        """The setting of that dotted name, e.g. `optimizer.learning_rate`."""
        part, _, setting = name.partition(".")
        return getattr(getattr(self, part), setting)

    def but(self, changes: Mapping[str, Any]) -> Self:
        """The same recipe with the settings of these dotted names changed.

        Raises:
            UsageError: for a value that a part refuses.
        """
        parts: dict[str, dict[str, Any]] = {}
        for name, value in changes.items():
            part, _, setting = name.partition(".")
            parts.setdefault(part, {})[setting] = value
        changed = {
            part: replace(getattr(self, part), **values)  # one of three dataclasses
            for part, values in parts.items()
        }
        return replace(self, **changed)

    def changes_from(self, other: Recipe) -> dict[str, Any]:
        """By dotted name, the settings that differ from another recipe of the same kinds."""
        found = {}
        for part in ("model", "optimizer", "training"):
            ours, theirs = getattr(self, part), getattr(other, part)
            if is_dataclass(ours):
                for field in fields(ours):
                    value = getattr(ours, field.name)
                    if value != getattr(theirs, field.name):
                        found[f"{part}.{field.name}"] = value
        return found
