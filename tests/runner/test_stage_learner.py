"""What the learner of a visit brings along from the stage before."""

from typing import Any

import pytest
import torch

from curriculum import Adam, Budget, Direct, Experiment, Explicit, Training
from curriculum.learn import Learner
from curriculum.models import Recurrent
from curriculum.runner.stage_learner import stage_learner
from curriculum.tasks import Reverse

CPU = torch.device("cpu")


def trained(experiment: Experiment) -> Learner:
    """After one step, from the shape of the path's first stage."""
    shape = experiment.task.shape(experiment.growth.path()[0])
    learner = Learner.start(shape, experiment.recipe, seed=0, device=CPU)
    for parameter in learner.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    learner.optimizer.step()
    return learner


def growing(**settings: Any) -> Experiment:
    """A model whose vocabulary grows from its first stage to the second."""
    return Experiment(
        task=Reverse(),
        model=Recurrent(cell="gru", hidden_size=4),
        growth=Explicit(lengths=(2, 2), vocab_sizes=(2, 3)),
        optimizer=Adam(),
        training=Training(**settings),
        model_size="stage",
    )


def on_second_stage(experiment: Experiment) -> Learner:
    scheduler = experiment.scheduler()
    scheduler.stage = scheduler.path[1]
    scheduler._position.aim = 1
    return stage_learner(trained(experiment), experiment, scheduler, seed=0)


def test_moments_are_kept_from_stage_to_stage_unless_told_otherwise(tiny: Experiment) -> None:
    assert stage_learner(trained(tiny), tiny, tiny.scheduler(), seed=0).optimizer.state
    assert on_second_stage(growing()).optimizer.state


@pytest.mark.parametrize("grows", [False, True])
def test_moments_are_reset_and_weights_are_not(grows: bool, tiny: Experiment) -> None:
    reset = growing(optimizer_state="reset")
    if not grows:
        reset = tiny.replace(training=Training(optimizer_state="reset"))
    before = trained(reset)
    found = on_second_stage(reset)
    assert not found.optimizer.state
    assert found.shape == reset.task.shape(reset.growth.path()[grows])
    name = next(name for name in before.model.state_dict() if name.endswith("weight_hh_l0"))
    assert torch.equal(before.model.state_dict()[name], found.model.state_dict()[name])


def test_a_pacing_that_does_not_wait_for_mastery_trains_on(tiny: Experiment) -> None:
    direct = tiny.replace(
        pacing=Direct(), budget=Budget(steps=9), training=Training(optimizer_state="reset")
    )
    found = stage_learner(trained(direct), direct, direct.scheduler(), seed=0)
    assert found.optimizer.state


def test_other_states_than_kept_and_reset_are_refused() -> None:
    with pytest.raises(ValueError, match="kept or reset, got 'new'"):
        Training(optimizer_state="new")  # type: ignore[arg-type]
