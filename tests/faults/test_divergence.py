"""Numbers that are no longer finite: the visit fails, the learner goes back, the rate is retuned."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import curriculum
from curriculum import SGD, Experiment, Training, Tuning
from curriculum.models import Recurrent
from curriculum.record import History, Store


class Blow(torch.autograd.Function):
    """The identity, whose gradient overflows."""

    @staticmethod
    def forward(ctx: object, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.clone()

    @staticmethod
    def backward(ctx: object, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0] * float("inf")


class Overflowing(torch.nn.Module):
    """A net whose loss is finite and whose gradient is not, while it trains."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits = self.inner(inputs)
        return Blow.apply(logits) if self.training else logits  # type: ignore[no-any-return, no-untyped-call]


@dataclass(frozen=True)
class OverflowingModel(Recurrent):
    def build(self, shape: curriculum.Shape) -> torch.nn.Module:
        return Overflowing(Recurrent.build(self, shape))


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_a_gradient_that_is_not_finite_ends_the_visit_and_is_reported(
    tiny: Experiment, tmp_path: Path, clip_norm: float | None
) -> None:
    training = Training(clip_norm=clip_norm, eval_every=1)
    overflowing = tiny.replace(model=OverflowingModel(hidden_size=4), training=training)
    result = curriculum.run(overflowing, store=tmp_path, mirror=False)
    folder = Store(tmp_path).find("last")
    history = History.of(folder)
    assert result.status == "stopped"
    assert "a gradient, and so the weights, are no longer finite" in result.ending
    assert (
        history.visits[0].limit_reached
        == "a gradient, and so the weights, are no longer finite numbers again, after 4 rollbacks"
    )
    assert [back.score for _, back in history.visits[0].rollbacks] == [None] * 4
    assert not history.visits[0].kept
    weights = load_file(folder.checkpoint_folders()[-1] / "model.safetensors")
    assert all(bool(torch.isfinite(value).all()) for value in weights.values())


def test_the_rate_is_tuned_again_after_a_divergence(tiny: Experiment, tmp_path: Path) -> None:
    wild = tiny.replace(
        optimizer=SGD(learning_rate=1e40),
        training=Training(clip_norm=None),
        tuning=Tuning(mode="exhausted", learning_rate=(1e-2, 1.0), trials=12),
    )
    curriculum.run(wild, store=tmp_path, mirror=False)
    history = History.of(Store(tmp_path).find("last"))
    first, second = history.visits[:2]
    assert first.verdict == "exhausted"
    assert first.limit_reached is not None
    assert "no longer" in first.limit_reached
    assert second.retuning
    assert second.stage == first.stage
    assert {trial.outcome for trial in second.trials} >= {"diverged"}  # the carried rate, again
    assert second.learning_rate <= 1.0
