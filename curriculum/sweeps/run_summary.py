"""One run as a comparison sees it: under which settings it ran, and when it reached what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from curriculum.config import flatten
from curriculum.plan import STRATEGIES, AxisNames, Cost, Stage
from curriculum.record import MACHINE, RunDescription, RunOverview

UNITS = ("compute", "tokens", "seconds", "steps")
"""What a budget may be matched in."""

GUESS = "guess"
"""The control that doesn't train: it has no learning rates, but as many widths of weights."""

OF_TRAINING = ("optimizer", "training")
"""The settings that guesses need not share with what is trained."""

CURRICULUM = ("pacing", "sampling")
"""The settings that a strategy is made of."""

OF_NO_CONDITION = (*CURRICULUM, "tuning")
"""The settings that runs which are compared need not share."""

NOT_OVER = "not over yet"

WITHOUT_EFFECT = ("mlflow", "safetensors", "optuna")
"""Of the libraries, these change nothing in what a run without a search computes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSummary:
    """A run that is over.

    Attributes:
        created: the time of day when it was started.
        path: the nominal stages.
        axis_names: what the task calls their axes.
        unit: of its budget.
        budget: how much of that it had; None for a run without a limit.
        conditions: all that must be the same for runs to be compared, by dotted name.
        training: of guesses, what must be the same among these alone; empty for others.
        mastered: by a stage's place on the path, what the run had cost when it mastered it:
            in order, or the target also before the stages below it.
        total: all that it cost.
        not_comparable: why it can't be compared with others at all; None where it can.
    """

    run_id: str
    strategy: str
    seed: int
    learning_rate: float
    created: float
    path: tuple[Stage, ...]
    unit: str | None
    budget: float | None
    conditions: Mapping[str, Any]
    mastered: Mapping[int, Cost]
    total: Cost
    not_comparable: str | None
    training: Mapping[str, Any] = field(default_factory=dict)
    axis_names: AxisNames = field(default_factory=AxisNames)

    @property
    def reach(self) -> int:
        """The place of the hardest stage passed; -1 for none."""
        return max(self.mastered, default=-1)

    @property
    def used_up(self) -> bool:
        """Whether it trained until its budget was used up."""
        return (
            self.unit is not None
            and self.budget is not None
            and float(getattr(self.total, self.unit)) >= self.budget
        )

    @classmethod
    def of(cls, overview: RunOverview) -> RunSummary:
        """The summary of a run of a store."""
        description, totals = overview.description, overview.totals
        settings = description.settings
        conditions, training = _conditions(description), dict[str, Any]()
        if is_guess(description.strategy):
            names = [name for name in conditions if _part(name) in OF_TRAINING]
            training = {name: conditions.pop(name) for name in names}
        unit = next((u for u in UNITS if settings.get(f"budget.{u}") is not None), None)
        return cls(
            run_id=description.id,
            strategy=_label(description),
            seed=description.seed,
            learning_rate=settings["optimizer.learning_rate"],
            created=description.created,
            path=description.path,
            axis_names=description.axis_names,
            unit=unit,
            budget=None if unit is None else settings[f"budget.{unit}"],
            conditions=conditions,
            training=training,
            mastered={
                place: totals.mastered[stage]
                for place, stage in enumerate(description.path)
                if stage in totals.mastered
            },
            total=totals.cost,
            not_comparable=_not_comparable(overview),
        )


def is_guess(strategy: str) -> bool:
    """Whether a strategy, by its label, draws weights at random in place of training."""
    return strategy.partition("(")[0] == GUESS


def _label(description: RunDescription) -> str:
    """The strategy's name, and those of its settings that the name doesn't tell.

    That is `combined(mixed=0.9)`, and of a pair without a name of its own all that it has:
    `linear x lookback(initial=0.01, horizon=0.5, back=0.3)`. The arms of a portfolio are joined by `+`.
    """
    name, settings = description.strategy, description.settings
    usual = STRATEGIES.get(name)
    if usual is None:
        known = {kind: settings.get(kind) for kind in CURRICULUM}
    else:
        known = flatten({"pacing": usual.pacing, "sampling": usual.sampling})
    known = {key: _as_recorded(value) for key, value in known.items()}
    other = [
        f"{key.partition('.')[2] or key}={'+'.join(value) if isinstance(value, list) else value}"
        for key, value in settings.items()
        if _part(key) in CURRICULUM and (key, value) not in known.items()
    ]
    return f"{name}({', '.join(other)})" if other else name


def _as_recorded(value: Any) -> Any:
    """A setting as a description has it, which was JSON."""
    return [*value] if isinstance(value, tuple) else value


def _conditions(description: RunDescription) -> dict[str, Any]:
    settings = {
        name: value
        for name, value in description.settings.items()
        if _part(name) not in OF_NO_CONDITION and name != "optimizer.learning_rate"
    }
    return settings | provenance(description)


@cache
def _part(name: str) -> str:
    """Of an experiment, that the setting with that dotted name belongs to."""
    return name.partition(".")[0]


def provenance(description: RunDescription) -> dict[str, Any]:
    """What a run's numbers depend on besides its settings and seed."""
    libraries = description.environment.items()
    digests = ("source_sha256", "classes_sha256", "data_digest", "weights_digest")
    names = (*MACHINE, *digests, "git_commit")
    found = {name: getattr(description, name) for name in names}
    return {name: value for name, value in libraries if name not in WITHOUT_EFFECT} | found


def _not_comparable(overview: RunOverview) -> str | None:
    settings, totals = overview.description.settings, overview.totals
    limits = [unit for unit in UNITS if settings.get(f"budget.{unit}") is not None]
    reasons = {
        NOT_OVER: totals.ended is None,
        "tuned": settings["tuning.mode"] != "off",
        "with galloping growth": settings["growth"] == "Galloping",
        "with half steps": totals.took_half_steps,
        "without a limit of the whole run": not limits,
        "with several limits of the whole run": len(limits) > 1,
        "resumed under a changed provenance": totals.changed_provenance,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
