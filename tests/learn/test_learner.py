from typing import Any

import pytest
import torch

from curriculum import SGD, Adam, AdamW, RAdam, Shape, Stage, Training, UsageError
from curriculum.learn import Learner, OptimizerSettings, Recipe, weights_sha256
from curriculum.models import Recurrent

CPU = torch.device("cpu")


def learner(seed: int = 0, optimizer: OptimizerSettings | None = None) -> Learner:
    return Learner.start(
        Shape.of("bit", Stage(9)),
        Recipe(model=Recurrent(hidden_size=4), optimizer=optimizer or Adam(), training=Training()),
        seed=seed,
        device=CPU,
    )


def step(one: Learner) -> None:
    one.model(torch.ones(2, 5, dtype=torch.int64)).sum().backward()
    one.optimizer.step()
    one.optimizer.zero_grad()


def test_the_weights_at_the_start_follow_from_the_seed() -> None:
    torch.manual_seed(5)
    first = weights_sha256(learner(0).model)
    assert weights_sha256(learner(0).model) == first
    assert weights_sha256(learner(1).model) != first


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), SGD(momentum=0.9), RAdam()])
def test_a_learner_is_restored_with_its_weights_and_its_optimizer(
    optimizer: OptimizerSettings,
) -> None:
    one = learner(optimizer=optimizer)
    step(one)
    kept = one.snapshot()
    before = weights_sha256(one.model)
    step(one)
    after = weights_sha256(one.model)
    assert after != before
    one = Learner.of(kept, CPU)
    assert weights_sha256(one.model) == before
    step(one)
    assert weights_sha256(one.model) == after  # the optimizer's moments are restored as well
    assert weights_sha256(Learner.of(kept, CPU).model) == before  # and it can be restored again


def test_settings_reach_the_optimizer() -> None:
    group = learner(optimizer=SGD(learning_rate=0.3, momentum=0.7)).optimizer.param_groups[0]
    assert (group["lr"], group["momentum"]) == (0.3, 0.7)
    group = learner(optimizer=AdamW(betas=(0.8, 0.7), weight_decay=0.2)).optimizer.param_groups[0]
    assert (group["betas"], group["weight_decay"]) == ((0.8, 0.7), 0.2)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_learning_rate_is_above_zero(rate: float) -> None:
    for kind in (Adam, AdamW, SGD, RAdam):
        with pytest.raises(UsageError, match=r"optimizer\.learning_rate"):
            kind(learning_rate=rate)


def test_settings_out_of_range_are_errors() -> None:
    with pytest.raises(UsageError, match=r"optimizer\.betas"):
        Adam(betas=(0.9, 1.0))
    with pytest.raises(UsageError, match=r"optimizer\.momentum"):
        SGD(momentum=-0.1)
    with pytest.raises(UsageError, match=r"optimizer\.weight_decay"):
        AdamW(weight_decay=-1.0)


def test_a_digest_depends_on_values_shapes_and_names() -> None:
    def digest(**tensors: Any) -> str:
        module = torch.nn.Module()
        for name, value in tensors.items():
            module.register_buffer(name, torch.as_tensor(value))
        return weights_sha256(module)

    found = {digest(a=[1.0]), digest(b=[1.0]), digest(a=[[1.0]]), digest(a=[2.0]), digest(a=[1])}
    assert len(found) == 5
