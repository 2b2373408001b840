from pathlib import Path

import pytest
import torch

from curriculum import SGD, Adam, OptimizerSettings, RAdam, Shape, Stage, Training, UsageError
from curriculum.learn.learner import Learner, weights_sha256
from curriculum.learn.recipe import Recipe
from curriculum.models import Recurrent
from curriculum.record.checkpoint import load_learner, load_state, save_checkpoint

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
