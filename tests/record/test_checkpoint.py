from pathlib import Path

import pytest
import torch

from curriculum import SGD, Adam, OptimizerSettings, RAdam, Shape, Stage, Training, UsageError
from curriculum.learn.learner import Learner, weights_sha256
from curriculum.learn.network import teach
from curriculum.learn.recipe import Recipe
from curriculum.models import LanguageModel, Recurrent
from curriculum.models.language_model import Net
from curriculum.record.checkpoint import load_learner, load_state, save_checkpoint
from curriculum.record.packing import pack, unpack

CPU = torch.device("cpu")


def recipe(optimizer: OptimizerSettings) -> Recipe:
    return Recipe(model=Recurrent(hidden_size=4), optimizer=optimizer, training=Training())


def learner(seed: int, optimizer: OptimizerSettings) -> Learner:
    return Learner.start(
        Shape.of("bit", Stage(9)),
        recipe(optimizer),
        seed=seed,
        device=CPU,
    )


def step(one: Learner) -> None:
    one.model(torch.ones(2, 5, dtype=torch.int64)).sum().backward()
    one.optimizer.step()
    one.optimizer.zero_grad()


@pytest.mark.parametrize("optimizer", [Adam(), SGD(momentum=0.9), RAdam()])
def test_a_loaded_learner_goes_on_as_the_saved_one(
    tmp_path: Path, optimizer: OptimizerSettings
) -> None:
    saved, folder = learner(0, optimizer), tmp_path / "000000"
    step(saved)
    save_checkpoint(folder, saved, recipe(optimizer), {"visit": 3})
    assert load_state(folder)["state"] == {"visit": 3}
    loaded = load_learner(folder, recipe(optimizer), CPU)
    step(saved)
    step(loaded)
    assert weights_sha256(saved.model) == weights_sha256(loaded.model)


def test_a_checkpoint_is_safetensors_and_json_alone(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "000000", learner(0, Adam()), recipe(Adam()), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000"]
    assert sorted(path.name for path in (tmp_path / "000000").iterdir()) == [
        "digest.json",
        "model.safetensors",
        "optimizer.safetensors",
        "state.json",
    ]


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, name: str, damage: str) -> None:
    one = learner(0, Adam())
    step(one)
    save_checkpoint(tmp_path / "000000", one, recipe(Adam()), {})
    path = tmp_path / "000000" / name
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content if damage == "flip" else content[:-1])
    with pytest.raises(UsageError, match="is not whole"):
        load_learner(tmp_path / "000000", recipe(Adam()), CPU)


def test_an_interrupted_save_leaves_nothing_that_looks_like_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("curriculum.record.checkpoint.os.fsync", broken)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path / "000000", learner(0, Adam()), recipe(Adam()), {})
    assert not (tmp_path / "000000").exists()


@pytest.mark.parametrize("net", ["every_word", "lstm"])
def test_a_carried_state_is_saved_with_its_learner(net: Net, tmp_path: Path) -> None:
    model = LanguageModel(net=net, hidden_size=4, carries_state=True)
    made = Recipe(model=model, optimizer=Adam(), training=Training())
    shape = Shape.of("symbols", Stage(5, 7))
    one = Learner.start(shape, made, seed=0, device=CPU)
    words = torch.randint(7, (3, 5))
    logits, one.state = teach(one.model, one.manner, words, words, None)
    logits.sum().backward()  # type: ignore[no-untyped-call]
    one.optimizer.step()
    save_checkpoint(tmp_path / "000000", one, made, {})
    back = load_learner(tmp_path / "000000", made, CPU)
    assert back.shape == shape
    assert one.state is not None
    assert back.state is not None
    assert len(back.state) == len(one.state)
    for saved, loaded in zip(one.state, back.state, strict=True):
        assert torch.equal(saved, loaded)
    save_checkpoint(tmp_path / "000001", Learner.start(shape, made, seed=0, device=CPU), made, {})
    assert load_learner(tmp_path / "000001", made, CPU).state is None


def test_a_checkpoint_of_an_earlier_version_is_said_to_be_one(tmp_path: Path) -> None:
    packed = pack(learner(0, Adam()).snapshot(), recipe(Adam()))
    del packed.rest["shape"]
    with pytest.raises(UsageError, match="saved by an earlier version"):
        unpack(packed, recipe(Adam()))
