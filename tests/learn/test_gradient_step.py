"""One optimizer step: its parts, its precision, and that nothing in it waits for the device."""

import math
import os
from typing import Any

import numpy as np
import pytest
import torch
from hugging_face_configs import CONFIGS
from small_training import STAGE, scheduler, start, trainer
from torch import Tensor, nn
from waiting import counting_waits

from curriculum import (
    Adam,
    AdamW,
    AfterInput,
    Batch,
    Direct,
    Explicit,
    Mastery,
    Scheduler,
    Stage,
    Task,
    Training,
    UsageError,
)
from curriculum.learn import (
    CostMeter,
    Evaluator,
    Learner,
    Model,
    Recipe,
    Trainer,
    batch_of,
    concatenate,
    divergence,
    lengths_of,
)
from curriculum.learn.gradient_step import GradientStep
from curriculum.learn.metrics import correct_and_wanted
from curriculum.learn.network_protocols import input_tensors
from curriculum.learn.precision import check_precision
from curriculum.learn.predictions import evaluated_outputs, predict_outputs
from curriculum.models import (
    Bert,
    Decoder,
    HuggingFace,
    LinearRecurrent,
    Recurrent,
    Seq2Seq,
    StackRNN,
)
from curriculum.plan import Bandit, MasteringRate, Mixed, Sampling, Teacher
from curriculum.tasks import Adding, FirstBit, Reverse

CPU = torch.device("cpu")
KEY = (0, "training", 0, 0, 0)


def path_of(task: Task) -> Explicit:
    if isinstance(task, Adding):
        return Explicit(lengths=(10, 12, 20))
    return Explicit(lengths=(3, 5, 8), vocab_sizes=(2 if isinstance(task, FirstBit) else 4,))


def learner_of(task: Task, model: Model, **settings: Any) -> Learner:
    shape = task.shape(path_of(task).path()[-1])
    recipe = Recipe(model=model, optimizer=Adam(), training=Training(batch_size=6, **settings))
    return Learner.start(shape, recipe, seed=0, device=CPU)


def padded_batch(task: Task) -> Batch:
    stages = path_of(task).path()
    parts = [batch_of(task, stage, 2, seed=0, stream="train", index=0) for stage in stages]
    return concatenate(parts)


@pytest.mark.parametrize(
    ("task", "model"),
    [
        (Reverse(), Bert(hidden_size=8, head_size=4, dropout=0.0)),
        (Reverse(), Seq2Seq(hidden_size=4, teacher_forcing=1.0)),
        (Adding(), Recurrent(hidden_size=4)),
    ],
)
@pytest.mark.parametrize("parts", [2, 4, 6, 100])
def test_accumulated_gradients_are_those_of_the_whole_batch(
    task: Task, model: Model, parts: int
) -> None:
    whole = learner_of(task, model)
    apart = learner_of(task, model)
    settings = Training(batch_size=max(6, parts), accumulate=parts)
    apart.recipe = Recipe(model=model, optimizer=Adam(), training=settings)
    batch = padded_batch(task)
    one = GradientStep(task, whole).take(batch, KEY)
    several = GradientStep(task, apart).take(batch, KEY)
    assert len(several.passes) == min(parts, 6)
    torch.testing.assert_close(several.loss, one.loss)
    torch.testing.assert_close(several.gradient_norm, one.gradient_norm)
    torch.testing.assert_close(several.outputs, one.outputs)
    for ours, theirs in zip(apart.model.parameters(), whole.model.parameters(), strict=True):
        assert ours.grad is not None
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-6, rtol=1e-4)


def test_a_step_tells_the_norm_of_its_gradients_before_clipping_them() -> None:
    one = start(clip_norm=1e-3)
    batch = batch_of(FirstBit(), STAGE, 8, seed=0, stream="train", index=0)
    found = GradientStep(FirstBit(), one).take(batch, KEY)
    clipped = nn.utils.get_total_norm(p.grad for p in one.model.parameters() if p.grad is not None)
    assert found.gradient_norm is not None
    assert float(found.gradient_norm) > 2e-3
    assert float(clipped) == pytest.approx(1e-3, rel=1e-3)
    assert GradientStep(FirstBit(), start(clip_norm=None)).take(batch, KEY).gradient_norm is None


