"""A step of so many tokens: the longer the stage, the fewer examples; and schedules over a run."""

from pathlib import Path
from typing import Any

import pytest
import torch

import curriculum
from curriculum import (
    Adam,
    Budget,
    Direct,
    Experiment,
    Explicit,
    Mastery,
    Scheduler,
    Training,
    Tuning,
    UsageError,
)
from curriculum.config import load_experiment, override
from curriculum.learn import CostMeter, Evaluator, Learner, Recipe, Trainer
from curriculum.models import Bert, Recurrent
from curriculum.plan import Current, LookBack, Mixed, Sampling
from curriculum.tasks import DecimalAddition, FirstBit, HumanNumbers

LENGTHS = (4, 8, 16)
PATH = Explicit(lengths=LENGTHS)


def trained(
    sampling: Sampling, steps: int, budget: Budget | None = None, **settings: Any
) -> tuple[dict[int, int], CostMeter, list[float]]:
    """Examples by length, what was charged, and the learning rate of each step."""
    recipe = Recipe(
        model=Recurrent(hidden_size=4),
        optimizer=Adam(learning_rate=1.0),
        training=Training(**settings),
    )
    shape = FirstBit().shape(PATH.path()[-1])
    learner = Learner.start(shape, recipe, seed=0, device=torch.device("cpu"))
    criterion, meter = Mastery(threshold=0.9), CostMeter()
    scheduler = Scheduler(
        PATH, criterion, budget=budget or Budget(), pacing=Direct(), sampling=sampling
    )
    evaluator = Evaluator(FirstBit(), criterion, 0)
    trainer = Trainer(FirstBit(), seed=0, evaluator=evaluator, meter=meter)
    rates: list[float] = []
    learner.optimizer.register_step_pre_hook(
        lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"])
    )
    found = trainer.take_steps(learner, scheduler, visit=0, start=0, count=steps)
    examples = {stage.length: count for stage, count in found.examples_by_stage.items()}
    return examples, meter, rates


def test_each_batch_has_as_many_examples_as_its_stage_allows() -> None:
    examples, meter, _ = trained(Current(), 5, tokens_per_step=48)
    assert examples == {16: 5 * 3}
    assert meter.cost.tokens == 5 * 48
    examples, meter, _ = trained(LookBack(), 60, tokens_per_step=48)
    assert len(examples) > 1
    assert all(count % (48 // length) == 0 for length, count in examples.items())
    assert sum(count * length for length, count in examples.items()) == meter.cost.tokens == 60 * 48


def test_a_batch_of_several_stages_has_as_many_as_the_longest_allows() -> None:
    examples, *_ = trained(Mixed(), 40, tokens_per_step=50)
    assert sum(examples.values()) == 40 * 3
    assert set(examples) == {*LENGTHS}


def test_examples_are_counted_by_the_positions_of_an_input() -> None:
    addition = DecimalAddition()
    made = load_experiment("gru_addition")[0].replace(
        growth=Explicit(lengths=(1, 3), vocab_sizes=(10,)), training=Training(tokens_per_step=21)
    )
    assert addition.shape(made.growth.path()[-1]).length == 7
    with pytest.raises(
        UsageError, match=r"\(6\) is less than one example of the longest stage, wh"
    ):
        made.replace(training=Training(tokens_per_step=6))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": Training(tokens_per_step=15)}, "which has 16 positions; take a multiple"),
        (
            {"training": Training(tokens_per_step=48, accumulate=4)},
            r"accumulate \(4\) must be at most the examples of a step, of which the longest stage has 3",
        ),
        (
            {"training": Training(schedule="linear", schedule_over="run")},
            "linear over the run needs a horizon: budget.tokens, budget.steps or budget.compute",
        ),
        (
            {
                "training": Training(schedule="cosine", schedule_over="run"),
                "budget": Budget(tokens=1000),
                "tuning": Tuning(mode="each"),
            },
            "a search trains several models, of which none is the run",
        ),
        (
            {
                "task": HumanNumbers(),
                "growth": Explicit(lengths=(8,), vocab_sizes=(38,)),
                "training": Training(tokens_per_step=64),
            },
            "tokens_per_step is for batches of independent examples, and HumanNumbers is read in",
        ),
        (
            {
                "task": HumanNumbers(),
                "growth": Explicit(lengths=(8,), vocab_sizes=(38,)),
                "training": Training(accumulate=2),
            },
            "accumulate is for batches of independent examples",
        ),
    ],
)
def test_steps_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    made = Experiment(
        task=FirstBit(), model=Recurrent(hidden_size=4), growth=PATH, criterion=Mastery()
    )
    with pytest.raises(UsageError, match=message):
        made.replace(**changes)


def test_the_rate_follows_the_runs_budget_from_visit_to_visit() -> None:
    settings = {"schedule": "linear", "schedule_over": "run", "warmup": 0.5, "tokens_per_step": 48}
    *_, rates = trained(Current(), 10, Budget(tokens=480), **settings)
    assert rates == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 0.8, 0.6, 0.4, 0.2])


def test_settings_come_from_the_command_line(tmp_path: Path) -> None:
    made = load_experiment("bert_reverse")[0]
    words = (
        "--training.tokens-per-step 64 --training.precision bf16 --training.schedule cosine "
        "--training.schedule-over run --budget.tokens 1280 --training.accumulate 2 "
        "--growth.end.length 6 --growth.end.vocab-size 10 --model.hidden-size 8 --model.head-size 4"
    )
    changed = override(made, words.split())
    assert isinstance(changed.model, Bert)
    result = curriculum.run(changed, store=tmp_path, mirror=False)
    assert 1280 <= result.tokens < 1280 + 64
    again = curriculum.run(changed, store=tmp_path / "again", mirror=False)
    assert again.history.result().as_json()["reach"] == result.history.result().as_json()["reach"]
