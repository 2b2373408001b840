import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from curriculum import SGD, Adam, Experiment, Explicit, Mastery, RAdam, UsageError
from curriculum.learn import Learner, OptimizerSettings, TrainingInterval, weights_sha256
from curriculum.learn.network_protocols import forward_train
from curriculum.models import LanguageModel, Recurrent
from curriculum.models.language_model import Net
from curriculum.plan import Cost, Stage
from curriculum.record import RunFolder, decode, encode, latest_settled_checkpoint, load_learner
from curriculum.record.checkpoint import (
    CheckpointJson,
    DamagedCheckpoint,
    RunState,
    load_state,
    save_checkpoint,
)
from curriculum.record.codec import Malformed
from curriculum.tasks import FirstBit, HumanNumbers

CPU = torch.device("cpu")
STATE = RunState(
    visits=3,
    training=True,
    interval=TrainingInterval(
        steps=2, loss=float("inf"), examples_by_stage={Stage(2): 32}, cost=Cost(steps=9)
    ),
    parent="000003",
    settled=False,
    mastered="2x2",
    journal=1234,
    scheduler={"stage": "3x2", "visit": 3, "retries": {}},
)


def experiment(optimizer: OptimizerSettings | None = None) -> Experiment:
    return Experiment(
        task=FirstBit(),
        model=Recurrent(hidden_size=4),
        optimizer=optimizer or Adam(),
        growth=Explicit(lengths=(9,)),
        criterion=Mastery(threshold=1.0),
    )


def learner(seed: int, made: Experiment) -> Learner:
    return Learner.start(made.shape, made.recipe, seed=seed, device=CPU)


def step(one: Learner) -> None:
    one.model(torch.ones(2, 5, dtype=torch.int64)).sum().backward()
    one.optimizer.step()
    one.optimizer.zero_grad()


def state(*, settled: bool = True) -> RunState:
    return RunState(
        visits=0,
        training=False,
        interval=None,
        parent=None,
        settled=settled,
        mastered=None,
        journal=0,
        scheduler={},
    )


def saved(folder: Path, *, seed: int = 0, settled: bool = True) -> Learner:
    """Save a learner that took one step, and give it back."""
    made = experiment()
    one = learner(seed, made)
    step(one)
    save_checkpoint(folder, one.snapshot(), made.recipe, state(settled=settled))
    return one


@pytest.mark.parametrize("optimizer", [Adam(), SGD(momentum=0.9), SGD(momentum=0.0), RAdam()])
def test_a_loaded_learner_trains_as_the_saved_one(
    tmp_path: Path, optimizer: OptimizerSettings
) -> None:
    made, folder = experiment(optimizer), tmp_path / "000000"
    one = learner(0, made)
    step(one)
    save_checkpoint(folder, one.snapshot(), made.recipe, STATE)
    assert load_state(folder).state == STATE
    loaded = load_learner(folder, made, CPU)
    step(one)
    step(loaded)
    assert weights_sha256(one.model) == weights_sha256(loaded.model)


def test_a_checkpoint_is_safetensors_and_json_alone(tmp_path: Path) -> None:
    saved(tmp_path / "000000")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000"]
    assert sorted(path.name for path in (tmp_path / "000000").iterdir()) == [
        "digest.json",
        "model.safetensors",
        "optimizer.safetensors",
        "state.json",
    ]


def test_the_state_is_read_from_json_as_it_was_saved(tmp_path: Path) -> None:
    saved(tmp_path / "000000")
    found = load_state(tmp_path / "000000")
    content = json.loads((tmp_path / "000000" / "state.json").read_text())
    assert encode(found) == content
    assert decode(CheckpointJson, content) == found
    assert set(content) == {"state", "learner"}
    assert set(content["state"]) == set(RunState.__slots__) - {"ready"}  # at its default


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("mastered", ["3x2"]),
        ("parent", 3),
        ("visits", 1.5),
        ("visits", True),
        ("training", 1),
        ("settled", None),
        ("journal", "1234"),
        ("interval", {"steps": 2}),
        ("interval", []),
        ("scheduler", []),
        ("unknown", True),
    ],
)
def test_a_state_of_another_form_is_malformed(name: str, other: object) -> None:
    content = encode(STATE)
    assert decode(RunState, json.loads(json.dumps(content))) == STATE
    with pytest.raises(Malformed):
        decode(RunState, content | {name: other})


@pytest.mark.parametrize(
    "name", sorted({*RunState.__slots__} - {"ready"})
)  # which is left out for none
def test_a_state_that_lacks_a_field_is_malformed(name: str) -> None:
    content = encode(STATE)
    del content[name]
    with pytest.raises(Malformed):
        decode(RunState, content)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.safetensors", "state.json", "digest.json"]
)
@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "empty"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, name: str, damage: str) -> None:
    saved(tmp_path / "000000")
    path = tmp_path / "000000" / name
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content if damage == "flip" else content[:-1])
    loads: tuple[Callable[[Path], object], ...] = (
        load_state,
        lambda folder: load_learner(folder, experiment(), CPU),
    )
    for load in loads:
        with pytest.raises(DamagedCheckpoint, match="is not whole") as caught:
            load(tmp_path / "000000")
        assert "\n" not in str(caught.value)


