"""What a run fails with, in a sentence that says what to do."""

from curriculum import learn
from curriculum.config import Experiment
from curriculum.errors import RunFailed
from curriculum.plan import Scheduler


def failure_of(error: Exception, experiment: Experiment, scheduler: Scheduler) -> Exception:
    """The error, or if it is one of memory, what to do about it."""
    if not learn.is_out_of_memory(error):
        return error
    name, training = experiment.name, experiment.training
    return RunFailed(
        f"memory ran out on {experiment.axis_names.words(scheduler.stage)} ({str(error).splitlines()[0][:200]}); lower "
        f"training.batch_size ({training.batch_size}) or model.hidden_size "
        f"({experiment.model.hidden_size}), as in 'run {name} --training.batch-size "
        f"{max(1, training.batch_size // 2)}', or criterion.screen and criterion.examples"
    )
