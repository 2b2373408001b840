import itertools

import numpy as np
import pytest

from curriculum import Stage, UsageError
from curriculum.learn import IGNORED
from curriculum.models import Bert, Recurrent, Seq2Seq
from curriculum.tasks import HumanNumbers
from curriculum.tasks.human_numbers import (
    LIMITS,
    VOCABULARY,
    document,
    evaluated_on,
    is_memorised,
    trained_on,
)


def words(symbols: np.ndarray) -> str:
    return " ".join(VOCABULARY[symbol] for symbol in symbols)


def test_the_documents_are_the_notebooks() -> None:
    assert len(VOCABULARY) == 39
    last = Stage(20, 39)
    train, valid = trained_on(last), evaluated_on(last)
    assert (len(train), len(valid)) == (50_082, 13_017)
    assert words(train[:9]) == "xxbos one , two , three , four ,"
    assert words(valid[:9]) == "xxbos eight thousand one , eight thousand two ,"
    assert words(train[-2:]) == "eight thousand"
    assert words(valid[-6:]) == "nine thousand nine hundred ninety nine"


@pytest.mark.parametrize(("size", "limit"), LIMITS.items())
def test_a_vocabulary_is_just_what_its_numbers_need(size: int, limit: int) -> None:
    used = set(document(1, limit).tolist())
    assert max(used) == size - 1
    assert used == {VOCABULARY.index("xxbos"), *range(9, size)}


def test_words_that_would_never_be_trained_on_are_not_held_out() -> None:
    for size in (19, 29, 37):
        assert is_memorised(Stage(20, size))
        assert np.array_equal(trained_on(Stage(20, size)), evaluated_on(Stage(20, size)))
    for size, first in ((38, 801), (39, 8001)):
        assert not is_memorised(Stage(20, size))
        assert words(evaluated_on(Stage(20, size))[:3]).startswith("xxbos eight")
        assert np.array_equal(evaluated_on(Stage(20, size)), document(first, LIMITS[size]))


def test_each_row_of_a_chunk_continues_the_one_before() -> None:
    task, stage = HumanNumbers(), Stage(20, 39)
    first, second = (task.chunk(stage, 64, index) for index in (0, 1))
    assert first.inputs.shape == first.targets.shape == (64, 20)
    assert np.array_equal(first.targets[:, :-1], first.inputs[:, 1:])
    assert np.array_equal(first.targets[:, -1], second.inputs[:, 0])
    assert task.chunk_count(stage, 64) == 40
    assert task.chunk_count(Stage(3, 39), 64) == 261


def test_the_rows_start_at_equal_distances_in_a_circle() -> None:
    task, stage = HumanNumbers(), Stage(20, 19)  # 18 words, so a row goes round
    batch = task.chunk(stage, 4, 0)
    text = document(1, 9)
    for row, begin in zip(batch.inputs, (0, 4, 9, 13), strict=True):
        expected = list(itertools.islice(itertools.cycle(text.tolist()), begin, begin + 20))
        assert row.tolist() == expected


@pytest.mark.parametrize("size", LIMITS)
@pytest.mark.parametrize("length", [3, 20])
def test_every_word_is_predicted_once_in_the_evaluation_set(size: int, length: int) -> None:
    task, stage = HumanNumbers(), Stage(length, size)
    evaluation_set, text = task.evaluation_set(stage), evaluated_on(stage)
    whole = task.evaluation_batch(stage, 0, evaluation_set.examples)
    assert evaluation_set.rows is not None
    predicted = whole.targets != IGNORED
    assert int(predicted.sum()) == len(text) - 1
    assert whole.weights is not None
    assert whole.weights.sum() == len(text) - 1
    by_row = [whole.targets[row :: evaluation_set.rows] for row in range(evaluation_set.rows)]
    read = np.concatenate([targets[targets != IGNORED] for targets in by_row])
    assert np.array_equal(read, text[1:])
    assert evaluation_set.memorised == is_memorised(stage)
    assert evaluation_set.source == "document"


def test_the_last_stage_is_evaluated_in_as_many_segments_as_in_the_notebook() -> None:
    assert HumanNumbers().evaluation_set(Stage(20, 39)).rows == 64
    assert HumanNumbers().evaluation_set(Stage(20, 19)).rows == 1


