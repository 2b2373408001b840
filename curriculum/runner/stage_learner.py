"""The learner that a visit to a stage starts with."""

from curriculum.config import Experiment
from curriculum.learn import Learner
from curriculum.plan import Scheduler


def stage_learner(
    learner: Learner, experiment: Experiment, scheduler: Scheduler, *, seed: int
) -> Learner:
    """The learner that came to a stage, made as large as that needs, with the optimizer's state due to it."""
    found = learner
    if experiment.grows_with_stages:
        shape = experiment.task.shape(scheduler.largest_stage)
        found = learner.grown(shape, seed=seed, visit=scheduler.visit)
    # Other pacings train on, whatever is mastered meanwhile.
    starts = scheduler.pacing.waits_for_mastery and not scheduler.continues
    if starts and found.recipe.training.optimizer_state == "reset":
        found.reset_optimizer()
    return found
