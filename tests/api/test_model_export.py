"""Exported models are loaded where this package can't be imported, and give the same logits."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from command_line import call
from numpy.typing import NDArray
from tokenizers import Tokenizer as Words
from tokenizers import models as kinds

import curriculum
from curriculum import (
    Adam,
    AfterInput,
    Batch,
    Budget,
    Experiment,
    Explicit,
    Shape,
    Stage,
    Task,
    UsageError,
)
from curriculum.learn import OutputKind
from curriculum.models import (
    AutoregressiveNetwork,
    Bert,
    Decoder,
    HuggingFace,
    Recurrent,
    export_network,
    export_tokenizer,
)
from curriculum.tasks import Adding, FirstBit, HumanNumbers, Reverse

GPT2 = {"model_type": "gpt2", "n_embd": 8, "n_head": 2, "n_layer": 1, "initializer_range": 0.5}
CAUSAL = Shape.of("symbols", Stage(6, 5), causal=True)

WITHOUT_THE_PACKAGE = """
import sys
class Blocker:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "curriculum":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
import json, torch, transformers
folder, kind, inputs = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
model = getattr(transformers, kind).from_pretrained(folder, local_files_only=True)
print(json.dumps(model(torch.tensor(inputs)).logits.tolist()))
"""


def logits_without_the_package(folder: Path, kind: str, inputs: Any) -> Any:
    """What the model in a folder gives in a process that can't import this package."""
    command = [
        sys.executable,
        "-I",
        "-c",
        WITHOUT_THE_PACKAGE,
        str(folder),
        kind,
        json.dumps(inputs),
    ]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return torch.tensor(json.loads(found.stdout))


def run_of(model: Any, task: Task, store: Path, *, vocab: int = 2) -> Experiment:
    experiment = Experiment(
        task=task,
        model=model,
        growth=Explicit(lengths=(3,), vocab_sizes=(vocab,)),
        optimizer=Adam(learning_rate=1e-2),
        budget=Budget(steps_per_stage=2),
        name="exported",
    )
    curriculum.run(experiment, store=store, mirror=False)
    return experiment


