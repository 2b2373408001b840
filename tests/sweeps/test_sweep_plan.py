"""Which runs a plan has: their ids are functions of what they are, and of nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from sweep_plans import plan_of

from curriculum import Experiment, UsageError
from curriculum.config import deserialize, override, serialize
from curriculum.sweeps import (
    Amount,
    comparable_experiment,
)

SOURCE = """
from dataclasses import dataclass
from curriculum.tasks import FirstBit

@dataclass(frozen=True, kw_only=True)
class Mine(FirstBit):
    pass
"""


def test_the_same_plan_has_the_same_ids_wherever_and_whenever_it_is_made(tiny: Experiment) -> None:
    one = plan_of(tiny, strategies=("gated", "direct"))
    same = plan_of(tiny, strategies=("gated", "direct"), store=Path("elsewhere"), threads=2)
    assert one.run_ids == same.run_ids
    assert one.id == same.id
    assert len(set(one.run_ids)) == 4


def test_what_a_run_is_tells_its_id(tiny: Experiment) -> None:
    found = [
        plan_of(tiny, [0]),
        plan_of(tiny, [1]),
        plan_of(tiny, [0], strategies=("direct",)),
        plan_of(tiny, [0], overrides=("--growth.end", "4")),
        plan_of(tiny.replace(name="other"), [0]),
    ]
    assert len({plan.run_ids[0] for plan in found}) == len(found)
    assert len({plan.id for plan in found}) == len(found)


def test_a_strategy_named_and_the_experiments_own_are_one_run(tiny: Experiment) -> None:
    assert plan_of(tiny).run_ids == plan_of(tiny, strategies=(tiny.strategy,)).run_ids


def test_a_larger_plan_has_the_runs_of_a_smaller_one(tiny: Experiment) -> None:
    assert {*plan_of(tiny, [0, 1]).run_ids} < {*plan_of(tiny, [0, 1, 2]).run_ids}


def test_jobs_are_those_that_run_would_make_seed_by_seed(tiny: Experiment) -> None:
    grid = {"growth.end": ("4", "5"), "training.batch-size": ("4",)}
    plan = plan_of(tiny, strategies=("gated", "direct"), grid=grid)
    jobs = [*plan.jobs()]
    assert [job.run_id for job in jobs] == [*plan.run_ids]
    assert [job.seed for job in jobs] == [0] * 4 + [1] * 4
    assert jobs[1].label == "tiny, direct, growth.end 4, training.batch-size 4, seed 0"
    words = ("--strategy", "direct", "--growth.end", "4", "--training.batch-size", "4")
    assert jobs[1].overrides == words
    assert deserialize(json.loads(jobs[1].experiment)) == override(tiny, words).replace(
        name=deserialize(json.loads(jobs[1].experiment)).name
    )
    done = {plan.run_ids[0], plan.run_ids[5]}
    assert {job.run_id for job in plan.jobs(without=done)} == {*plan.run_ids} - done


def test_values_that_are_the_same_setting_are_one_run(tiny: Experiment) -> None:
    plan = plan_of(tiny, [0], grid={"optimizer.learning-rate": ("0.01", "1e-2")})
    assert len(plan.run_ids) == len([*plan.jobs()]) == 1


def test_with_a_budget_the_runs_are_those_that_compare_makes(tiny: Experiment) -> None:
    amount = Amount(60, "steps")
    plan = plan_of(
        tiny, [0], strategies=("gated", "direct"), budget=amount, learning_rates=(0.01, 0.1)
    )
    wanted = [
        serialize(comparable_experiment(tiny, name, amount, rate, 2))
        for name in ("gated", "direct")
        for rate in (0.01, 0.1)
    ]
    assert [json.loads(job.experiment) for job in plan.jobs()] == wanted
    assert [job.group for job in plan.jobs()][1] == "tiny, gated, learning rate 0.1"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"strategies": ("gatd",)}, "did you mean gated or auto?"),
        ({"grid": {"growth.facter": ("2",)}}, "did you mean --growth.factor"),
        ({"grid": {"growth.factor": ("-2",)}}, "growth.factor"),
        ({"grid": {"strategy": ("gated",)}}, "give --strategies for several strategies"),
        ({"grid": {"facter": ("2",)}}, "varies settings such as growth.factor"),
        ({"learning_rates": (0.1,)}, "share a --budget, and there is none"),
        ({"budget": Amount(9, "steps")}, "a --budget is what each of the --strategies gets"),
    ],
)
def test_a_mistake_in_a_request_is_one_sentence(
    tiny: Experiment, request_: dict[str, Any], expected: str
) -> None:
    with pytest.raises(UsageError) as raised:
        plan_of(tiny, **request_)
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)
