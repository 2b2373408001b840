"""Which settings mattered in a search, as Optuna reckons it."""

from __future__ import annotations

import warnings

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from curriculum.record.history import Visit
from curriculum.tune.space import Space
from curriculum.tune.study import frozen
from curriculum.tune.told import Told

__all__ = ["importances"]

FEWEST = 4


def importances(visit: Visit) -> dict[str, float]:
    """The importance of each setting in a visit's trials, summing to 1; empty for too few.

    By PED-ANOVA (Watanabe, Bansal & Hutter 2023, arXiv 2304.10255).
    """
    space = Space.of_record(visit.axes)
    told = [Told.of_record(record) for record in visit.trials]
    scores = {trial.score for trial in told if trial.score is not None}
    if len(told) < FEWEST or len(scores) < 2:
        return {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(direction="maximize")
        study.add_trials([frozen(trial, space) for trial in told])
        try:
            return dict(get_param_importances(study, evaluator=PedAnovaImportanceEvaluator()))
        except (ValueError, RuntimeError):  # all trials alike, as far as it can see
            return {}
