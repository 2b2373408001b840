"""The settings that a learner is made and trained by: what tuning may change on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Self

from curriculum.learn.model import Model
from curriculum.learn.optimizers import OptimizerSettings
from curriculum.learn.training_settings import Training

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

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """The same recipe with the settings of these dotted names changed.

        Raises:
            UsageError: for a value that a part refuses.
        """
        parts: dict[str, dict[str, Any]] = {}
        for name, value in changes.items():
            part, _, setting = name.partition(".")
            parts.setdefault(part, {})[setting] = value
        changed = {p: dataclasses.replace(getattr(self, p), **v) for p, v in parts.items()}
        return dataclasses.replace(self, **changed)

    def changes_from(self, other: Recipe) -> dict[str, Any]:
        """By dotted name, the settings that differ from another recipe of the same kinds."""
        return {
            f"{part}.{field.name}": self.value(f"{part}.{field.name}")
            for part in ("model", "optimizer", "training")
            if is_dataclass(getattr(self, part))
            for field in fields(getattr(self, part))
            if self.value(f"{part}.{field.name}") != other.value(f"{part}.{field.name}")
        }
