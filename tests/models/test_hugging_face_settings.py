import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hugging_face_configs import CONFIGS

import curriculum
from curriculum import Adam, Budget, Experiment, Explicit, Shape, Stage, Tuning, UsageError
from curriculum.cli.main import main
from curriculum.config import deserialize, override, serialize
from curriculum.learn import IGNORED, PADDING, weights_sha256
from curriculum.models import HuggingFace, Recurrent
from curriculum.record import Record, VisitEnded
from curriculum.tasks import FirstBit, HumanNumbers, Reverse

LANGUAGE_MODEL: Any = transformers.AutoModelForCausalLM
CAUSAL = Shape.of("symbols", Stage(6, 5), causal=True)
AFTER = Shape(output="symbols", length=5, input_vocab_size=4, output_vocab_size=6, output_length=4)


def built(kind: str, shape: Shape, **values: Any) -> Any:
    torch.manual_seed(0)
    model = HuggingFace(config=CONFIGS[kind] | {"initializer_range": 0.5}, **values)
    model.check(shape)
    return model.build(shape).eval()


@pytest.mark.parametrize("kind", CONFIGS)
def test_settings_are_the_same_from_a_mapping_json_a_file_and_a_folder(
    kind: str, tmp_path: Path
) -> None:
    text = json.dumps(CONFIGS[kind])
    (tmp_path / "config.json").write_text(text)
    ways: list[Any] = [CONFIGS[kind], text, str(tmp_path), str(tmp_path / "config.json")]
    assert len({HuggingFace(config=way) for way in ways}) == 1


def test_what_save_pretrained_wrote_is_read(tmp_path: Path) -> None:
    transformers.AutoConfig.for_model(**CONFIGS["llama"], vocab_size=7).save_pretrained(tmp_path)
    network: Any = HuggingFace(config=str(tmp_path)).build(CAUSAL)
    assert network.transformer.config.intermediate_size == 12
    assert network.transformer.config.vocab_size == 5


def experiment(**changes: Any) -> Experiment:
    values: dict[str, Any] = {
        "task": FirstBit(),
        "model": HuggingFace(config=CONFIGS["gpt2"], head="sequence_classification"),
        "growth": Explicit(lengths=(2, 3), vocab_sizes=(2, 2)),
        "optimizer": Adam(learning_rate=1e-2),
        "budget": Budget(steps_per_stage=600),
        "name": "hugging_face",
    }
    return Experiment(**(values | changes))


def test_settings_round_trip() -> None:
    whole = experiment()
    assert deserialize(json.loads(json.dumps(serialize(whole)))) == whole


def test_the_command_line_changes_configuration_and_size(tmp_path: Path) -> None:
    changed = override(experiment(), ["--model.hidden-size", "16"]).model
    assert isinstance(changed, HuggingFace)
    assert changed.hidden_size == 16
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS["bert"]))
    other = override(experiment(), ["--model.config", str(tmp_path)]).model
    head = "sequence_classification"
    assert other == HuggingFace(config=CONFIGS["bert"], head="sequence_classification")
    wide = json.dumps(CONFIGS["gpt2"] | {"n_embd": 16})
    assert override(experiment(), ["--model.config", wide]).model.hidden_size == 16
    with pytest.raises(UsageError, match="must be the configuration's 16, got 12; leave it out"):
        override(experiment(), ["--model.config", wide, "--model.hidden-size", "12"])
    chosen = override(
        experiment(),
        ["--model", "hugging_face", "--model.head", head],
    )
    assert chosen.model == experiment().model  # which it is already
    anew = ["--model", "hugging_face", "--model.config", str(tmp_path), "--model.head", head]
    assert override(experiment(model=Recurrent()), anew).model == other