def test_an_evaluation_has_the_mean_norm_of_the_steps_before_it() -> None:
    one, charged, norms = start(eval_every=4, batch_size=8), trainer(), []
    evaluation = charged.train(one, scheduler())
    by_hand = start(batch_size=8)
    step = GradientStep(FirstBit(), by_hand)
    for number in range(4):
        batch = batch_of(FirstBit(), STAGE, 8, seed=0, stream="train", index=number)
        norm = step.take(batch, (0, "training", 0, 0, number)).gradient_norm
        assert norm is not None
        norms.append(float(norm))
    assert evaluation.metrics["gradient_norm"] == pytest.approx(sum(norms) / 4)
    without = trainer().train(start(clip_norm=None), scheduler())
    assert "gradient_norm" not in without.metrics


def test_what_the_device_is_waited_for_is_counted() -> None:
    with counting_waits() as waits:
        number = torch.ones(2).sum()
        assert number.item() == 2
        assert bool(number > 1)
        assert float(number) == 2
    assert waits.count == 3
    with counting_waits() as waits:
        assert number.cpu().numpy() == number.tolist()
    assert waits.count == 3
    with counting_waits() as waits:
        mask = torch.tensor([True, False])
        assert torch.arange(2)[mask].numel() == torch.ones(1).nonzero().numel() == 1
        torch.zeros(2)[mask] = torch.ones(1)
    assert waits.count == 3


SLIDING = CONFIGS["llama"] | {
    "model_type": "mistral",
    "num_key_value_heads": 1,
    "sliding_window": 3,
}
"""Attention to the last few places alone."""

NETWORKS = [
    (Adding(), Recurrent(hidden_size=4, layers=2)),
    (FirstBit(), Recurrent(hidden_size=4, cell="lstm")),
    (FirstBit(), Bert(hidden_size=8, head_size=4)),
    (Reverse(), Bert(hidden_size=8, head_size=4)),
    (Reverse(), Seq2Seq(hidden_size=4, attention="dot")),
    (FirstBit(), LinearRecurrent(hidden_size=4)),
    (FirstBit(), StackRNN(hidden_size=4)),
    (Reverse(), Decoder(hidden_size=8, head_size=4)),
    (Reverse(), Decoder(style="gpt2", hidden_size=8, head_size=4)),
    (Reverse(shorter=True, end_marker=True), Decoder(hidden_size=8, head_size=4)),
    (Reverse(), HuggingFace(config=SLIDING)),
    (FirstBit(), HuggingFace(config=CONFIGS["gpt2"], head="sequence_classification")),
    (FirstBit(), HuggingFace(config=CONFIGS["bert"], head="sequence_classification")),
    (AfterInput(task=Reverse()), Recurrent(hidden_size=4)),
]


@pytest.mark.parametrize("settings", [{}, {"accumulate": 2}, {"precision": "bf16"}])
@pytest.mark.parametrize(("task", "model"), NETWORKS)
def test_between_two_evaluations_no_step_waits_for_the_device(
    task: Task, model: Model, settings: dict[str, Any]
) -> None:
    one = learner_of(task, model, **settings)
    criterion = Mastery(threshold=0.9)
    schedule = Scheduler(path_of(task), criterion, pacing=Direct(), sampling=Mixed())
    evaluator = Evaluator(task, criterion, 0)
    charged = Trainer(task, seed=0, evaluator=evaluator, meter=CostMeter())
    counts = []
    for number, steps in enumerate((1, 6)):
        with counting_waits() as waits:
            charged.take_steps(one, schedule, visit=0, start=10 * number, count=steps)
        counts.append(waits.count)
    assert counts[0] == counts[1] == 2  # the sums of losses and of norms, at the end


