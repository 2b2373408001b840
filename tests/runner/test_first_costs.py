"""What arms cost before any is trained, and what is too little for them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from interrupted_runs import (
    run,
)
from stopped_experiments import (
    raced,
)

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
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_costs, "MEMORY", tmp_path / "none")
    huge = raced(tiny).replace(model=Recurrent(cell="gru", hidden_size=1_000_000))
    first_costs.check_memory(huge, 3, torch.device("cpu"))


def test_what_the_system_would_give_up_of_its_caches_is_free(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal: 900 kB\nMemFree: 1 kB\nMemAvailable:  800 kB\n")
    monkeypatch.setattr(first_costs, "MEMORY", told)
    first_costs.check_memory(raced(tiny), 3, torch.device("cpu"))
    told.write_text("MemTotal: 900 kB\nMemFree: 1 kB\nMemAvailable:  2 kB\n")
    with pytest.raises(UsageError, match="learners of 3 arms"):
        first_costs.check_memory(raced(tiny), 3, torch.device("cpu"))
