from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import curriculum
from curriculum import (
    Budget,
    CheckpointPolicy,
    Experiment,
    Explicit,
    Guess,
    Mastery,
    RunResult,
    Shape,
    Stage,
    StopRequest,
    Training,
    UsageError,
)
from curriculum.learn import Learner, Recipe, forked, weights_sha256
from curriculum.models import Recurrent
from curriculum.record import Evaluated, Record
from curriculum.tasks import FirstBit

CPU = torch.device("cpu")


def learner(width: float = 10.0) -> Learner:
    recipe = Recipe(
        model=Recurrent(hidden_size=8), optimizer=Guess(learning_rate=width), training=Training()
    )
    return Learner.start(Shape.of("bit", Stage(9)), recipe, seed=0, device=CPU)


def guess(one: Learner, *key: int, slope: float = 1.0) -> None:
    """A step under that key, on a loss of that slope."""
    with forked(*key):
        one.optimizer.zero_grad()
        (slope * one.model(torch.ones(2, 5, dtype=torch.int64)).sum()).backward()
        one.optimizer.step()


def weights(one: Learner) -> Tensor:
    return torch.cat([p.detach().flatten().clone() for p in one.model.parameters()])


@pytest.mark.parametrize("width", [0.01, 1.0, 100.0])
def test_every_step_draws_all_weights_within_the_width(width: float) -> None:
    one, before = learner(width), None
    for step in range(5):
        guess(one, step)
        now = weights(one)
        assert now.abs().max() <= width
        assert now.min() < -0.9 * width
        assert now.max() > 0.9 * width
        assert before is None or (now != before).float().mean() > 0.99
        before = now


def test_a_guess_follows_from_the_key_alone() -> None:
    one, other = learner(), learner()
    guess(one, 1)
    guess(one, 2)
    guess(other, 2, slope=float("nan"))
    assert torch.equal(weights(one), weights(other))
    guess(other, 3)
    assert not torch.equal(weights(one), weights(other))


def test_frozen_weights_stay() -> None:
    frozen, free = nn.Parameter(torch.ones(3), requires_grad=False), nn.Parameter(torch.ones(3))
    with forked(0):
        Guess().build([frozen, free]).step()
    assert frozen.eq(1).all()
    assert free.ne(1).all()


def test_a_closure_gives_the_loss_of_the_weights_before() -> None:
    weight = nn.Parameter(torch.ones(1))

    def loss() -> float:
        assert torch.is_grad_enabled()
        return weight.item()

    with forked(0):
        assert Guess().build([weight]).step(loss) == 1
    assert weight.item() != 1


def test_nothing_is_kept_from_step_to_step() -> None:
    one = learner()
    guess(one, 0)
    assert one.snapshot().optimizer["state"] == {}


def test_a_widened_learner_continues_guessing() -> None:
    one = learner()
    guess(one, 0)
    recipe = one.recipe.replace({"model.hidden_size": 16, "optimizer.learning_rate": 2.0})
    wider = Learner.continuing(one.snapshot(), recipe, CPU, seed=0, visit=1)
    inputs = torch.randint(2, (6, 5))
    assert torch.allclose(wider.model(inputs), one.model(inputs), atol=1e-3)
    guess(wider, 1)
    assert 1.8 < weights(wider).abs().max() <= 2


@pytest.mark.parametrize("width", [0.0, -1.0, float("inf")])
def test_a_width_is_above_zero(width: float) -> None:
    with pytest.raises(UsageError, match=r"optimizer\.learning_rate must be above 0"):
        Guess(learning_rate=width)


def guessing(lengths: tuple[int, ...], **task: Any) -> Experiment:
    return Experiment(
        task=FirstBit(**task),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=lengths),
        criterion=Mastery(threshold=1.0),
        optimizer=Guess(learning_rate=10.0),
        training=Training(batch_size=2, eval_every=1, clip_norm=None),
        budget=Budget(steps=60, steps_per_stage=60),
    )


def run(experiment: Experiment, store: Path, **more: Any) -> RunResult:
    return curriculum.run(experiment, store=store, mirror=False, **more)


@pytest.mark.parametrize("strategy", ["direct", "gated"])
@pytest.mark.parametrize("eval_every", [1, 7])
def test_a_stopped_and_resumed_run_ends_with_the_same_guess(
    strategy: str, eval_every: int, store: Path
) -> None:
    experiment = guessing((2, 3, 60)).with_strategy(strategy)
    experiment = experiment.replace(training=Training(batch_size=2, eval_every=eval_every))
    whole = run(experiment, store / "whole")
    assert whole.steps == 60
    stop, seen = StopRequest(), 0

    def stop_early(record: Record) -> None:
        nonlocal seen
        seen += isinstance(record.event, Evaluated)
        if seen == 5:
            stop.request()

    cut = run(
        experiment,
        store / "cut",
        listener=stop_early,
        stop=stop,
        checkpoints=CheckpointPolicy(every=0.0),
    )
    assert cut.status == "interrupted"
    resumed = run(experiment, store / "cut", resume=True)
    assert resumed.weights_sha256 == whole.weights_sha256
    assert resumed.steps == whole.steps


def test_guessing_solves_the_hard_pair(store: Path) -> None:
    """Which is why it says little about a net's memory."""
    result = run(guessing((50,), zeros="hard").with_strategy("direct"), store)
    assert result.status == "reached"
    model = curriculum.load("last", store=store)
    assert weights_sha256(model) == result.weights_sha256
    assert max(p.abs().max() for p in model.parameters()) <= 10