@pytest.mark.parametrize(
    ("sampling", "waits_of_steps"),
    [(Teacher(span=3), 2), (Bandit(), 6), (MasteringRate(), 6), (Mixed(), 0)],
)
@pytest.mark.parametrize("task", [Reverse(), FirstBit(), Adding()])
def test_a_sampling_that_learns_waits_as_rarely_as_its_draws_allow(
    task: Task, sampling: Sampling, waits_of_steps: int
) -> None:
    """A teacher at the end of an action, of 3 steps here; the others that learn at each step."""
    model = Recurrent(hidden_size=4, bidirectional=isinstance(task, Reverse))
    one, criterion = learner_of(task, model), Mastery(threshold=0.9)
    schedule = Scheduler(path_of(task), criterion, pacing=Direct(), sampling=sampling)
    evaluator = Evaluator(task, criterion, 0)
    charged = Trainer(task, seed=0, evaluator=evaluator, meter=CostMeter())
    with counting_waits() as waits:
        charged.take_steps(one, schedule, visit=0, start=0, count=6)
    assert waits.count == 2 + waits_of_steps


@pytest.mark.parametrize("task", [Reverse(), FirstBit(), Adding(), Adding(tolerance=1.5)])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_share_that_a_teacher_gets_is_that_of_correct_symbols(
    task: Task, accumulate: int
) -> None:
    bidirectional = isinstance(task, Reverse)
    one = learner_of(
        task, Recurrent(hidden_size=4, bidirectional=bidirectional), accumulate=accumulate
    )
    batch = padded_batch(task)
    result = GradientStep(task, one).take(batch, KEY)
    share = Evaluator(task, Mastery(), 0).share_correct(result.outputs, result.targets, batch)
    assert isinstance(share, Tensor)
    predictions = predict_outputs(task, result.outputs, batch)
    correct, wanted = correct_and_wanted(task, predictions, batch.targets)
    assert 0 < wanted.sum() <= correct.size
    assert float(share) == float(np.float32(correct.sum()) / np.float32(wanted.sum()))


def test_lengths_are_known_without_asking_the_device() -> None:
    symbols = padded_batch(Reverse())
    channels = padded_batch(Adding())
    for batch in (symbols, channels):
        inputs = input_tensors(batch, CPU)
        with counting_waits() as waits:
            known = lengths_of(*inputs)
        assert waits.count == 0
        copies = [each.clone() for each in inputs]
        read = lengths_of(*copies)
        assert known is not None
        assert read is not None
        assert known.tolist() == read.tolist() == batch.present.sum(axis=1).tolist()
    full = batch_of(Reverse(), Stage(4, 4), 3, seed=0, stream="train", index=0)
    assert lengths_of(*input_tensors(full, CPU)) is None


def test_weights_are_asked_once_whether_all_are_finite() -> None:
    one = start()
    with counting_waits() as waits:
        assert divergence(one, 0.5) is None
    assert waits.count == 1
    with torch.no_grad():
        next(iter(one.model.parameters())).view(-1)[0] = math.inf
    assert divergence(one, 0.5) == "a gradient, and so the weights, are no longer finite numbers"


@pytest.mark.parametrize(
    ("task", "model"), [each for each in NETWORKS if each[1] != NETWORKS[5][1]]
)
def test_bfloat16_is_computed_in_and_not_kept(task: Task, model: Model) -> None:
    one, exact = learner_of(task, model, precision="bf16"), learner_of(task, model)
    batch = padded_batch(task)
    for learner in (one, exact):
        GradientStep(task, learner).take(batch, KEY)
    kept = [*one.model.state_dict().values()]
    moments = [v for state in one.optimizer.state.values() for v in state.values()]
    assert {each.dtype for each in (*kept, *moments) if each.is_floating_point()} == {torch.float32}
    rounded, _ = evaluated_outputs(one, batch, None)
    plain, _ = evaluated_outputs(exact, batch, None)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, plain)
    torch.testing.assert_close(rounded, plain, atol=0.1, rtol=0.1)


def test_bfloat16_twice_is_the_same() -> None:
    found = []
    for _ in range(2):
        one = start(precision="bf16", batch_size=8)
        trainer().take_steps(one, scheduler(), visit=0, start=0, count=5)
        found.append([each.clone() for each in one.model.state_dict().values()])
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


