"""The learner that a run starts with."""

from curriculum.learn import Learner
from curriculum.tune import RunSetup


def fresh_learner(setup: RunSetup) -> Learner:
    """The learner that every run of that experiment and seed starts with."""
    experiment, shape = setup.experiment, setup.experiment.shape
    if experiment.grows_with_stages:
        shape = experiment.task.shape(experiment.scheduler().largest_stage)
    return Learner.start(shape, experiment.recipe, seed=setup.seed, device=setup.device)
