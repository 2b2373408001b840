import io

import numpy as np
from rich.console import Console

from curriculum import Batch, Stage
from curriculum.learn.showing import examples_to_show
from curriculum.learn.task import IGNORED
from curriculum.report.examples import example_table
from tasks import FirstBit


def printed(batch: Batch, predictions: np.ndarray) -> list[str]:
    said = io.StringIO()
    hard = np.zeros(len(predictions), dtype=bool)
    hard[0] = True
    Console(file=said, width=120).print(example_table(batch, predictions, hard))
    return [" ".join(line.split()) for line in said.getvalue().splitlines()]


def test_mistakes_are_marked_in_words_and_in_place() -> None:
    batch = Batch(
        inputs=np.array([[5, 6, 7], [7, 6, 5]]), targets=np.array([[7, 6, 5], [5, 6, IGNORED]])
    )
    lines = printed(batch, np.array([[7, 9, 5], [5, 6, 1]]))
    assert lines[1] == "5 6 7 7 6 5 7 [9] 5 WRONG (hard)"
    assert lines[2] == "7 6 5 5 6 . 5 6 1 right"


def test_long_rows_show_their_two_ends() -> None:
    batch = Batch(inputs=np.arange(1000)[None], targets=np.array([1]))
    assert (
        "0 1 2 3 4 5 6 7 …984 more… 992 993 994 995 996 997 998 999"
        in printed(batch, np.array([1]))[1]
    )


def test_hard_cases_come_first() -> None:
    batch, hard = examples_to_show(FirstBit(), Stage(500), 0, 6)
    assert hard.tolist() == [True, True, False, False, False, False]
    assert batch.inputs.shape == (6, 500)
    assert batch.inputs[0].min() == 1
    assert batch.inputs[1, 0] == 0


def test_a_short_list_is_all_hard_cases() -> None:
    assert len(examples_to_show(FirstBit(), Stage(500), 0, 1)[0].targets) == 1