def test_complex_weights_have_no_bfloat16() -> None:
    network = nn.Linear(1, 1, dtype=torch.complex64)
    with pytest.raises(UsageError, match="is for real weights, and Linear has complex ones; leave"):
        check_precision("bf16", CPU, network)
    check_precision("float32", CPU, network)
    check_precision("bf16", CPU, nn.Linear(1, 1))


def test_deterministic_algorithms_are_taken_within_steps_alone() -> None:
    seen = []

    class Watching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(1, 1)

        def forward(self, inputs: Tensor) -> Tensor:
            seen.append(torch.are_deterministic_algorithms_enabled())
            found: Tensor = self.head(inputs[:, :1].float())[:, 0]
            return found

    recipe = Recipe(
        model=Recurrent(), optimizer=Adam(), training=Training(batch_size=4, deterministic=True)
    )
    one = Learner(Watching(), recipe, CPU, shape=FirstBit().shape(STAGE))
    batch = batch_of(FirstBit(), STAGE, 4, seed=0, stream="train", index=0)
    GradientStep(FirstBit(), one).take(batch, KEY)
    evaluated_outputs(one, batch, None)
    assert seen == [True, True]
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(("device", "said"), [("cuda:1", ":4096:8"), ("cpu", None)])
def test_on_a_gpu_the_library_of_linear_algebra_is_made_deterministic_too(
    device: str, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    monkeypatch.setattr(nn.Module, "to", lambda self, _: self)
    recipes = [
        Recipe(model=Recurrent(), optimizer=Adam(), training=Training(deterministic=wanted))
        for wanted in (False, True)
    ]
    for recipe, expected in zip(recipes, (None, said), strict=True):
        Learner(nn.Linear(1, 1), recipe, torch.device(device), shape=FirstBit().shape(STAGE))
        assert os.environ.get("CUBLAS_WORKSPACE_CONFIG") == expected
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")  # as good, and the user's own
    Learner(nn.Linear(1, 1), recipes[1], torch.device(device), shape=FirstBit().shape(STAGE))
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_a_network_is_compiled_in_place_and_its_names_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda self, **_: compiled.append(self))
    monkeypatch.setattr("curriculum.learn.precision._check_compiler", lambda: None)
    one = start(compile=True)
    assert compiled == [one.model]
    assert one.model.state_dict().keys() == start().model.state_dict().keys()


@pytest.mark.exhaustive
def test_a_compiled_network_computes_what_it_did() -> None:
    task, model = Reverse(), Bert(hidden_size=8, head_size=4, dropout=0.0)
    one, plain = learner_of(task, model, compile=True), learner_of(task, model)
    batch = padded_batch(task)
    results = [GradientStep(task, learner).take(batch, KEY) for learner in (one, plain)]
    torch.testing.assert_close(results[0].loss, results[1].loss)
    for learner in (one, plain):
        evaluated_outputs(learner, batch, None)


def test_matrices_alone_decay() -> None:
    settings = AdamW(learning_rate=0.1, weight_decay=0.5, decayed="matrices")
    network = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = settings.build(network.parameters())
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, value in network.state_dict().items():
        factor = 0.95 if name == "0.weight" else 1.0
        torch.testing.assert_close(value, factor * before[name])


def test_moments_go_along_where_matrices_alone_decay() -> None:
    shape = FirstBit().shape(STAGE)
    recipe = Recipe(
        model=Recurrent(hidden_size=4), optimizer=AdamW(decayed="matrices"), training=Training()
    )
    small = Learner.start(shape, recipe, seed=0, device=CPU)
    batch = batch_of(FirstBit(), STAGE, 8, seed=0, stream="train", index=0)
    GradientStep(FirstBit(), small).take(batch, KEY)
    larger = recipe.replace({"model.hidden_size": 6})
    large = Learner.continuing(small.snapshot(), larger, CPU, seed=0, visit=1)
    for name, parameter in large.model.named_parameters():
        ours = large.optimizer.state[parameter]["exp_avg"]
        theirs = small.optimizer.state[dict(small.model.named_parameters())[name]]["exp_avg"]
        assert ours.shape == parameter.shape
        torch.testing.assert_close(ours.abs().sum(), theirs.abs().sum())  # new ones begin at zero