def test_the_evaluation_set_may_be_read_chunk_by_chunk() -> None:
    task, stage = HumanNumbers(), Stage(20, 38)
    evaluation_set, text = task.evaluation_set(stage), evaluated_on(stage)
    rows = evaluation_set.rows
    assert rows is not None
    parts = [
        task.evaluation_batch(stage, at, at + rows)
        for at in range(0, evaluation_set.examples, rows)
    ]
    edges = np.arange(rows) * (len(text) - 1) // rows
    for number, part in enumerate(parts):
        assert part.inputs.shape == (rows, 20)
        for row, begin in zip(part.inputs, edges + 20 * number, strict=True):
            expected = text[begin : begin + 20]
            assert np.array_equal(row[: len(expected)], expected)


def test_the_last_word_alone_may_be_predicted() -> None:
    task, stage = HumanNumbers(predict="last"), Stage(3, 39)
    batch = task.chunk(stage, 64, 0)
    assert batch.inputs.shape == (64, 3)
    assert batch.targets.shape == (64,)
    assert words(batch.inputs[0]) == "xxbos one ,"
    assert words(batch.targets[:1]) == "two"
    evaluation_set = task.evaluation_set(stage)
    whole = task.evaluation_batch(stage, 0, evaluation_set.examples)
    assert whole.weights is not None
    assert whole.weights.sum() == (whole.targets != IGNORED).sum() >= 13_016 // 3 - 64


def test_samples_come_from_what_is_trained_on() -> None:
    stage = Stage(9, 39)
    batch = HumanNumbers().sample(np.random.default_rng(0), stage, 50)
    text = " ".join(VOCABULARY[symbol] for symbol in trained_on(stage))
    circle = f" {text} {text} "
    assert all(f" {words(row)} " in circle for row in batch.inputs)
    held_out = " ".join(VOCABULARY[symbol] for symbol in evaluated_on(stage))
    assert not any(words(row) in held_out for row in batch.inputs)


def test_trials_are_evaluated_on_the_training_document() -> None:
    task, stage = HumanNumbers().for_stream("tuning"), Stage(20, 39)
    evaluation_set = task.evaluation_set(stage)
    assert evaluation_set.memorised
    inputs = task.evaluation_batch(stage, 0, evaluation_set.examples).inputs
    assert words(inputs[0, :6]) == "xxbos six thousand four hundred one"
    assert task.for_stream("tuning") == task
    assert np.array_equal(
        task.chunk(stage, 64, 3).inputs, HumanNumbers().chunk(stage, 64, 3).inputs
    )
    assert HumanNumbers().for_stream("tuning").evaluation_set(Stage(20, 19)).memorised


def test_models_that_see_the_next_word_are_refused() -> None:
    assert HumanNumbers().shape(Stage(20, 39)).causal
    assert not HumanNumbers(predict="last").shape(Stage(3, 39)).causal
    for model in (Bert(), Seq2Seq(), Recurrent(bidirectional=True)):
        with pytest.raises(UsageError, match="it would copy it"):
            model.check(HumanNumbers().shape(Stage(20, 39)))
    Recurrent().check(HumanNumbers().shape(Stage(20, 39)))


@pytest.mark.parametrize("size", [2, 20, 40, 1000])
def test_vocabularies_between_those_of_the_numbers_are_errors(size: int) -> None:
    with pytest.raises(UsageError, match=rf"19 \(to 9\), 29 .*39 \(to 9,999\), got {size}"):
        HumanNumbers().check(Stage(20, size))


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(UsageError, match="last or every, got 'first'"):
        HumanNumbers(predict="first")  # type: ignore[arg-type]


def test_typed_text_is_encoded_as_words() -> None:
    batch = HumanNumbers().encode("Nine thousand, nine", Stage(20, 39))
    assert words(batch.inputs[0]) == "nine thousand , nine"
    assert words(batch.targets[0, :-1]) == "thousand , nine"
    assert batch.targets[0, -1] == IGNORED
    assert HumanNumbers(predict="last").encode("one , two", Stage(3, 39)).targets.tolist() == [
        IGNORED
    ]
    for text, message in (
        ("one thousand", "'thousand' is not a word of the numbers to 99"),
        ("twnty", "did you mean twenty"),
        ("one, 2", "'2' is not a word"),
        ("one; two", "'one;' is not a word"),
        ("  ", "numbers in words with commas, got '  '"),
    ):
        with pytest.raises(UsageError, match=message):
            HumanNumbers().encode(text, Stage(20, 37))
