"""Asks Optuna which settings to try next, and tells it how the trials went."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from curriculum.tune.settings import Choices, Range
from curriculum.tune.space import Settings, Space
from curriculum.tune.told import Told

__all__ = ["ask", "distribution", "frozen", "short", "value_of"]

STARTUP_TRIALS = 8


def ask(
    space: Space, told: Iterable[Told], count: int, *, sampler: str, seed: int
) -> list[Settings]:
    """The settings of the next round: what is left of the warm start, then the sampler's.

    A pure function: the study is made anew from what was told, and the sampler freshly
    seeded, so that a search asks for the same whenever and wherever it goes on. Trials
    outside of the space, as carried settings may be, are not shown to the sampler.
    """
    known = list(told)
    tried = [trial.settings for trial in known]
    asked = [settings for settings in space.warm_start if settings not in tried][:count]
    if len(asked) == count:
        return asked
    study = _quiet_study(sampler, seed)
    study.add_trials([frozen(trial, space) for trial in known if space.holds(trial.settings)])
    distributions = {short(name): distribution(axis) for name, axis in space.axes.items()}
    for _ in range(count - len(asked)):
        params = study.ask(fixed_distributions=distributions).params
        asked.append({name: params[short(name)] for name in space.axes})
    return asked


def frozen(trial: Told, space: Space) -> FrozenTrial:
    """A told trial as Optuna keeps it; for what diverged, a failed one."""
    failed = trial.score is None
    return create_trial(
        state=TrialState.FAIL if failed else TrialState.COMPLETE,
        value=None if failed else value_of(trial),
        params={short(name): value for name, value in trial.settings.items()},
        distributions={
            short(name): distribution(_stretched(axis, trial.settings[name]))
            for name, axis in space.axes.items()
        },
        user_attrs={"outcome": trial.outcome, "compute": trial.compute} | trial.attributes,
    )


def value_of(trial: Told) -> float:
    """What a study maximises: the score; above 1 where mastered, the higher the less it took.

    A trial that has not mastered is thus worse than any that has, ordered by score.
    """
    assert trial.score is not None
    if trial.outcome != "mastered":
        return trial.score
    return 1 + 1 / (1 + trial.compute / 1e9)


def short(name: str) -> str:
    """A setting's name without its part, as dashboards show it."""
    return name.rpartition(".")[2]


def distribution(axis: Range | Choices) -> BaseDistribution:
    """An axis as Optuna describes it."""
    if isinstance(axis, Choices):
        return CategoricalDistribution(axis.values)
    if isinstance(axis.low, int) and isinstance(axis.high, int):
        return IntDistribution(axis.low, axis.high, log=axis.log)
    return FloatDistribution(axis.low, axis.high, log=axis.log)


def _stretched(axis: Range | Choices, value: Any) -> Range | Choices:
    """The axis, made to hold a number that a carried setting may have outside of it."""
    if isinstance(axis, Choices):
        return axis
    return replace(axis, low=min(axis.low, value), high=max(axis.high, value))


def _quiet_study(sampler: str, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.create_study(sampler=_sampler(sampler, seed), direction="maximize")


def _sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
