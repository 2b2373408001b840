"""The budget that runs which are to be compared have where none is given."""

from curriculum.config import Experiment
from curriculum.learn import Learner, batch_of, resolve_device
from curriculum.sweeps.grid import Amount

DEFAULT_STEPS = 500
"""The cost of that many steps on the last stage is each learning rate's budget by default."""


def default_amount(experiment: Experiment, count: int, unit: str = "compute") -> Amount:
    """The cost of `DEFAULT_STEPS` steps on the last stage, for each of `count` learning rates.

    It is in compute, or in tokens.
    """
    last, task = experiment.growth.path()[-1], experiment.task
    size = experiment.training.step_size(task.shape(last).length)
    batch = batch_of(task, last, size, seed=0, stream="train", index=0)
    if unit == "tokens":
        return Amount(float(f"{batch.token_count * DEFAULT_STEPS * count:.2g}"), unit)
    device = resolve_device("cpu")
    learner = Learner.start(experiment.shape, experiment.recipe, seed=0, device=device)
    step = learner.step_compute(batch)
    return Amount(float(f"{step * DEFAULT_STEPS * count:.2g}"), "compute")
