"""Labelled series: from files to batches of channels."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import curriculum
from curriculum import Adam, Budget, Experiment, Explicit, Mastery, Stage, UsageError
from curriculum.data import Series
from curriculum.data.table import Columns
from curriculum.learn.first_batch import DrawnStage
from curriculum.models import Recurrent
from curriculum.tasks import SeriesClassification

COUNT = 200
Write = Callable[..., str]


def arrays() -> dict[str, np.ndarray[Any, Any]]:
    """Series of 2 to 9 positions whose first channel tells their class, the second being noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(COUNT) % 2
    inputs = rng.normal(size=(COUNT, 9, 2)).astype(np.float32)
    inputs[:, :, 0] += 5 * labels[:, None]
    lengths = 2 + np.arange(COUNT) % 8
    return {
        "inputs": inputs,
        "label": labels,
        "lengths": lengths,
        "hard": -1000 * lengths - np.arange(COUNT),
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str = "series.npz", **changes: Any) -> str:
        found = arrays() | changes
        path = tmp_path / name
        np.savez(path, **{key: value for key, value in found.items() if value is not None})
        return str(path)

    return written


@pytest.fixture
def task(write: Write) -> SeriesClassification:
    return SeriesClassification(data=Series(file=write(), held_out=0.4, standardize=False))


def as_csv(path: Path) -> str:
    """The same series in rows, those of several series mixed but in order."""
    found = arrays()
    rows = [
        (place, f"s{number}", *map(float, found["inputs"][number, place]), number % 2)
        for place in range(9)
        for number in range(COUNT)
        if place < found["lengths"][number]
    ]
    lines = [",".join(map(str, row[1:])) for row in rows]
    path.write_text("\n".join(["series,x,y,label", *lines]))
    return str(path)


def test_a_table_and_arrays_give_the_same_examples(
    task: SeriesClassification, tmp_path: Path
) -> None:
    one = task.data.load()
    other = Series(file=as_csv(tmp_path / "a.csv"), held_out=0.4, standardize=False).load()
    assert one.digest == other.digest
    assert np.array_equal(one.values, other.values)
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.parts, other.parts)


def test_channels_of_a_table_can_be_chosen(tmp_path: Path) -> None:
    data = Series(file=as_csv(tmp_path / "a.csv"), held_out=0.4, channels=("y",))
    assert data.load().values.shape[1] == 1


def test_series_are_padded_and_masked(task: SeriesClassification) -> None:
    batch = task.sample(np.random.default_rng(0), Stage(9), 50)
    assert batch.inputs.shape == (50, 9, 2)
    assert batch.mask is not None
    assert set(batch.mask.sum(axis=1).tolist()) == {*range(2, 10)}
    known = {row[:length].tobytes(): label for row, length, label in zip(
        arrays()["inputs"], arrays()["lengths"], arrays()["label"], strict=True
    )}  # fmt: skip
    for row, mask, target in zip(batch.inputs, batch.mask, batch.targets, strict=True):
        assert known[row[mask].tobytes()] == target
        assert not row[~mask].any()


def test_one_length_has_no_mask(task: SeriesClassification) -> None:
    cut = replace(task, cut=True)
    batch = cut.sample(np.random.default_rng(0), Stage(2), 50)
    assert batch.inputs.shape == (50, 2, 2)
    assert batch.mask is None


def test_a_stage_takes_series_up_to_its_length_and_level(task: SeriesClassification) -> None:
    examples = task.data.load()
    hard = replace(task, data=replace(task.data, difficulty="hard"), levels=2)

    def lengths(of: SeriesClassification, stage: Stage) -> list[int]:
        return sorted(examples.lengths[of._chosen(stage, "train").members].tolist())

    every = lengths(task, Stage(9))
    assert len(every) == 120
    assert lengths(task, Stage(5)) == [length for length in every if length <= 5]
    assert lengths(hard, Stage(9, level=1)) == every[-61:]  # the longest are the least hard
    assert lengths(hard, Stage(9, level=2)) == every


