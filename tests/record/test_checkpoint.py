from pathlib import Path

import pytest
import torch

from curriculum import (
    SGD,
    Adam,
    Experiment,
    Explicit,
    Mastery,
    OptimizerSettings,
    RAdam,
    UsageError,
)
from curriculum.learn.learner import Learner, weights_sha256
from curriculum.learn.network import teach
from curriculum.models import LanguageModel, Recurrent
from curriculum.models.language_model import Net
from curriculum.record.checkpoint import (
    DamagedCheckpoint,
    load_learner,
    load_state,
    save_checkpoint,
    standing_checkpoint,
)
from curriculum.record.packing import pack, unpack
from curriculum.record.store import RunFolder, Store
from tasks import FirstBit, HumanNumbers

CPU = torch.device("cpu")


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


def saved(folder: Path, *, seed: int = 0, steps: int = 1, **state: object) -> Learner:
    made = experiment()
    one = learner(seed, made)
    for _ in range(steps):
        step(one)
    save_checkpoint(folder, one.snapshot(), made.recipe, state)
    return one


@pytest.mark.parametrize("optimizer", [Adam(), SGD(momentum=0.9), SGD(momentum=0.0), RAdam()])
def test_a_loaded_learner_goes_on_as_the_saved_one(
    tmp_path: Path, optimizer: OptimizerSettings
) -> None:
    made, folder = experiment(optimizer), tmp_path / "000000"
    one = learner(0, made)
    step(one)
    save_checkpoint(folder, one.snapshot(), made.recipe, {"visit": 3})
    assert load_state(folder)["state"] == {"visit": 3}
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
    for load in (load_state, lambda folder: load_learner(folder, experiment(), CPU)):
        with pytest.raises(DamagedCheckpoint, match="is not whole") as caught:
            load(tmp_path / "000000")
        assert "\n" not in str(caught.value)


def test_an_interrupted_save_leaves_nothing_that_looks_like_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("curriculum.record.checkpoint.os.fsync", broken)
    with pytest.raises(OSError, match="No space left"):
        saved(tmp_path / "000000")
    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_save_left_half_written_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".000000.new").mkdir()
    (tmp_path / ".000000.new" / "model.safetensors").write_bytes(b"half")
    (tmp_path / ".000000.new" / "stranger").write_bytes(b"?")
    one = saved(tmp_path / "000000")
    assert [path.name for path in tmp_path.iterdir()] == ["000000"]
    loaded = load_learner(tmp_path / "000000", experiment(), CPU)
    assert weights_sha256(loaded.model) == weights_sha256(one.model)


def test_what_the_disk_refuses_of_tensors_is_an_error_of_the_disk(
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
    logits, one.state = teach(one.model, one.manner, words, words, None)
    logits.sum().backward()  # type: ignore[no-untyped-call]
    one.optimizer.step()
    save_checkpoint(tmp_path / "000000", one.snapshot(), made.recipe, {})
    back = load_learner(tmp_path / "000000", made, CPU)
    assert back.shape == made.shape
    assert one.state is not None
    assert back.state is not None
    assert len(back.state) == len(one.state)
    for ours, loaded in zip(one.state, back.state, strict=True):
        assert torch.equal(ours, loaded)
    save_checkpoint(tmp_path / "000001", learner(0, made).snapshot(), made.recipe, {})
    assert load_learner(tmp_path / "000001", made, CPU).state is None


def test_a_checkpoint_of_an_earlier_version_is_said_to_be_one(tmp_path: Path) -> None:
    made = experiment()
    packed = pack(learner(0, made).snapshot(), made.recipe)
    del packed.rest["shape"]
    with pytest.raises(UsageError, match="saved by an earlier version"):
        unpack(packed, made.recipe)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": Recurrent(hidden_size=5)}, "not those of the model"),
        ({"model": Recurrent(cell="gru", hidden_size=4)}, "not those of the model"),
        ({"growth": Explicit(lengths=(8,))}, "was built for"),
    ],
)
def test_a_checkpoint_of_another_experiment_does_not_fit(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    saved(tmp_path / "000000")
    with pytest.raises(DamagedCheckpoint, match=said):
        load_learner(tmp_path / "000000", experiment().but(**changes), CPU)


@pytest.fixture
def folder(store: Path) -> RunFolder:
    return Store(store).create({"seed": 0})


def test_the_weights_that_stand_are_the_newest_that_no_verdict_can_take_back(
    folder: RunFolder,
) -> None:
    with pytest.raises(UsageError, match="has no checkpoint yet"):
        standing_checkpoint(folder)
    saved(folder.checkpoints / "000000-00000050", stands=False)
    assert standing_checkpoint(folder).name == "000000-00000050"  # better than none
    saved(folder.checkpoints / "000001", stands=True)
    saved(folder.checkpoints / "000001-00000050", stands=False)
    assert standing_checkpoint(folder).name == "000001"
    (folder.checkpoints / "000001" / "model.safetensors").write_bytes(b"")
    assert standing_checkpoint(folder).name == "000001-00000050"
    for path in folder.saved:
        (path / "state.json").unlink()
    with pytest.raises(DamagedCheckpoint, match="000001-00000050 is not whole"):
        standing_checkpoint(folder)
