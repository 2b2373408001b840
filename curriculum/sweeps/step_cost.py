"""What a step of training costs, before any is made."""

from curriculum.config import Experiment
from curriculum.learn import Learner, batch_of, resolve_device
from curriculum.plan import Stage


def step_cost(experiment: Experiment, stage: Stage) -> tuple[float, int]:
    """The compute that a step on a stage is charged, and its tokens."""
    task, size = experiment.task, experiment.training.step_size(stage.length)
    batch = batch_of(task, stage, size, seed=0, stream="train", index=0)
    device = resolve_device("cpu")
    learner = Learner.start(experiment.shape, experiment.recipe, seed=0, device=device)
    return learner.step_compute(batch), batch.token_count
