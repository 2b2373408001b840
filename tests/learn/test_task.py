import numpy as np
import pytest
from numpy.typing import NDArray

from curriculum import Batch, Stage, Task, UsageError
from curriculum.learn import IGNORED, PADDING, concatenate, parse_numbers, parse_symbols


def test_batches_of_several_lengths_are_padded_at_their_ends() -> None:
    long = Batch(inputs=np.array([[1, 2, 3]]), targets=np.array([[3, 2, 1]]))
    short = Batch(inputs=np.array([[4], [5]]), targets=np.array([[4], [5]]))
    both = concatenate([short, long])
    assert both.inputs.tolist() == [[4, PADDING, PADDING], [5, PADDING, PADDING], [1, 2, 3]]
    assert both.targets.tolist() == [[4, IGNORED, IGNORED], [5, IGNORED, IGNORED], [3, 2, 1]]
    assert both.token_count == 5


def test_one_target_per_sequence_needs_no_padding() -> None:
    parts = [
        Batch(inputs=np.array([[1, 2]]), targets=np.array([1])),
        Batch(inputs=np.array([[1]]), targets=np.array([0])),
    ]
    assert concatenate(parts).targets.tolist() == [1, 0]


@pytest.mark.parametrize("text", ["0 1 2", "0,1,2", " 0, 1 ,2 "])
def test_numbers_may_be_separated_by_spaces_or_commas(text: str) -> None:
    assert parse_numbers(text) == [0, 1, 2]


@pytest.mark.parametrize("text", ["", "one", "1 -2", "1.5", "1 2 x", "99999999999999999999"])
def test_anything_else_is_no_input(text: str) -> None:
    with pytest.raises(UsageError, match="whole numbers with spaces between them"):
        parse_numbers(text)


def test_symbols_outside_the_vocabulary_are_named() -> None:
    assert parse_symbols("0 9", 10) == [0, 9]
    with pytest.raises(UsageError, match="symbols are 0 to 9, got 10, 12"):
        parse_symbols("12 3 10 12", 10)


class Letters(Task):
    output = "bit"

    def sample(self, rng: np.random.Generator, stage: Stage, batch_size: int) -> Batch:
        inputs = rng.integers(2, size=(batch_size, stage.length))
        return Batch(inputs=inputs, targets=inputs[:, 0])

    def decode(self, symbols: NDArray[np.int64]) -> list[str]:
        return ["ab"[symbol] for symbol in symbols]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b", "got 'a b'; for Letters to read words, give it an `encode`$"),
        ("0 2", "symbols are 0 to 1, got 2$"),
    ],
)
def test_a_task_that_shows_words_and_reads_none_says_what_it_lacks(text: str, message: str) -> None:
    assert Letters().encode("0 1", Stage(2)).inputs.tolist() == [[0, 1]]
    with pytest.raises(UsageError, match=message):
        Letters().encode(text, Stage(2))