def test_a_search_may_scale_it_from_scratch_alone() -> None:
    tuning = Tuning(mode="each", hidden_size=(8, 32))
    reason = "can't be widened, as a configuration of transformers doesn't say how the units"
    with pytest.raises(UsageError, match=reason):
        experiment(tuning=tuning)
    with pytest.raises(UsageError, match=reason):
        experiment(model_size="stage")
    experiment(tuning=replace(tuning, cold_start=True))
    small = HuggingFace()
    assert replace(small, hidden_size=256) == HuggingFace(hidden_size=256)
    assert small.hidden_size == 128
    larger: Any = replace(HuggingFace(config=CONFIGS["llama"]), hidden_size=12).build(CAUSAL)
    assert larger.transformer.config.hidden_size == 12


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 of 10 symbols and 8 positions."""
    folder = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(1)
    config = transformers.AutoConfig.for_model(**CONFIGS["gpt2"], vocab_size=10, n_positions=8)
    LANGUAGE_MODEL.from_config(config).save_pretrained(folder)
    return folder


def test_pretrained_weights_are_read_from_a_folder(pretrained: Path) -> None:
    inputs = torch.randint(5, (3, 6))
    network = HuggingFace(pretrained=str(pretrained)).build(CAUSAL)
    assert network.training
    theirs = LANGUAGE_MODEL.from_pretrained(pretrained).eval()
    torch.testing.assert_close(network.eval()(inputs), theirs(inputs).logits[..., :5])
    torch.manual_seed(0)
    new: Any = HuggingFace(pretrained=str(pretrained), head="sequence_classification").build(
        Shape.of("bit", Stage(6, 5))
    )
    body, alike = new.transformer.transformer, theirs.transformer.state_dict()
    assert torch.equal(body.wpe.weight, alike["wpe.weight"])
    assert new.transformer.config.pad_token_id == 10  # which it had not
    padded = inputs[:1].clone()
    padded[0, 4:] = PADDING
    torch.testing.assert_close(new.eval()(padded), new(inputs[:1, :4]))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            Shape.of("symbols", Stage(9, 5), causal=True),
            "has 8 positions, and the path needs 9: len",
        ),
        (
            Shape.of("symbols", Stage(6, 11), causal=True),
            "a vocabulary of 10, and the task one of 11",
        ),
        (
            Shape.of("symbols", Stage(5, 5)),
            "has 8 positions, and the path needs 10",
        ),  # written after
    ],
)
def test_a_path_that_pretrained_weights_do_not_fit_is_refused(
    pretrained: Path, shape: Shape, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        HuggingFace(pretrained=str(pretrained)).check(shape)


def test_weights_named_on_the_command_line_come_with_their_configuration(pretrained: Path) -> None:
    named = ["--model", "hugging_face", "--model.pretrained", str(pretrained)]
    named += ["--model.head", "sequence_classification"]
    expected = HuggingFace(pretrained=str(pretrained), head="sequence_classification")
    assert override(experiment(model=Recurrent()), named).model == expected


def test_pretrained_weights_of_another_network_are_refused(
    pretrained: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        UsageError, match=r"must be the configuration's 8, got 16; a pretrained net"
    ):
        HuggingFace(pretrained=str(pretrained), hidden_size=16)
    wider = CONFIGS["gpt2"] | {"n_embd": 16, "vocab_size": 10, "n_positions": 8}
    with pytest.raises(UsageError, match=r"are not of the network that model\.config describes"):
        HuggingFace(config=wider, pretrained=str(pretrained)).build(CAUSAL)
    with pytest.raises(
        UsageError, match=r"must be a local folder with weights, .* got gpt2: nothing"
    ):
        HuggingFace(config=CONFIGS["gpt2"], pretrained="gpt2").build(CAUSAL)
    (tmp_path / "config.json").write_text(json.dumps(CONFIGS["gpt2"]))
    with pytest.raises(
        UsageError, match=r"transformers can't build gpt2 from model\.config: .*file"
    ):
        HuggingFace(pretrained=str(tmp_path)).build(CAUSAL)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"config": "nowhere"},
            r"nowhere can't be read \(No such file or directory\); give a local",
        ),
        ({"config": "{"}, "model.config is not JSON"),
        (
            {"config": {"n_embd": 8}},
            "must name a model_type of transformers, such as gpt2, .* n_embd",
        ),
        ({"config": {"model_type": "gpt2"}}, "must say its hidden size, by hidden_size, n_embd"),
        ({"config": {"model_type": "t5", "is_encoder_decoder": True}}, "of t5, an encoder-decoder"),
        (
            {"config": CONFIGS["gpt2"], "hidden_size": 9},
            "must be the configuration's 8, got 9; lea",
        ),
        (
            {"config": CONFIGS["gpt2"] | {"n_embd": 9}},
            "a multiple of the configuration's 2 attention",
        ),
        ({"config": CONFIGS["gpt2"] | {"x": set()}}, "must hold what JSON can"),
        ({"head": "masked_lm"}, "must be causal_lm or sequence_classification, got 'masked_lm'"),
    ],
)
def test_bad_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        HuggingFace(**values)


def test_what_the_library_does_not_know_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'gpt22', which transformers .* did you mean gpt2"):
        HuggingFace(config=CONFIGS["gpt2"] | {"model_type": "gpt22"}).build(CAUSAL)
    with pytest.raises(
        UsageError, match=r"has 'n_layers', which gpt2 has not; did you mean n_layer\?"
    ):
        HuggingFace(config={"model_type": "gpt2", "n_embd": 8, "n_layers": 2}).build(CAUSAL)
    with pytest.raises(UsageError, match=r"can't build gpt2 from model\.config"):
        HuggingFace(
            config={"model_type": "gpt2", "n_embd": 8, "n_head": 2, "activation_function": "x"}
        ).build(CAUSAL)


@pytest.mark.parametrize(
    ("head", "shape", "message"),
    [
        ("causal_lm", Shape.of("bit", Stage(4)), "set model.head to sequence_classification"),
        (
            "sequence_classification",
            CAUSAL,
            "outputs bit or symbol, and .* is symbols; set model.head",
        ),
        (
            "causal_lm",
            Shape.of("symbol", Stage(4), channels=2, input_vocab_size=0),
            "reads symbols",
        ),
    ],
)
def test_a_head_that_does_not_suit_the_task_is_refused(
    head: Any, shape: Shape, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        HuggingFace(head=head).check(shape)
    with pytest.raises(
        UsageError, match=r"the task has 5 input and 4 output symbols; set model\.outp"
    ):
        HuggingFace(outputs="in_place").check(AFTER)


def test_it_predicts_human_numbers() -> None:
    """What `LanguageModel` is for: the next word at each place."""
    task = HumanNumbers(predict="every")
    shape = task.shape(Stage(20, 39))
    network, chunk = built("gpt2", shape), task.chunk(Stage(20, 39), 4, 0)
    logits = network(torch.from_numpy(chunk.inputs))
    assert logits.shape == (4, 20, shape.output_vocab_size)
    assert (chunk.targets != IGNORED).any()


@pytest.mark.parametrize("task", [FirstBit(), Reverse()], ids=["first_bit", "reverse"])
def test_it_learns_stage_by_stage_and_is_loaded_again(task: Any, tmp_path: Path) -> None:
    vocab = 2 if isinstance(task, FirstBit) else 3
    head: Any = "sequence_classification" if isinstance(task, FirstBit) else "causal_lm"
    model = HuggingFace(config=CONFIGS["llama"] | {"initializer_range": 0.2}, head=head)
    growth = Explicit(lengths=(2, 3), vocab_sizes=(vocab, vocab))
    result = curriculum.run(
        experiment(task=task, model=model, growth=growth), store=tmp_path, mirror=False
    )
    assert result.reach == Stage(3, vocab)
    assert weights_sha256(curriculum.load("last", store=tmp_path)) == result.weights_sha256


def _change_a_weight(path: Path) -> None:
    """Without changing the file's size."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_resumed_run_of_pretrained_weights_is_the_uninterrupted_one(
    pretrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(pretrained, weights)
    whole = experiment(model=HuggingFace(pretrained=str(weights), head="sequence_classification"))
    expected = curriculum.run(whole, store=tmp_path / "whole", mirror=False)
    stop = curriculum.StopRequest()

    def stop_soon(entry: Record) -> None:
        if isinstance(entry.event, VisitEnded):
            stop.request()

    store: Any = {"store": tmp_path / "cut", "mirror": False}
    cut = curriculum.run(whole, **store, stop=stop, listener=stop_soon)
    assert cut.status == "interrupted"
    shutil.move(weights, tmp_path / "away")
    with pytest.raises(
        UsageError, match=r"weights_digest was \w+ and is none \(put the files in mod"
    ):
        curriculum.resume("last", **store)  # and nothing is lost
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "away", other)
    _change_a_weight(other / "model.safetensors")
    shutil.copytree(other, weights)
    said = r"as what it depends on has changed: weights_digest was (\w{10}) and is (?!\1)\w{10} \(put the"
    with pytest.raises(UsageError, match=said):
        curriculum.resume("last", **store)
    shutil.rmtree(weights)
    shutil.move(tmp_path / "away", weights)
    resumed = curriculum.resume("last", **store)
    assert resumed.weights_sha256 == expected.weights_sha256
    shutil.rmtree(weights)  # which are in the checkpoint, as they are now
    assert main(["show", "last", "--store", str(tmp_path / "cut")]) == 0
    assert "prediction" in capsys.readouterr().out.lower()