def test_a_folder_is_loaded_without_the_package_with_the_same_logits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, folder = tmp_path / "store", tmp_path / "exported"
    run_of(HuggingFace(config=GPT2, head="sequence_classification"), FirstBit(), store)
    assert call("export", "last", "--store", store, "--to", folder) == 0
    out, err = capsys.readouterr()
    assert "AutoModelForSequenceClassification.from_pretrained('exported')" in out
    assert err == f"Wrote {folder}\n"
    inputs = [[1, 1, 0], [0, 1, 1]]
    ours = curriculum.load("last", store=store)(torch.tensor(inputs))
    found = logits_without_the_package(folder, "AutoModelForSequenceClassification", inputs)
    torch.testing.assert_close(found.squeeze(-1), ours, rtol=0, atol=0)
    assert "a bit (above 0 for 1)" in (folder / "README.md").read_text()
    assert "exported" in (folder / "README.md").read_text()
    loaded: Any = transformers.AutoTokenizer.from_pretrained(folder)
    padded = loaded(["1 1 0", "0 1"], padding=True)
    assert padded["input_ids"] == [[1, 1, 0], [0, 1, 2]]  # as the model's configuration has it
    assert padded["attention_mask"] == [[1, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize("style", ["llama", "gpt2"])
def test_a_decoder_becomes_a_classifier_of_tokens(style: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Decoder(style=style, hidden_size=8, head_size=4, initializer_range=0.5)
    network = model.build(CAUSAL).eval()
    check_same(network, tmp_path)


def check_same(network: Any, folder: Path) -> None:
    """Check that what is saved and loaded has the logits of the network in place."""
    found = export_network(network)
    assert found is not None
    found.save(folder)
    loaded = getattr(transformers, found.auto_class).from_pretrained(folder)
    inputs = torch.randint(5, (3, 6))
    theirs = loaded(inputs).logits[..., found.first_logit :]
    ours = network(inputs)
    if ours.ndim < 3:
        theirs = theirs[:, -1]
    torch.testing.assert_close(theirs[..., : ours.shape[-1]], ours)


@pytest.mark.parametrize("output", ["symbol", "symbols"])
def test_bert_becomes_a_classifier_of_tokens(output: OutputKind, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Bert(hidden_size=8, head_size=4).build(Shape.of(output, Stage(6, 5))).eval()
    check_same(network, tmp_path)


@pytest.mark.parametrize("output", ["symbol", "symbols"])
def test_a_language_model_of_transformers_stays_one(output: OutputKind, tmp_path: Path) -> None:
    torch.manual_seed(0)
    shape = Shape.of(output, Stage(6, 5), causal=True)
    check_same(HuggingFace(config=GPT2).build(shape).eval(), tmp_path)


@pytest.mark.parametrize(
    "model",
    [HuggingFace(config=GPT2), Decoder(hidden_size=8, head_size=4)],
    ids=["hugging_face", "decoder"],
)
def test_what_writes_after_its_input_reads_each_symbol_as_the_next_token(model: Any) -> None:
    torch.manual_seed(0)
    network = model.build(Shape.of("symbols", Stage(3, 5))).eval()
    assert isinstance(network, AutoregressiveNetwork)
    found = export_network(network)
    assert found is not None
    assert found.first_symbol == 1
    inputs = torch.randint(5, (4, 3))
    written = network.greedy_decode(inputs, 3)
    tokens = torch.cat([inputs + 1, torch.zeros(4, 1).long(), written.argmax(-1)[:, :2] + 1], dim=1)
    logits = found.model(tokens).logits[:, 3:, found.first_logit :][..., :5]
    torch.testing.assert_close(logits, written, rtol=1e-4, atol=1e-4)


def test_a_tokenizer_reads_what_the_task_writes(tmp_path: Path) -> None:
    task, stage = HumanNumbers(predict="every"), Stage(20, 39)
    found = export_tokenizer(task, stage, 0)
    assert found is not None
    found.save_pretrained(tmp_path)
    loaded: Any = transformers.AutoTokenizer.from_pretrained(tmp_path)
    symbols = task.chunk(stage, 4, 0).inputs[1]
    assert loaded(" ".join(task.decode(symbols)))["input_ids"] == symbols.tolist()
    shifted: Any = export_tokenizer(Reverse(), Stage(3, 12), 1)
    assert shifted("11 0 3")["input_ids"] == [12, 1, 4]


class OfText(Task):
    """Bytes, or the tokens of a file."""

    output = "bit"

    def __init__(self, name: str, words: str = "") -> None:
        self.name, self.words = name, words

    @property
    def text_tokenizer(self) -> str:
        return self.name

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        raise NotImplementedError


def test_bytes_are_the_tokens_of_their_numbers(tmp_path: Path) -> None:
    export_tokenizer(OfText("bytes"), Stage(4, 257), 0).save_pretrained(tmp_path)  # type: ignore[union-attr]
    loaded: Any = transformers.AutoTokenizer.from_pretrained(tmp_path)
    text = "def f(x):\n\treturn  'é€' # \x00\x7f"
    assert loaded(text)["input_ids"] == list(text.encode())
    assert loaded.decode(loaded(text)["input_ids"]) == text
    assert loaded.eos_token_id == 256
    assert len(loaded) == 257
    assert export_tokenizer(OfText("bytes"), Stage(4, 257), 1) is None  # other numbers


def test_a_users_tokenizer_goes_along(tmp_path: Path) -> None:
    made = Words(kinds.WordLevel(vocab={"a": 0, "b": 1}, unk_token="a"))
    made.save(str(tmp_path / "tokenizer.json"))
    for name in (str(tmp_path / "tokenizer.json"), str(tmp_path)):
        found: Any = export_tokenizer(OfText(name), Stage(4, 2), 0)
        assert found("b")["input_ids"] == [1]
        found.save_pretrained(tmp_path)  # the folder too


class Alike(FirstBit):
    """Shows both of its symbols alike."""

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return ["x" for _ in symbols]


@pytest.mark.parametrize("task", [Alike(), Adding(), AfterInput(task=Reverse())])
def test_where_words_tell_too_little_there_is_no_tokenizer(task: Task) -> None:
    stage = Stage(3, 3) if isinstance(task, AfterInput) else Stage(3, 2)
    found = export_tokenizer(task, stage, 0)
    assert (found is None) == (not isinstance(task, AfterInput))


def test_files_that_are_there_are_replaced_only_when_asked_for(tmp_path: Path) -> None:
    store, folder = tmp_path / "store", tmp_path / "exported"
    run_of(Decoder(hidden_size=8, head_size=4), Reverse(), store, vocab=3)
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "tokenizer_config.json").write_text("of another model")
    with pytest.raises(
        UsageError, match=r"has files already; name another folder, or .* --overwrite"
    ):
        curriculum.export("last", folder, store=store)
    found = curriculum.export("last", folder, store=store, overwrite=True)
    assert found.auto_class == "AutoModelForTokenClassification"
    assert found.has_tokenizer
    assert "Token 0 ends the input" in repr(found)
    assert (folder / "notes.txt").read_text() == "mine"
    assert (
        "tokenizer"
        in json.loads((folder / "tokenizer_config.json").read_text())["tokenizer_class"].lower()
    )
    assert {path.name for path in tmp_path.iterdir()} == {"store", "exported"}  # and none aside


def test_other_models_are_refused_with_where_their_weights_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, folder = tmp_path / "store", tmp_path / "exported"
    run_of(Recurrent(hidden_size=4), FirstBit(), store)
    assert call("export", "last", "--store", store, "--to", folder) == 2
    message = capsys.readouterr().err
    assert "Recurrent can't be exported, as it is no model of transformers" in message
    weights = Path(message.split("its weights are in ")[1].split(", and")[0])
    assert weights.is_file()
    assert not folder.exists()
    assert call("export", "last", "--store", store) == 2
    assert "export needs --to DIR" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="it is a file; name a folder"):
        curriculum.export("last", tmp_path / "file", store=store)
