"""The files of docs/gallery.md work, word for word, and draw what they say."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gallery
import numpy as np
import pytest
import torch
from torch.nn.functional import gelu, glu

from curriculum import Batch, Experiment, Stage
from curriculum.cli.main import main
from curriculum.config import load_experiment
from curriculum.tasks.dyck_criteria import allowed_next_symbols
from curriculum.tasks.dyck_words import is_balanced

TINY = {
    "adding_problem": ["--growth.end", "2"],
    "temporal_order": ["--growth.end.length", "4"],
    "dyck": ["--growth.end.length", "2"],
    "recall": ["--growth.lengths", "4", "--growth.levels", "1", "--training.eval-every", "10"],
    "addition": [
        *("--growth.end.length", "1", "--model.hidden-size", "32", "--training.batch-size", "16"),
        *("--training.eval-every", "10"),
    ],
    "state_space": ["--growth.end", "10"],
    "stack_rnn": ["--growth.end", "2"],
}

Load = Callable[[str], Experiment]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Gives the experiment of a file of the page."""

    def loaded(name: str) -> Experiment:
        path = tmp_path / f"{name}.py"
        path.write_text(gallery.files()[name])
        return load_experiment(str(path))[0]

    return loaded


def drawn(experiment: Experiment, stage: Stage) -> Batch:
    return experiment.task.sample(np.random.default_rng(0), stage, 200)


def test_there_are_seven_files_of_at_most_fifty_lines() -> None:
    lines = {
        name: len([line for line in code.splitlines() if line.strip()])
        for name, code in gallery.files().items()
    }
    assert lines.keys() == TINY.keys()
    assert {name: count for name, count in lines.items() if count > 50} == {}
    assert gallery.PAGE.read_text().count("```python") == len(TINY)


@pytest.mark.parametrize("name", TINY)
def test_each_file_has_a_small_picture(name: str) -> None:
    picture = gallery.IMAGES / f"gallery_{name}.png"
    assert f"](images/{picture.name})" in gallery.PAGE.read_text()
    assert picture.stat().st_size < 100_000


@pytest.mark.parametrize("name", TINY)
def test_examples_of_first_and_last_stage_fit_the_model(name: str, load: Load) -> None:
    load(name).check_first_batch()


@pytest.mark.parametrize("name", TINY)
def test_each_file_runs_at_a_tiny_size_and_shows_examples(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.tracking.start_mirror", lambda *_: None)
    path, store = tmp_path / f"{name}.py", ["--store", str(tmp_path / "store")]
    path.write_text(gallery.files()[name])
    easy = ["--criterion.threshold", "0.05", "--final-evaluation.mode", "off"]
    assert main(["run", str(path), *TINY[name], *easy, *store]) == 0
    assert main(["show", "last", *store]) == 0


@pytest.mark.parametrize(
    ("name", "changes", "line"),
    [
        ("temporal_order", ["--growth.end.vocab-size", "12"], "length 100, vocabulary 12"),
        ("stack_rnn", ["--model", "recurrent"], "length 40"),
        ("addition", ["--model.style", "gpt2"], "digits 4"),
        ("adding_problem", ["--task.tolerance", "0.1"], "length 100"),
    ],
)
def test_settings_are_changed_as_the_page_says(
    name: str, changes: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{name}.py"
    path.write_text(gallery.files()[name])
    assert main(["run", str(path), *changes, "--dry-run"]) == 0
    assert line in capsys.readouterr().out


def test_the_adding_problem_adds_a_number_of_each_half(load: Load) -> None:
    batch = drawn(load("adding_problem"), Stage(9))
    for inputs, target in zip(batch.inputs, batch.targets, strict=True):
        first, second = np.flatnonzero(inputs[:, 1])
        assert first < 4 <= second
        assert target == pytest.approx(inputs[first, 0] + inputs[second, 0])


def test_temporal_order_asks_for_its_two_symbols(load: Load) -> None:
    task = load("temporal_order").task
    batch = drawn(load("temporal_order"), Stage(12, 6))
    words = ["".join(task.decode(row)) for row in batch.inputs]
    assert [re.sub("[^XY]", "", word) for word in words] == task.decode_output(batch.targets)
    assert {letter for word in words for letter in word} == set("XYabcd")


def test_dyck_words_are_balanced_with_the_sets_that_may_follow(load: Load) -> None:
    batch = drawn(load("dyck"), Stage(12, 4))
    assert is_balanced(batch.inputs).all()
    assert np.array_equal(batch.targets, allowed_next_symbols(batch.inputs, 4))


def test_recall_asks_for_the_values_of_its_keys(load: Load) -> None:
    batch = drawn(load("recall"), Stage(12, 16, 4))
    for inputs, targets in zip(batch.inputs, batch.targets, strict=True):
        values = dict(zip(inputs[0:8:2], inputs[1:8:2], strict=True))
        assert len(values) == 4
        assert targets.tolist() == [-100] * 8 + [values[key] for key in inputs[8:]]


def test_addition_gives_the_sum(load: Load) -> None:
    task = load("addition").task
    batch = drawn(load("addition"), Stage(3, 10))
    for inputs, targets in zip(batch.inputs, batch.targets, strict=True):
        first, second = "".join(task.decode(inputs)).split("+")
        total = "".join(task.decode_output(targets))
        assert int(first[::-1]) + int(second[::-1]) == int(total[::-1])


@torch.no_grad()
def test_the_state_space_model_is_the_recurrence_that_its_convolution_stands_for(
    load: Load,
) -> None:
    experiment = load("state_space")
    network: Any = experiment.model.build(experiment.shape)
    layer, features = network[1], torch.randn(2, 9, 32)
    inputs = layer.norm(features)
    poles = torch.complex(-layer.log_decay.exp(), layer.phase)
    step = poles * layer.log_step.exp()
    state, found = torch.zeros(2, 32, 16, dtype=torch.cfloat), []
    for t in range(9):
        state = step.exp() * state + (step.exp() - 1) / poles * inputs[:, t, :, None]
        found.append(2 * (layer.read * state).sum(-1).real + layer.skip[:, 0] * inputs[:, t])
    expected = features + glu(layer.mix(gelu(torch.stack(found, dim=1))))
    torch.testing.assert_close(layer(features), expected, rtol=1e-4, atol=1e-4)
