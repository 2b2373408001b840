"""One run as a comparison sees it: under which terms it went, and when it reached what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from curriculum.experiment import flattened
from curriculum.plan import STRATEGIES, Spending, Stage
from curriculum.record.history import History

__all__ = ["GUESS", "NOT_OVER", "OF_TRAINING", "UNITS", "WITHOUT_EFFECT", "Attempt", "guesses"]

UNITS = ("compute", "tokens", "seconds", "steps")
"""What a budget may be matched in."""

GUESS = "guess"
"""The control that doesn't train: it has no learning rates, but as many widths of weights."""

OF_TRAINING = ("optimizer", "training")
"""What guesses need not have in common with what is trained."""

CURRICULUM = ("pacing", "sampling")
"""The settings that a strategy is made of."""

NOT_OVER = "not over yet"

WITHOUT_EFFECT = ("mlflow", "safetensors", "optuna")
"""Of the libraries, these change nothing in what a run without a search computes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A run that is over.

    Attributes:
        created: the time of day when it was begun.
        path: the nominal stages.
        unit: what its budget is counted in.
        budget: how much of that it may spend; None for a run without a limit.
        terms: all that must be the same for runs to be compared, by dotted name.
        training: of guesses, what must be the same among these alone; empty for others.
        mastered: by a stage's place on the path, what the run had spent when it mastered it:
            the lowest unmastered one at its gate, or the last one ahead of those below.
        total: all that it spent.
        unfit: why it can't be compared with others at all; None where it can.
    """

    run_id: str
    strategy: str
    seed: int
    learning_rate: float
    created: float
    path: tuple[Stage, ...]
    unit: str | None
    budget: float | None
    terms: Mapping[str, Any]
    mastered: Mapping[int, Spending]
    total: Spending
    unfit: str | None
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reach(self) -> int:
        """The place of the hardest stage mastered; -1 for none."""
        return max(self.mastered, default=-1)

    @classmethod
    def of(cls, history: History) -> Attempt:
        """What a run's journal tells of it."""
        described = history.description
        path = tuple(map(Stage.from_key, described["path"]))
        settings = described["settings"]
        terms, training = _terms(described), dict[str, Any]()
        if guesses(described["strategy"]):
            training = {n: terms.pop(n) for n in [*terms] if n.split(".")[0] in OF_TRAINING}
        unit = next((u for u in UNITS if settings.get(f"budget.{u}") is not None), None)
        return cls(
            run_id=described["id"],
            strategy=_label(described),
            seed=described["seed"],
            learning_rate=settings["optimizer.learning_rate"],
            created=described["created"],
            path=path,
            unit=unit,
            budget=None if unit is None else settings[f"budget.{unit}"],
            terms=terms,
            training=training,
            mastered=_mastered(history, path),
            total=replace(history.total, seconds=history.seconds),
            unfit=_unfit(history),
        )


def guesses(strategy: str) -> bool:
    """Whether a strategy, by its label, draws weights at random in place of training."""
    return strategy.partition("(")[0] == GUESS


def _label(described: Mapping[str, Any]) -> str:
    """The strategy's name, and those of its settings that the name doesn't tell.

    That is `combined(mixed=0.9)`, and of a pair without a name of its own all that it has:
    `linear x lookback(initial=0.01, horizon=0.5, back=0.3)`.
    """
    name, settings = str(described["strategy"]), described["settings"]
    usual = STRATEGIES.get(name)
    if usual is None:
        told = {kind: settings.get(kind) for kind in CURRICULUM}
    else:
        told = flattened({"pacing": usual.pacing, "sampling": usual.sampling})
    other = [
        f"{key.partition('.')[2] or key}={value}"
        for key, value in settings.items()
        if key.split(".")[0] in CURRICULUM and (key, value) not in told.items()
    ]
    return f"{name}({', '.join(other)})" if other else name


def _terms(described: Mapping[str, Any]) -> dict[str, Any]:
    settings = {
        name: value
        for name, value in described["settings"].items()
        if name.split(".")[0] not in (*CURRICULUM, "tuning") and name != "optimizer.learning_rate"
    }
    libraries = {
        name: value
        for name, value in described["environment"].items()
        if name not in WITHOUT_EFFECT
    }
    more = {
        name: described[name]
        for name in ("device", "threads", "flush_denormal", "source_sha256", "git_commit")
    }
    return settings | libraries | more


def _mastered(history: History, path: tuple[Stage, ...]) -> dict[int, Spending]:
    """When each stage of the path was mastered for the first time."""
    places = {stage: place for place, stage in enumerate(path)}
    found: dict[int, Spending] = {}
    spent = Spending()
    for visit in history.visits:
        spent = spent + visit.spent + visit.lost
        place = places.get(visit.stage)
        if visit.verdict == "mastered" and place is not None and visit.ended is not None:
            found.setdefault(place, replace(spent, seconds=visit.ended))
    for key, there in history.ahead.items():
        place = places.get(Stage.from_key(key))
        if place is not None:
            found[place] = there
    return found


def _unfit(history: History) -> str | None:
    settings = history.description["settings"]
    limits = [unit for unit in UNITS if settings.get(f"budget.{unit}") is not None]
    reasons = {
        NOT_OVER: history.end is None,
        "tuned": settings["tuning.mode"] != "off",
        "galloping": settings["growth"] == "Galloping",
        "with half steps": any(visit.entry == "half step" for visit in history.visits),
        "without a limit of the whole run": not limits,
        "with several limits of the whole run": len(limits) > 1,
        "gone on with under other circumstances": bool(history.changes),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
