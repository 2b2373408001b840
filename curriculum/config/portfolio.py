"""The arms of an experiment whose strategy is a portfolio, each an experiment of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from curriculum.errors import UsageError
from curriculum.plan import (
    Budget,
    Criterion,
    Current,
    Pacing,
    Portfolio,
    Sampling,
    get_strategy,
)


class _Experiment(Protocol):
    """What is needed of an experiment here, which checks itself by this module."""

    @property
    def pacing(self) -> Pacing: ...

    @property
    def sampling(self) -> Sampling: ...

    @property
    def budget(self) -> Budget: ...

    @property
    def criterion(self) -> Criterion: ...

    def with_strategy(self, strategy: str) -> Self: ...

    def replace(self, **changes: Any) -> Self: ...


E = TypeVar("E", bound=_Experiment)


def is_portfolio(experiment: _Experiment) -> bool:
    """Whether an experiment races several strategies."""
    return isinstance(experiment.pacing, Portfolio)


def arms_of(experiment: E) -> dict[str, E]:
    """The arms of a portfolio by name, without those that the task refuses.

    Each is what the experiment is under that strategy, but for the error that its tests may make: a stage's
    tests of all arms share what the tests of one run may. So no arm depends on any other.

    Raises:
        UsageError: where fewer than two are left, or for a strategy that there isn't.
    """
    found, refused = _sorted_out(experiment)
    if len(found) < 2:
        name, why = next(iter(refused.items()))
        raise UsageError(
            f"a portfolio takes two arms or more, and of {', '.join(_names(experiment))} this experiment takes "
            f"{next(iter(found), 'none')}: {name} is refused, as {why}; name others with --arms, or take one "
            f"strategy alone"
        )
    criterion = experiment.criterion
    share = 1 - (1 - criterion.confidence) / len(found)
    return {
        name: arm.replace(criterion=criterion.replace(confidence=share))
        for name, arm in found.items()
    }


def arms_left_out(experiment: _Experiment) -> Mapping[str, str]:
    """The arms that the task refuses, and why."""
    return _sorted_out(experiment)[1]


def check_portfolio(experiment: _Experiment) -> None:
    """Check that an experiment can race its arms.

    Raises:
        UsageError: where it can't.
    """
    if experiment.sampling != Current():
        kind = type(experiment.sampling).__name__.lower()
        raise UsageError(
            f"each arm of strategy auto has a sampling of its own, so sampling {kind} has no effect; leave it out, "
            f"or name a strategy with it among --arms"
        )
    if experiment.budget.until != "target":
        raise UsageError(
            f"strategy auto ends when an arm has mastered the target, so budget.until must be target, got "
            f"{experiment.budget.until}"
        )
    for name in _names(experiment):
        if name == "auto" or get_strategy(name).guesses:
            raise UsageError(
                f"{name} can be no arm of a portfolio; take strategies that train a model"
            )
    arms_of(experiment)


def _names(experiment: _Experiment) -> tuple[str, ...]:
    assert isinstance(experiment.pacing, Portfolio)
    return experiment.pacing.arms


def _sorted_out(experiment: E) -> tuple[dict[str, E], dict[str, str]]:
    """The arms that the task takes, and why it refuses the others."""
    found, refused = dict[str, E](), dict[str, str]()
    for name in _names(experiment):
        get_strategy(name)
        try:
            found[name] = experiment.with_strategy(name)
        except UsageError as error:
            refused[name] = str(error)
    return found, refused
