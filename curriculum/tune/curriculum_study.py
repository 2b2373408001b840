"""Asks Optuna which curricula to try next, and keeps what came of them for its dashboard."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState, create_trial

from curriculum.config import Choices, Range, Settings
from curriculum.tune.importance import FEWEST
from curriculum.tune.storage import close_storage, open_storage
from curriculum.tune.study import STARTUP_TRIALS, distribution

Parameters = Mapping[str, Range | Choices]


@dataclass(frozen=True, kw_only=True, slots=True)
class StudiedCurriculum:
    """A trial of a study over curricula.

    Attributes:
        settings: by parameter; empty for what is always tried, whose settings were not proposed.
        values: what is minimised, rung by rung; empty for what can't be run.
        complete: whether it was given the last rung.
        attributes: what else a dashboard shows.
    """

    settings: Settings
    values: tuple[float, ...]
    complete: bool
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def frozen(self, parameters: Parameters) -> FrozenTrial:
        """The trial as Optuna keeps it: pruned where it did not go on to the last rung.

        TPE takes those that came further for the better ones, and among them goes by the value.
        """
        state = TrialState.COMPLETE if self.complete else TrialState.PRUNED
        return create_trial(
            state=state if self.values else TrialState.FAIL,
            value=self.values[-1] if self.complete else None,
            intermediate_values=dict(enumerate(self.values)),
            params=self.settings,
            distributions={name: distribution(parameters[name]) for name in self.settings},
            user_attrs=dict(self.attributes),
        )


def propose_curricula(
    parameters: Parameters, trials: Iterable[StudiedCurriculum], count: int, *, seed: int
) -> list[Settings]:
    """The settings of the next round.

    A pure function: the study is made anew from the trials that are over, and the sampler freshly
    seeded, so that a search proposes the same whenever and wherever it is continued.
    """
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
    study = _quiet_study(sampler)
    study.add_trials([trial.frozen(parameters) for trial in trials])
    distributions = {name: distribution(each) for name, each in parameters.items()}
    return [study.ask(fixed_distributions=distributions).params for _ in range(count)]


def curriculum_importances(
    parameters: Parameters, trials: Iterable[StudiedCurriculum]
) -> dict[str, float]:
    """The importance of each parameter, summing to 1; empty for too few trials.

    By PED-ANOVA (Watanabe, Bansal & Hutter 2023, arXiv 2304.10255), from the first rung: all trials were
    given that one.
    """
    first = [
        StudiedCurriculum(settings=each.settings, values=each.values[:1], complete=True)
        for each in trials
        if each.settings and each.values
    ]
    if len(first) < FEWEST or len({each.values for each in first}) < 2:
        return {}
    study = _quiet_study(None)
    study.add_trials([each.frozen(parameters) for each in first])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dict(get_param_importances(study, evaluator=PedAnovaImportanceEvaluator()))
        except (ValueError, RuntimeError):  # all trials alike to it
            return {}


class CurriculumStudy:
    """A study over curricula in an Optuna storage. What is there already is not added again.

    Args:
        url: of the storage, or a file's path.
        name: of the study, different for each search.
        metric: what is minimised, in words.
    """

    def __init__(self, url: str, name: str, metric: str) -> None:
        self._storage = open_storage(url)
        self._study = optuna.create_study(
            storage=self._storage, study_name=name, direction="minimize", load_if_exists=True
        )
        self._known = len(self._study.get_trials(deepcopy=False))
        if not self._known:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                self._study.set_metric_names([metric])

    def add(self, trials: Sequence[StudiedCurriculum], parameters: Parameters) -> None:
        """Add those of the trials so far that the study lacks."""
        for trial in trials[self._known :]:
            self._study.add_trial(trial.frozen(parameters))
        self._known = max(self._known, len(trials))

    def close(self) -> None:
        """Close the storage's session, and its connections."""
        close_storage(self._storage)


def _quiet_study(sampler: optuna.samplers.BaseSampler | None) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.create_study(sampler=sampler, direction="minimize")
