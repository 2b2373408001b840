"""Labelled texts: how they are split, chosen by difficulty, and drawn."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

import curriculum
from curriculum import Adam, Batch, Budget, Experiment, Explicit, Mastery, Stage, UsageError
from curriculum.data import BYTES, Labelled
from curriculum.data.table import Columns
from curriculum.learn import PADDING, EvaluationStream
from curriculum.learn.first_batch import DrawnStage
from curriculum.models import Recurrent
from curriculum.tasks import TextClassification

STAGE = Stage(20, BYTES)
Write = Callable[[list[tuple[str, str, str]]], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(rows: list[tuple[str, str, str]]) -> str:
        path = tmp_path / "texts.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label", "hard"), *rows])
        return str(path)

    return written


def rows(count: int = 300) -> list[tuple[str, str, str]]:
    """Texts of 3 to 22 letters, a third of them of the class `a`; the longest are the least hard."""
    found = []
    for number in range(count):
        letter = "abb"[number % 3]
        text = f"{number:03d}" + letter * (number % 20)
        found.append((text, f"class {letter}", str(100 - len(text))))
    return found


@pytest.fixture
def task(write: Write) -> TextClassification:
    return TextClassification(data=Labelled(file=write(rows()), held_out=0.4))


def texts(task: TextClassification, batch: Batch) -> list[str]:
    return ["".join(task.decode(row[row != PADDING])) for row in batch.inputs]


def all_of(task: TextClassification, stage: Stage, part: str) -> dict[str, str]:
    """The texts of a part at a stage, with their classes."""
    members = task.data.load().choose(
        part,  # type: ignore[arg-type]
        None if task.cut else stage.length,
        stage.level,
        task.levels,
    )
    batch = task._batch(members.members, stage)
    return dict(zip(texts(task, batch), task.decode_output(batch.targets), strict=True))


PARTS = ("train", "gate", *get_args(EvaluationStream))


def test_each_text_is_in_one_part_with_its_class(task: TextClassification) -> None:
    parts = [all_of(task, Stage(22, BYTES), part) for part in PARTS]
    assert sum(map(len, parts)) == 300
    merged = {text: label for part in parts for text, label in part.items()}
    assert merged == {text: label for text, label, _ in rows()}


def test_the_split_is_stratified_whatever_the_order(write: Write) -> None:
    counts = []
    for each in (rows(), rows()[::-1]):
        data = Labelled(file=write(each), held_out=0.4)
        task = TextClassification(data=data)
        data.load(anew=True)
        counts.append([all_of(task, Stage(22, BYTES), part) for part in PARTS])
    assert counts[0] == counts[1]
    shares = [[*part.values()].count("class a") / len(part) for part in counts[0]]
    assert shares == pytest.approx([1 / 3] * 5)
    assert [len(part) for part in counts[0]] == [180, 30, 30, 30, 30]


def test_a_stage_takes_texts_up_to_its_length(task: TextClassification) -> None:
    lengths = [len(text) for text in all_of(task, Stage(12, BYTES), "train")]
    assert max(lengths) == 12
    longer = [len(text) for text in all_of(task, Stage(22, BYTES), "train")]
    assert sorted(lengths) == sorted(length for length in longer if length <= 12)


def test_longer_texts_are_cut_where_asked(task: TextClassification) -> None:
    cut = replace(task, cut=True)
    assert cut.evaluation_set(Stage(5, BYTES)).examples == 30
    batch = cut.evaluation_batch(Stage(5, BYTES), 0, 30)
    assert batch.inputs.shape == (30, 5)


def test_a_level_takes_the_least_difficult(task: TextClassification) -> None:
    hard = replace(task, data=replace(task.data, difficulty="hard"), levels=4)
    found = [
        [len(text) for text in all_of(hard, Stage(22, BYTES, level), "train")]
        for level in range(1, 5)
    ]
    assert [len(each) / 180 for each in found] == pytest.approx([0.25, 0.5, 0.75, 1], abs=0.05)
    everything = sorted(found[3], reverse=True)  # the longest are the least hard
    for each in found:
        assert sorted(each, reverse=True) == everything[: len(each)]
    limit = min(found[0])
    held_out = [len(text) for text in all_of(hard, Stage(22, BYTES, 1), "gate")]
    assert held_out
    assert min(held_out) >= limit


@dataclass(frozen=True, kw_only=True)
class ByLastDigit(Labelled):
    def scores(self, columns: Columns, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([float(text[2]) for text in columns[self.text]])


def test_a_score_of_ones_own_says_what_is_difficult(task: TextClassification) -> None:
    own = TextClassification(data=ByLastDigit(file=task.data.file, held_out=0.4), levels=10)
    found = all_of(own, Stage(22, BYTES, level=3), "train")
    assert {text[2] for text in found} == {"0", "1", "2"}
    assert own.data_digest != task.data_digest


@dataclass(frozen=True, kw_only=True)
class Unsound(Labelled):
    def scores(self, columns: Columns, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([np.nan])


def test_scores_that_are_none_are_refused(task: TextClassification) -> None:
    with pytest.raises(UsageError, match=r"Unsound.scores must give a finite number for each of"):
        Unsound(file=task.data.file).load()


def test_classes_are_drawn_equally_often_where_asked(task: TextClassification) -> None:
    rng = np.random.default_rng(0)
    shares = [
        (replace(task, balanced=balanced).sample(rng, STAGE, 6000).targets == 0).mean()
        for balanced in (False, True)
    ]
    assert shares == pytest.approx([1 / 3, 1 / 2], abs=0.03)
    drawn = replace(task, balanced=True).sample(rng, STAGE, 6000)
    found = dict(zip(texts(task, drawn), task.decode_output(drawn.targets), strict=True))
    assert found == all_of(task, STAGE, "train")


def test_a_batch_is_a_function_of_the_generator(task: TextClassification) -> None:
    one, two, other = (task.sample(np.random.default_rng(n), STAGE, 9) for n in (1, 1, 2))
    assert np.array_equal(one.inputs, two.inputs)
    assert np.array_equal(one.targets, two.targets)
    assert texts(task, one) != texts(task, other)


def test_copies_and_texts_of_several_classes_are_counted(write: Write) -> None:
    more = [("same  text", "class a", "1"), ("same text", "class b", "1"), rows()[0]]
    data = Labelled(file=write([*rows(), *more]), held_out=0.4)
    notes = [*data.load().notes()]
    assert notes[1] == "left out, as copies of others: 1 example"
    assert notes[2] == "in several classes, and so only trained on: 2 examples"
    trained = all_of(TextClassification(data=data), STAGE, "train")
    assert "same text" in trained


def test_what_is_drawn_is_in_order(task: TextClassification) -> None:
    DrawnStage(task, STAGE, 3, "exact_match").batch()
    DrawnStage(replace(task, levels=2), Stage(20, BYTES, 2), 3, "exact_match").batch()


@pytest.mark.parametrize(
    ("settings", "stage", "message"),
    [
        ({}, Stage(20, 256), r"a vocabulary of 257, got 256; .*Stage\(20, 257\)"),
        ({}, Stage(2, BYTES), r"up to bytes 2 and .* there are 0 examples of 0 classes to train"),
        (
            {},
            Stage(23, BYTES),
            r"longest of all examples has a length of 22, got a stage of 23; end",
        ),
        (
            {},
            Stage(20, BYTES, 2),
            r"the level of difficulty must be at most 1, got 2; raise task.levels",
        ),
    ],
)
def test_stages_that_the_data_have_not_are_refused(
    task: TextClassification, settings: dict[str, Any], stage: Stage, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        replace(task, **settings).check(stage)


def test_a_class_that_a_stage_never_trains_on_is_refused(write: Write) -> None:
    many = [(f"{n:04d}", f"class {n % 2}", "0") for n in range(300)]
    long = [(f"{n:04d}" * 4, "class 2", "0") for n in range(300, 320)]
    data = Labelled(file=write([*many, *long]), held_out=0.4)
    TextClassification(data=data).check(Stage(16, BYTES))
    TextClassification(data=data).check(Stage(4, BYTES))  # which evaluates none of it either
    examples = data.load()
    held = next(n for n in range(len(examples.labels)) if examples.labels[n] == 2)
    assert examples.parts[held] > 0
    examples.edges[held + 1 :] -= 12  # a held-out one is short
    examples._chosen.clear()
    task = TextClassification(data=data, evaluate_on=("gate", "tuning", "target", "certificate")[
        int(examples.parts[held]) - 1
    ])  # fmt: skip
    with pytest.raises(
        UsageError, match=r"class 'class 2' has held-out examples and none to train"
    ):
        task.check(Stage(4, BYTES))


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({}, {"text": "body"}, r"texts\.csv has no column 'body'; "),
        ({}, {"difficulty": "text"}, r"'text' must hold finite numbers, got '001b' in row 2"),
        ({"label": " "}, {}, r"the column 'label' has no label in row 8; give it one"),
        (
            {"label": "rare"},
            {},
            r"the class 'rare' has 1 example, of which held_out 0.4 holds out 0",
        ),
        ({}, {"held_out": 0.999}, r"which held_out 0.999 holds out 100; it takes one for each"),
        ({"all": "one"}, {}, r"there must be at least 2 classes, got 'one'"),
        ({}, {"held_out": 0.0}, r"data\.held_out must be in \(0, 1\), got 0"),
        ({}, {"file": ""}, r"data\.file must be the path of a table, got none"),
        ({}, {"file": "/nowhere.csv"}, r"there is no file /nowhere\.csv"),
    ],
)
def test_bad_data_are_refused_in_one_sentence(
    write: Write, change: dict[str, str], settings: dict[str, Any], message: str
) -> None:
    found = rows()
    if "label" in change:
        found[7] = (found[7][0], change["label"], "1")
    if "all" in change:
        found = [(text, change["all"], hard) for text, _, hard in found]
    with pytest.raises(UsageError, match=message):
        Labelled(**{"file": write(found), "held_out": 0.4, **settings}).load()


def test_a_typed_text_is_classified_in_words(task: TextClassification) -> None:
    assert texts(task, task.encode("ab c", STAGE)) == ["ab c"]
    assert task.decode_output(np.array([0, 1])) == ["class a", "class b"]
    with pytest.raises(UsageError, match="at least one symbol"):
        task.encode("", STAGE)


def test_a_changed_file_is_another_digest(task: TextClassification, write: Write) -> None:
    before = task.data_digest
    assert task.data_digest == before
    write([*rows(), ("new", "class a", "1")])
    assert task.data_digest != before


def test_a_model_is_trained_by_length_and_by_level(write: Write, store: Path) -> None:
    task = TextClassification(data=Labelled(file=write(rows(1000)), held_out=0.4))
    experiment = Experiment(
        task=replace(task, levels=2),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Explicit(lengths=(10, 22), vocab_sizes=(BYTES,), levels=(1, 2)),
        criterion=Mastery(threshold=0.3, screen=8, min_steps=4),
        optimizer=Adam(learning_rate=3e-2),
        budget=Budget(steps_per_stage=60),
    )
    result = curriculum.run(experiment, 0, store=store, mirror=False)
    assert result.steps > 0
    assert result.reach is not None
