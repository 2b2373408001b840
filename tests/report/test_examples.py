"""The table of examples, and which examples are worth showing."""

import io

import numpy as np
from rich.console import Console

from curriculum import Batch, Stage, Training
from curriculum.learn import IGNORED, PADDING, ExamplePredictions, batch_of
from curriculum.learn.examples import select_examples
from curriculum.report import example_table
from curriculum.tasks import FirstBit, HumanNumbers, Reverse


def rows(batch: Batch, predictions: np.ndarray) -> list[str]:
    printed = io.StringIO()
    notes = ["hard"] + [""] * (len(predictions) - 1)
    examples = ExamplePredictions(batch=batch, predictions=predictions, notes=notes)
    table = example_table(examples, Reverse().decode, Reverse().decode_output)
    Console(file=printed, width=120).print(table)
    return [" ".join(line.split()) for line in printed.getvalue().splitlines()]


def test_mistakes_are_marked_in_words_and_in_place() -> None:
    batch = Batch(
        inputs=np.array([[5, 6, 7], [7, 6, 5]]), targets=np.array([[7, 6, 5], [5, 6, IGNORED]])
    )
    lines = rows(batch, np.array([[7, 9, 5], [5, 6, 1]]))
    assert lines[1] == "5 6 7 7 6 5 7 [9] 5 WRONG (hard)"
    assert lines[2] == "7 6 5 5 6 . 5 6 1 correct"


def test_places_before_the_first_that_is_predicted_are_left_out_of_the_output() -> None:
    batch = Batch(inputs=np.array([[5, 6, 0]]), targets=np.array([[IGNORED, IGNORED, 7]]))
    assert rows(batch, np.array([[1, 2, 7]]))[1] == "5 6 0 7 7 correct (hard)"


def test_where_the_target_is_not_known_nothing_is_marked_correct_or_wrong() -> None:
    batch = Batch(inputs=np.array([[5, 6], [1, PADDING]]), targets=np.full((2, 2), IGNORED))
    lines = rows(batch, np.array([[7, 9], [1, 1]]))
    assert lines[1:] == ["5 6 . . 7 9 (hard)", "1 . . 1 1"]


def test_symbols_may_be_decoded_to_words() -> None:
    batch = Batch(inputs=np.array([[0, 1]]), targets=np.array([[1, 0]]))
    printed = io.StringIO()
    given, answered = ("no", "yes"), ("off", "on")
    examples = ExamplePredictions(batch=batch, predictions=np.array([[1, 1]]), notes=[""])
    table = example_table(
        examples, lambda row: [given[i] for i in row], lambda row: [answered[i] for i in row]
    )
    Console(file=printed, width=120).print(table)
    assert printed.getvalue().splitlines()[1].split() == [
        "no",
        "yes",
        "on",
        "off",
        "on",
        "[on]",
        "WRONG",
    ]


def test_long_rows_show_their_two_ends() -> None:
    batch = Batch(inputs=np.arange(1000)[None], targets=np.array([1]))
    assert (
        "0 1 2 3 4 5 6 7 …984 more… 992 993 994 995 996 997 998 999"
        in rows(batch, np.array([1]))[1]
    )


def test_rows_without_their_middle_show_how_many_symbols_are_left_out() -> None:
    batch = Batch(inputs=np.arange(16)[None], targets=np.array([1]))
    printed = io.StringIO()
    predictions = np.array([1])
    examples = ExamplePredictions(batch=batch, predictions=predictions, notes=[""], left_out=984)
    table = example_table(examples, Reverse().decode, Reverse().decode_output)
    Console(file=printed, width=120).print(table)
    row = " ".join(printed.getvalue().splitlines()[1].split())
    assert row == "0 1 2 3 4 5 6 7 …984 more… 8 9 10 11 12 13 14 15 1 1 correct"


def test_hard_cases_come_first() -> None:
    batch, notes = select_examples(FirstBit(), Stage(500), 0, 6, Training())
    assert notes == ["hard", "hard", "", "", "", ""]
    assert batch.inputs.shape == (6, 500)
    assert batch.inputs[0].min() == 1
    assert batch.inputs[1, 0] == 0


def test_a_short_list_is_all_hard_cases() -> None:
    assert len(select_examples(FirstBit(), Stage(500), 0, 1, Training())[0].targets) == 1


def test_one_that_was_seen_in_training_comes_first() -> None:
    training = Training(batch_size=4, distinct_examples=8)
    batch, notes = select_examples(Reverse(), Stage(5, 10), 3, 3, training)
    assert notes == ["seen", "", ""]
    first = batch_of(Reverse(), Stage(5, 10), 4, seed=3, stream="train", index=0)
    assert np.array_equal(batch.inputs[0], first.inputs[0])


def test_of_a_document_the_evaluation_set_is_shown() -> None:
    batch, notes = select_examples(HumanNumbers(), Stage(4, 39), 0, 2, Training())
    assert notes == ["", ""]
    assert HumanNumbers().decode(batch.inputs[0]) == ["xxbos", "eight", "thousand", "one"]
