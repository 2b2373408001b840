"""Asks Optuna which settings to try next, given how earlier trials went."""

import warnings
from collections.abc import Iterable, Mapping
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

from curriculum.config import Choices, Range, SearchSpace, Settings
from curriculum.record import CompletedTrial, TrialReport

STARTUP_TRIALS = 8

CUT_SHORT = ("overtaken", "stopped", "diverged")
"""The outcomes of trials that did not run to their end."""


def propose(
    space: SearchSpace, completed: Iterable[CompletedTrial], count: int, *, sampler: str, seed: int
) -> list[Settings]:
    """The settings of the next round: what is left of the warm start, then the sampler's.

    A pure function: the study is made anew from the completed trials, and the sampler freshly
    seeded, so that a search proposes the same whenever and wherever it is resumed. Trials
    outside of the space, as carried settings may be, are not shown to the sampler.
    """
    known = list(completed)
    tried = [trial.settings for trial in known]
    proposed = [settings for settings in space.warm_start if settings not in tried][:count]
    if len(proposed) == count:
        return proposed
    study = _quiet_study(sampler, seed)
    inside = [trial for trial in known if space.holds(dict(trial.settings))]
    study.add_trials([frozen_trial(trial, space.parameters) for trial in inside])
    distributions = {short(name): distribution(p) for name, p in space.parameters.items()}
    for _ in range(count - len(proposed)):
        params = study.ask(fixed_distributions=distributions).params
        proposed.append({name: params[short(name)] for name in space.parameters})
    return proposed


def frozen_trial(
    trial: CompletedTrial,
    parameters: Mapping[str, Range | Choices],
    reports: Iterable[TrialReport] | None = None,
) -> FrozenTrial:
    """A completed trial as Optuna keeps it.

    Args:
        trial: that is over.
        parameters: of the search.
        reports: its evaluations, for a storage. A trial that did not run to its end, as another
            had mastered the stage, is pruned there. A sampler is shown the trials without them:
            what they got to is a value like any other, and for what diverged there is none.
    """
    failed = trial.score is None
    state = TrialState.FAIL if failed else TrialState.COMPLETE
    if reports is not None and trial.outcome in CUT_SHORT:
        state = TrialState.PRUNED
    scores = {each.cost.steps: each.value for each in reports or () if each.value is not None}
    return create_trial(
        state=state,
        intermediate_values=scores,
        value=None if failed else value_of(trial),
        params={short(name): value for name, value in trial.settings.items()},
        distributions={
            short(name): distribution(_stretched(parameter, trial.settings[name]))
            for name, parameter in parameters.items()
        },
        user_attrs={
            "outcome": trial.outcome,
            "reason": trial.reason,
            "compute": trial.compute,
            "steps": trial.steps,
            "tokens": trial.tokens,
        },
    )


def value_of(trial: CompletedTrial) -> float:
    """What a study maximises: the score; above 1 where the stage was passed, at less cost higher.

    Of a loss it is the likelihood of a symbol in place of the score. A trial that has not passed is
    thus worse than any that has, ordered by score.
    """
    assert trial.value is not None
    if trial.outcome not in ("mastered", "ready"):
        return trial.value
    return 1 + 1 / (1 + trial.compute / 1e9)


def short(name: str) -> str:
    """A setting's name without its part, as dashboards show it."""
    return name.rpartition(".")[2]


def distribution(parameter: Range | Choices) -> BaseDistribution:
    """A parameter's values as Optuna describes them."""
    if isinstance(parameter, Choices):
        return CategoricalDistribution(parameter.values)
    low, high, log = parameter.low, parameter.high, parameter.log
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(low, high, log=log)


def _stretched(parameter: Range | Choices, value: Any) -> Range | Choices:
    """The parameter, made to hold a number that a carried setting may have outside of it."""
    if isinstance(parameter, Choices):
        return parameter
    return replace(parameter, low=min(parameter.low, value), high=max(parameter.high, value))


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
