"""What a task or model gets wrong is told before anything is trained, with the user's line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import curriculum
from curriculum import Batch, Budget, Experiment, Explicit, Shape, Stage, Task, UsageError
from curriculum.config import list_experiments, load_experiment
from curriculum.learn import IGNORED, PADDING, Model
from curriculum.models import Bert, Recurrent, Seq2Seq
from curriculum.tasks import HumanNumbers, Reverse


@dataclass(frozen=True)
class Copy(Task):
    """Repeats the input, with one thing wrong."""

    output = "symbols"

    wrong: str = ""

    def sample(  # noqa: PLR0912 - a case for each mistake
        self, rng: np.random.Generator, stage: Stage, batch_size: int
    ) -> Any:
        size = (batch_size + (self.wrong == "batch size"), stage.length + (self.wrong == "length"))
        inputs: Any = rng.integers(stage.vocab_size, size=size)
        targets: Any = inputs.copy()
        match self.wrong:
            case "no batch":
                return inputs, targets
            case "real":
                inputs = rng.random(size)
            case "int32":
                targets = targets.astype(np.int32)
            case "list":
                targets = targets.tolist()
            case "padding":
                inputs[0] = 7
            case "negative":
                inputs[0, 0] = -2
            case "alphabet":
                targets[0, 0] = 4
            case "dimensions":
                targets = targets[:, 0]
            case "long targets":
                targets = np.concatenate([targets, targets], axis=1)
            case "bug":
                return inputs[stage.length + 99]
            case "global":
                inputs = np.random.default_rng().integers(2, size=size)
            case "nothing":
                targets[1] = IGNORED
            case "metric of symbols":
                targets[:, 0] = IGNORED
            case "weights":
                return Batch(inputs=inputs, targets=targets, weights=[1.0] * len(inputs))  # type: ignore[arg-type]
            case "usage":
                raise UsageError("a sentence of the user's own")
        return Batch(inputs=inputs, targets=targets)

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("half",) if self.wrong.startswith("metric") else ()

    def metric_values(self, outputs: Any, batch: Batch) -> dict[str, Any]:
        found = {
            "metric missing": {},
            "metric of all": {"half": 0.5},
            "metric above 1": {"half": np.full(len(outputs), 1.5)},
            "metric of symbols": {"half": np.eye(4)[outputs.argmax(axis=-1)].max(axis=(1, 2))},
            "metric right": {"half": np.full(len(outputs), 0.5)},
        }
        return found[self.wrong]  # type: ignore[return-value]


class Net(nn.Module):
    """Gives logits with one thing wrong."""

    def __init__(self, wrong: str, size: int) -> None:
        super().__init__()
        self.wrong, self.size = wrong, size
        self.table = nn.Embedding(size, size)

    def forward(self, inputs: torch.Tensor) -> Any:
        logits = self.table(inputs.clamp(min=0))
        if self.wrong == "detached later" and inputs.shape[1] == 5:
            return logits.detach()
        return MISTAKES.get(self.wrong, MISTAKES[""])(logits, self.training)


MISTAKES: dict[str, Callable[[torch.Tensor, bool], Any]] = {
    "": lambda logits, _: logits,
    "tuple": lambda logits, _: (logits, None),
    "shape": lambda logits, _: logits[:, 0],
    "few": lambda logits, _: logits[..., :1],
    "integers": lambda logits, _: logits.argmax(dim=-1),
    "no gradient": lambda logits, _: logits.detach(),
    "evaluation": lambda logits, training: logits if training else logits[:, 0],
    "bug": lambda logits, _: logits @ logits,
    "not finite": lambda logits, _: logits * torch.nan,
    "wide": lambda logits, _: torch.cat([logits, logits], dim=-1),
    "reads padding": lambda logits, _: logits + logits.mean(dim=1, keepdim=True),
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A model of such a network."""

    wrong: str = ""
    hidden_size: int = 1

    def check(self, shape: Shape) -> None: ...

    def build(self, shape: Shape) -> Any:
        if self.wrong == "no network":
            return None
        kind = {"one tensor": OneTensor, "decodes": Decodes}.get(self.wrong, Net)
        return kind(self.wrong, shape.output_vocab_size)


class OneTensor(Net):
    """Carries a state, and doesn't give it."""

    carries_state = True

    def forward_with_state(self, inputs: torch.Tensor, state: object) -> Any:
        return self.forward(inputs)

    def initial_state(self, batch_size: int) -> Any:
        return ()