def test_an_interrupted_save_leaves_nothing_that_resembles_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="No space left"):
        saved(tmp_path / "000000")
    assert list(tmp_path.iterdir()) == []


def test_half_a_checkpoint_of_an_earlier_save_does_not_get_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".000000.1.new").mkdir()
    (tmp_path / ".000000.1.new" / "model.safetensors").write_bytes(b"half")
    (tmp_path / ".000000.1.new" / "stranger").write_bytes(b"?")
    one = saved(tmp_path / "000000")
    assert [path.name for path in tmp_path.iterdir()] == ["000000"]
    loaded = load_learner(tmp_path / "000000", experiment(), CPU)
    assert weights_sha256(loaded.model) == weights_sha256(one.model)


def test_tensors_that_the_disk_refuses_are_an_error_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import SafetensorError

    def full(*_: object) -> None:
        raise SafetensorError("Error while serializing: IoError(Os { code: 28 }) (os error 28)")

    monkeypatch.setattr("curriculum.record.checkpoint.save_file", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        saved(tmp_path / "000000")
    assert caught.value.errno == 28
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("net", ["every_word", "lstm"])
def test_a_carried_state_is_saved_with_its_learner(net: Net, tmp_path: Path) -> None:
    made = Experiment(
        task=HumanNumbers(),
        model=LanguageModel(net=net, hidden_size=4, carries_state=True),
        growth=Explicit(lengths=(5,), vocab_sizes=(19,)),
        criterion=Mastery(threshold=0.5, metric="symbol_accuracy"),
    )
    one = learner(0, made)
    words = torch.randint(7, (3, 5))
    logits, one.state = forward_train(one.model, one.forward_mode, (words,), words, None)
    logits.sum().backward()  # type: ignore[no-untyped-call]
    one.optimizer.step()
    save_checkpoint(tmp_path / "000000", one.snapshot(), made.recipe, state())
    back = load_learner(tmp_path / "000000", made, CPU)
    assert back.shape == made.shape
    assert one.state is not None
    assert back.state is not None
    assert len(back.state) == len(one.state)
    for ours, loaded in zip(one.state, back.state, strict=True):
        assert torch.equal(ours, loaded)
    save_checkpoint(tmp_path / "000001", learner(0, made).snapshot(), made.recipe, state())
    assert load_learner(tmp_path / "000001", made, CPU).state is None


EARLIER = {
    "state": {
        "visits": 2, "training": False, "interval": None, "parent": None, "stands": True,
        "mastered": "3x2", "journal": 2907, "scheduler": {"stage": "3x2", "visit": 1},
    },
    "learner": {
        "shape": {
            "answer": "bit", "length": 9, "symbols": 2, "answers": 2, "answer_length": 1,
            "causal": False,
        },
        "recipe": {},
        "trial": 0,
        "optimizer": {"param_groups": [{"lr": 0.03, "params": [0, 1, 2, 3, 4, 5]}], "values": {}},
    },
}  # fmt: skip


@pytest.mark.parametrize("part", ["state", "learner", "both"])
def test_a_checkpoint_of_an_earlier_version_is_said_to_be_one(tmp_path: Path, part: str) -> None:
    saved(tmp_path / "000000")
    path = tmp_path / "000000" / "state.json"
    content: dict[str, Any] = json.loads(path.read_text())
    content |= EARLIER if part == "both" else {part: EARLIER[part]}
    path.write_text(json.dumps(content))
    digests = json.loads((tmp_path / "000000" / "digest.json").read_text())
    digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "000000" / "digest.json").write_text(json.dumps(digests))
    with pytest.raises(DamagedCheckpoint, match="it can't be read"):
        load_state(tmp_path / "000000")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": Recurrent(hidden_size=5)}, "not those of the model"),
        ({"model": Recurrent(cell="gru", hidden_size=4)}, "not those of the model"),
        ({"growth": Explicit(lengths=(8,))}, "was built for"),
    ],
)
def test_a_checkpoint_of_another_experiment_does_not_fit(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    saved(tmp_path / "000000")
    with pytest.raises(DamagedCheckpoint, match=message):
        load_learner(tmp_path / "000000", experiment().replace(**changes), CPU)


def test_settled_weights_are_the_newest_that_no_verdict_can_take_back(folder: RunFolder) -> None:
    with pytest.raises(UsageError, match="has no checkpoint yet"):
        latest_settled_checkpoint(folder)
    saved(folder.checkpoints / "000000-00000050", settled=False)
    assert latest_settled_checkpoint(folder).name == "000000-00000050"  # better than none
    saved(folder.checkpoints / "000001", settled=True)
    saved(folder.checkpoints / "000001-00000050", settled=False)
    assert latest_settled_checkpoint(folder).name == "000001"
    (folder.checkpoints / "000001" / "model.safetensors").write_bytes(b"")
    assert latest_settled_checkpoint(folder).name == "000001-00000050"
    for path in folder.checkpoint_folders():
        (path / "state.json").unlink()
    with pytest.raises(DamagedCheckpoint, match="000001-00000050 is not whole"):
        latest_settled_checkpoint(folder)
