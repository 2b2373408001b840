"""Runs that train until their budgets are used up, whatever they have passed by then."""

from pathlib import Path

import pytest
from interrupted_runs import (
    run,
)
from stopped_experiments import (
    EXPERIMENTS,
)

import curriculum
from curriculum import Budget, Direct, Experiment, Explicit, Gated, Mastery, Tuning, learn
from curriculum.plan import Pacing, VisitReason
from curriculum.record import History, Store
from curriculum.report import explain_run


def history_of(store: Path) -> History:
    return History.of(Store(store).find("last"))


def limited(tiny: Experiment, pacing: Pacing, lengths: tuple[int, ...] = (2, 3)) -> Experiment:
    return tiny.replace(
        growth=Explicit(lengths=lengths), pacing=pacing, budget=Budget(until="limit", steps=90)
    )


@pytest.mark.parametrize("pacing", [Gated(), Direct()])
def test_all_of_the_budget_is_used_and_the_model_is_the_one_trained_last(
    tiny: Experiment, store: Path, pacing: Pacing
) -> None:
    result = run(limited(tiny, pacing), store)
    history = history_of(store)
    assert (result.status, result.steps) == ("reached", 90)
    assert result.ending == "the run's budget of 90 steps is used up"
    last = history.visits[-1]
    assert last.visit_reason is VisitReason.CONTINUATION
    assert last.cost.steps > 0
    assert last.kept
    assert last.restored is None
    assert history.reach == history.description.path[-1]
    loaded = learn.weights_sha256(curriculum.load("last", store=store))
    assert loaded == result.weights_sha256
    assert any("(until the budget is used up): exhausted" in line for line in explain_run(history))


def test_what_a_stage_was_trained_on_in_vain_is_kept_where_all_of_the_budget_is_to_be_used(
    tiny: Experiment, tmp_path: Path
) -> None:
    """By default a run that is stuck ends with the model that came to its last visit."""
    ends = {}
    for until in ("target", "limit"):
        stuck = limited(tiny, Gated()).replace(
            budget=Budget(until=until, steps=60), criterion=Mastery(threshold=1.0, min_steps=61)
        )
        run(stuck, tmp_path / until)
        history = history_of(tmp_path / until)
        assert history.total_cost.steps == 60
        assert history.visits[-1].cost.steps > 0
        ends[until] = history.visits[-1].kept
    assert ends == {"target": False, "limit": True}


def test_evaluations_are_a_part_of_the_compute_that_a_sampling_s_passes_are_not(
    tiny: Experiment, store: Path
) -> None:
    run(limited(tiny, Gated()), store)
    cost = history_of(store).total_cost
    assert 0 < cost.evaluation < cost.compute
    bandit = tiny.with_strategy("bandit").replace(budget=Budget(until="limit", steps=12))
    run(bandit, store)
    gains = history_of(store).total_cost
    shape = learn.Learner.start(tiny.shape, tiny.recipe, seed=1, device=learn.resolve_device("cpu"))
    batch = learn.batch_of(tiny.task, tiny.growth.path()[0], 32, seed=1, stream="train", index=0)
    assert gains.compute - gains.evaluation > 12 * shape.step_compute(batch)


def test_a_search_is_not_made_once_the_target_is_passed(tiny: Experiment, store: Path) -> None:
    tuning = Tuning(mode="each", learning_rate=(1e-2, 1e-1), trials=4)
    searched = limited(tiny, Gated(), (2,)).replace(
        tuning=tuning, budget=Budget(until="limit", steps=300)
    )
    result = run(searched, store)
    history = history_of(store)
    assert result.status == "reached"
    assert history.visits[-1].visit_reason is VisitReason.CONTINUATION
    assert history.visits[-1].trials == []
    assert history.total_cost.steps >= 300


@pytest.mark.parametrize("name", ["continued", "warmed up"])
def test_the_budget_is_used_up_to_the_step(tiny: Experiment, store: Path, name: str) -> None:
    experiment = EXPERIMENTS[name](tiny)
    run(experiment, store)
    total, budget = history_of(store).total_cost, experiment.budget
    if budget.tokens is not None:
        assert budget.tokens <= total.tokens < budget.tokens + 48
    else:
        assert budget.compute is not None
        assert budget.compute <= total.compute < 1.2 * budget.compute