class Decodes(Net):
    """Writes one symbol too few."""

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor | None = None) -> Any:
        return super().forward(inputs)

    def greedy_decode(self, inputs: torch.Tensor, length: int) -> Any:
        return self.forward(inputs)[:, 1:]


@dataclass(frozen=True, kw_only=True)
class Four(Table):
    """A model that takes at least four examples."""

    @property
    def min_batch_size(self) -> int:
        return 4


def experiment(task: Task, model: Any = None) -> Experiment:
    return Experiment(
        task=task, model=model or Table(), growth=Explicit(lengths=(3, 5), vocab_sizes=(4,))
    )


SAMPLE = r"Copy\.sample \(test_first_batch\.py, line \d+\) "
OUTSIDE = r"must give {} from 0 to 3 \(or {}\), got {}: a stage's vocabulary is Stage"
AT = r" \(at length 3, vocabulary 4\)$"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("no batch", SAMPLE + "must give a Batch, got tuple" + AT),
        ("batch size", SAMPLE + "gave 4 inputs where 3 examples were asked for" + AT),
        ("real", SAMPLE + "must give inputs as int64, got float64; symbols are whole numbers; for"),
        ("int32", SAMPLE + r"must give targets as int64, got int32; use \.astype"),
        ("list", SAMPLE + "must give targets as a numpy array, got list" + AT),
        ("padding", SAMPLE + OUTSIDE.format("inputs", "-1 for padding", 7)),
        ("negative", SAMPLE + OUTSIDE.format("inputs", "-1 for padding", -2)),
        ("alphabet", SAMPLE + OUTSIDE.format("targets", "-100 where nothing is predicted", 4)),
        ("dimensions", SAMPLE + r"must give targets of shape \(B, T\), got \(3,\)" + AT),
        (
            "length",
            SAMPLE + "gave inputs of length 4, and the task's shape has length 3; say otherwise in",
        ),
        (
            "long targets",
            SAMPLE + "gave targets of length 6, and the task's shape has output_length 3; say",
        ),
        ("global", SAMPLE + "draws other examples with the same generator"),
        (
            "bug",
            r"^Copy fails at length 3, vocabulary 4 \(test_first_batch\.py, line \d+\): IndexError",
        ),
        (
            "nothing",
            SAMPLE + "gives an example in which nothing is to be predicted: all targets -100",
        ),
        ("weights", SAMPLE + r"must give weights as a numpy array of shape \(3,\), got list" + AT),
        ("usage", "^a sentence of the user's own$"),
        ("metric missing", r"Copy\.metric_values .* gives no 'half', which is one of the task's"),
        ("metric of all", r"must give a 'half' for each example, got shape \(\)"),
        ("metric above 1", r"must give a 'half' in \[0, 1\], got \[1\.5, 1\.5, 1\.5\]"),
    ],
)
def test_what_a_task_gets_wrong_is_a_sentence(wrong: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        experiment(Copy(wrong)).check_first_batch()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("tuple", r"Net\.forward \(.*\) must give logits as one tensor, got tuple" + AT),
        ("shape", r"must give logits of shape \(3, 3, 4\), got \(3, 4\)" + AT),
        ("few", "must give 4 logits for each output, got 1" + AT),
        ("integers", r"must give logits as floating-point numbers, got torch\.int64" + AT),
        ("no gradient", "gives an output from which no parameter gets a gradient" + AT),
        ("not finite", "gives a loss that is no finite number: nan" + AT),
        ("wide", "must give 4 logits for each output, got 8" + AT),
        ("detached later", r"no parameter gets a gradient \(at length 5, vocabulary 4\)$"),
        ("no network", r"Table\.build \(.*\) must give a torch\.nn\.Module, got NoneType" + AT),
        (
            "one tensor",
            r"OneTensor\.forward_with_state \(.*\) must give logits and a state, got Tensor",
        ),
        ("decodes", r"Decodes\.greedy_decode \(.*\) must give logits of shape \(3, 3, 4\)"),
        ("evaluation", r"must give logits of shape \(3, 3, 4\), got \(3, 4\)" + AT),
        ("bug", r"^Table fails at length 3, .* \(test_first_batch\.py, line \d+\): RuntimeError"),
    ],
)
def test_what_a_model_gets_wrong_is_a_sentence(wrong: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        experiment(Copy(), Table(wrong=wrong)).check_first_batch()
    assert "\n" not in str(caught.value)


@dataclass(frozen=True)
class Bit(Task):
    """A bit of each sequence that is none."""

    output = "bit"

    wrong: str = ""

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = rng.integers(2, size=(batch_size, stage.length))
        targets = np.full(batch_size, IGNORED if self.wrong == "none" else 2)
        return Batch(inputs=inputs, targets=inputs if self.wrong == "shape" else targets)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("none", "must give targets from 0 to 1, got -100: a bit has no other"),
        ("", "must give targets from 0 to 1, got 2: a bit has no other"),
        ("shape", r"must give targets of shape \(B,\), got \(3, 3\)"),
    ],
)
def test_a_bit_is_0_or_1_for_each_sequence(wrong: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        experiment(Bit(wrong), Recurrent(hidden_size=2)).check_first_batch()


@dataclass(frozen=True)
class Slice(Copy):
    """A wrong slice; what is drawn besides is right."""

    @property
    def slices(self) -> tuple[str, ...]:
        return ("hard",)

    def sample_slice(
        self, rng: np.random.Generator, stage: Stage, batch_size: int, name: str
    ) -> Batch:
        inputs = np.full((batch_size, stage.length), 9)
        return Batch(inputs=inputs, targets=inputs)


def test_slices_are_looked_at_too() -> None:
    with pytest.raises(
        UsageError, match=r"Slice\.sample_slice .* must give inputs from 0 to 3 .* got 9"
    ):
        experiment(Slice()).check_first_batch()


@pytest.mark.parametrize("strategy", ["mixed", "uniform", "look_back"])
def test_a_model_that_reads_padding_is_told_where_a_strategy_pads(strategy: str) -> None:
    reader = experiment(Copy(), Table(wrong="reads padding"))
    reader.check_first_batch()
    reader = reader.replace(budget=Budget(steps=10)).with_strategy(strategy)
    with pytest.raises(UsageError, match=r"Net\.forward .* gives other outputs where -1 pads"):
        reader.check_first_batch()


@pytest.mark.parametrize(
    "model",
    [
        Recurrent(hidden_size=4, embedding_size=3),
        Recurrent(cell="gru", hidden_size=4, embedding_size=3, bidirectional=True),
        Recurrent(cell="rnn", hidden_size=4, layers=2),
        Seq2Seq(hidden_size=4, embedding_size=3),
        Seq2Seq(hidden_size=4, embedding_size=3, attention="dot"),
        Bert(hidden_size=64, layers=1, positions="sinusoidal"),
    ],
)
def test_models_that_ship_leave_padding_out(model: Model) -> None:
    mixed = experiment(Reverse(shorter=True), model).replace(budget=Budget(steps=10))
    mixed.check_first_batch()
    mixed.with_strategy("mixed").check_first_batch()


@dataclass(frozen=True)
class Document(HumanNumbers):
    """It is read in order, and evaluated on a document: nothing is ever sampled."""

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        raise NotImplementedError


def test_what_is_read_in_order_need_not_be_sampled() -> None:
    found, _ = load_experiment("human_numbers_rnn")
    found.replace(task=Document(predict=found.task.predict)).check_first_batch()  # type: ignore[attr-defined]


def test_a_model_may_need_larger_batches() -> None:
    experiment(Copy(), Four()).check_first_batch()


@dataclass(frozen=True)
class Broken(Copy):
    """A bug in what the task says of itself."""

    @property
    def metrics(self) -> tuple[str, ...]:
        return self.wrong[99]  # type: ignore[return-value]


def test_a_bug_in_what_a_task_says_of_itself_is_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"Broken fails \(.*, line \d+\): IndexError"):
        experiment(Broken())


def test_nothing_of_a_run_is_written_where_its_task_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="symbols are whole numbers"):
        curriculum.run(experiment(Copy("real")), 0, store=tmp_path / "store", mirror=False)
    assert list(tmp_path.iterdir()) == []


def test_padding_is_no_symbol_and_what_is_right_is_accepted() -> None:
    assert PADDING == -1
    experiment(Copy()).check_first_batch()
    experiment(Copy("metric right")).check_first_batch()
    experiment(Copy("metric of symbols")).check_first_batch()


@pytest.mark.parametrize("name", sorted({listing.name for listing in list_experiments()}))
def test_what_ships_is_accepted(name: str) -> None:
    if name == "decoder_arithmetic":
        pytest.importorskip("reasoning_gym", reason="an extra that isn't installed")
    if name.startswith("bert_reverse:seed_") and name != "bert_reverse:seed_5_10":
        pytest.skip("BERT-base; one of its stages is enough")
    load_experiment(name)[0].check_first_batch()


def test_the_global_generators_are_left_as_they_were() -> None:
    before = torch.get_rng_state()
    experiment(Copy()).check_first_batch()
    assert torch.equal(before, torch.get_rng_state())
