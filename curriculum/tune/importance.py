"""Which settings mattered in a search, as Optuna estimates it."""

import warnings

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from curriculum.record import Visit
from curriculum.tune.study import frozen_trial

FEWEST = 4


def importances(visit: Visit) -> dict[str, float]:
    """The importance of each setting in a visit's trials, summing to 1; empty for too few.

    By PED-ANOVA (Watanabe, Bansal & Hutter 2023, arXiv 2304.10255).
    """
    trials = visit.trials
    scores = {trial.value for trial in trials if trial.value is not None}
    if len(trials) < FEWEST or len(scores) < 2:
        return {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(direction="maximize")
        study.add_trials([frozen_trial(trial, visit.parameters) for trial in trials])
        try:
            return dict(get_param_importances(study, evaluator=PedAnovaImportanceEvaluator()))
        except (ValueError, RuntimeError):  # all trials alike to it
            return {}
