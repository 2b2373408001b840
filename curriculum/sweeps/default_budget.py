"""The budget that runs which are to be compared have where none is given."""

from curriculum.config import Experiment
from curriculum.sweeps.grid import Amount
from curriculum.sweeps.step_cost import step_cost

DEFAULT_STEPS = 500
"""The cost of that many steps on the last stage is each learning rate's budget by default."""


def default_amount(experiment: Experiment, count: int, unit: str = "compute") -> Amount:
    """The cost of `DEFAULT_STEPS` steps on the last stage, for each of `count` learning rates.

    It is in compute, or in tokens.
    """
    compute, tokens = step_cost(experiment, experiment.growth.path()[-1])
    step = tokens if unit == "tokens" else compute
    return Amount(float(f"{step * DEFAULT_STEPS * count:.2g}"), unit)
