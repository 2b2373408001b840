"""What arms cost before any is trained, and what is too little for them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from interrupted_runs import raced, run

from curriculum import Budget, Experiment, UsageError
from curriculum.config import arms_of
from curriculum.models import Recurrent
from curriculum.runner import first_costs
from curriculum.runner.fresh_learner import fresh_learner
from curriculum.tune import RunSetup


def test_an_interval_costs_what_the_first_stage_of_the_arm_does(tiny: Experiment) -> None:
    experiment = tiny.with_strategy("auto")
    learner = fresh_learner(RunSetup(experiment=experiment, seed=0, device=torch.device("cpu")))
    found = first_costs.first_intervals(arms_of(experiment), learner)
    assert found["gated"] == found["combined"]
    assert found["direct"].compute > found["gated"].compute  # as it begins with the longest
    assert found["direct"].steps == experiment.training.eval_every
    assert found["direct"].tokens > found["gated"].tokens


@pytest.mark.parametrize("limit", [("steps", 8), ("tokens", 100), ("compute", 1e6)])
def test_a_budget_that_keeps_arms_from_their_first_evaluation_is_refused(
    tiny: Experiment, store: Path, limit: tuple[str, float]
) -> None:
    name, amount = limit
    budget = replace(Budget(steps_per_stage=400), **{name: amount})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=f"budget.{name} must be at least .* got"):
        run(raced(tiny).replace(budget=budget), store)
    assert not (store / "runs").exists()


def test_arms_that_memory_can_not_hold_are_refused_before_any_is_made(
    tiny: Experiment, store: Path
) -> None:
    huge = raced(tiny).replace(model=Recurrent(cell="gru", hidden_size=1_000_000))
    with pytest.raises(UsageError, match=r"learners of 3 arms take some .* GB of memory"):
        run(huge, store)
    assert not (store / "runs").exists()


def test_where_the_system_does_not_tell_what_is_free_nothing_is_refused(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: str) -> int:
        raise ValueError

    monkeypatch.setattr("os.sysconf", unknown)
    huge = raced(tiny).replace(model=Recurrent(cell="gru", hidden_size=1_000_000))
    first_costs.check_memory(huge, 3, torch.device("cpu"))