def test_channels_are_standardized_by_what_is_trained_on(write: Write) -> None:
    plain, scaled = (
        Series(file=write(), held_out=0.4, standardize=standardize).load()
        for standardize in (False, True)
    )
    trained = np.repeat(scaled.parts == 0, scaled.lengths)
    values = scaled.values[trained].astype(np.float64)
    assert values.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert values.std(axis=0) == pytest.approx([1, 1], abs=1e-6)
    assert np.corrcoef(plain.values[:, 0], scaled.values[:, 0])[0, 1] == pytest.approx(1)
    constant = arrays()["inputs"]
    constant[:, :, 1] = 3
    found = Series(file=write("constant.npz", inputs=constant), held_out=0.4).load()
    assert not found.values[:, 1].any()


@dataclass(frozen=True, kw_only=True)
class Own(Series):
    def read(self) -> Columns:
        found = arrays()
        return {"inputs": found["inputs"][:, :, 0], "label": found["label"]}


def test_a_source_of_ones_own_may_have_one_channel() -> None:
    task = SeriesClassification(data=Own(held_out=0.4))
    assert task.shape(Stage(9)).channels == 1
    DrawnStage(task, Stage(9), 3, "exact_match").batch()


@pytest.mark.parametrize(
    ("changes", "settings", "message"),
    [
        ({"label": None}, {}, r"series\.npz has no column 'label'; "),
        ({"inputs": None}, {}, r"series\.npz has no column 'inputs'; "),
        ({}, {"difficulty": "score"}, r"has no column 'score'; "),
        ({"lengths": np.zeros(COUNT, int)}, {}, r"lengths must be a number from 1 to 9 for each"),
        ({"label": np.arange(3) % 2}, {}, r"one label for each of 200 series, got 3"),
        ({"label": np.zeros(COUNT)}, {}, r"at least 2 classes, got '0\.0'"),
        ({"inputs": np.full((COUNT, 9), np.nan)}, {}, r"series 1 has numbers that are not finite"),
        ({"inputs": np.full((COUNT, 9), "a")}, {}, r"a series is an array of numbers, .* got <U1"),
        (
            {"inputs": np.ones((COUNT, 9, 2, 2))},
            {},
            r"got float64 of shape \(2, 2, 2\) for series 1",
        ),
        ({"inputs": np.array([None, 1])}, {}, r"can't be read as arrays .*save it by numpy\.savez"),
        ({}, {"file": ""}, r"data\.file must be the path of a file with series, got none"),
        ({}, {"file": "/nowhere.npz"}, r"there is no file /nowhere\.npz"),
    ],
)
def test_bad_data_are_refused_in_one_sentence(
    write: Write, changes: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as error:
        Series(**{"file": write(**changes), "held_out": 0.4, **settings}).load()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        ("series,x\na,1\n", {}, r"has no column 'label'"),
        ("series,label\na,1\n", {}, r"has no channels: no column besides 'series', 'label'"),
        ("id,x,label\na,1,0\n", {}, r"has no column 'series'"),
        ("series,x,label\na,one,0\n", {}, r"'x' must hold finite numbers, got 'one' in row 1"),
        ("series,x,label\na,1,0\na,1,1\n", {}, r"a series has one label, and a has 0 and 1"),
        ("series,x,label\na,1,0\n", {"channels": ("z",)}, r"has no column 'z'"),
    ],
)
def test_bad_tables_are_refused_in_one_sentence(
    content: str, settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        Series(file=str(path), **settings).load()


def test_stages_that_the_data_have_not_are_refused(task: SeriesClassification) -> None:
    with pytest.raises(UsageError, match="has a length of 9, got a stage of 10; end the path at 9"):
        task.check(Stage(10))
    with pytest.raises(UsageError, match="the level of difficulty must be at most 1, got 2"):
        task.check(Stage(9, level=2))
    with pytest.raises(UsageError, match=r"up to length 1 .* there are 0 examples"):
        task.check(Stage(1))


def test_a_model_is_trained(task: SeriesClassification, store: Path) -> None:
    experiment = Experiment(
        task=task,
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=(6, 9)),
        criterion=Mastery(threshold=0.5, min_steps=4),
        optimizer=Adam(learning_rate=3e-2),
        budget=Budget(steps_per_stage=60),
    )
    result = curriculum.run(experiment, 0, store=store, mirror=False)
    assert result.reach == Stage(9)
    assert result.steps > 0
