import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from curriculum.learn import IGNORED, PADDING
from curriculum.models import Bert, Recurrent
from curriculum.tasks import AnBn


def expected(n: int, symbols: int, longest: int) -> tuple[list[int], list[int]]:
    """The input and the targets of the word with that n."""
    word = [symbol for symbol in range(symbols) for _ in range(n)]
    following = [*word[1:], symbols]
    targets = [IGNORED] * n + following[n:]
    more = symbols * (longest - n)
    return word + [PADDING] * more, targets + [IGNORED] * more


@given(st.sampled_from([2, 3]), st.integers(1, 20), st.integers(1, 9), st.integers(0, 99))
def test_what_is_determined_is_predicted(symbols: int, length: int, size: int, seed: int) -> None:
    stage = Stage(length, symbols)
    task = AnBn(symbols=symbols)  # type: ignore[arg-type]
    batch = task.sample(np.random.default_rng(seed), stage, size)
    shape = task.shape(stage)
    assert batch.inputs.shape == batch.targets.shape == (size, shape.length)
    assert batch.inputs.dtype == batch.targets.dtype == np.int64
    for row, targets in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        n = row.count(0)
        assert 1 <= n <= length
        assert (row, targets) == expected(n, symbols, length)
    assert batch.targets.max() == symbols == shape.output_vocab_size - 1


def test_each_count_occurs() -> None:
    batch = AnBn().sample(np.random.default_rng(0), Stage(5), 100)
    assert set((batch.inputs == 0).sum(axis=1).tolist()) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("symbols", [2, 3])
def test_every_word_is_evaluated_once(symbols: int) -> None:
    task = AnBn(symbols=symbols)  # type: ignore[arg-type]
    stage = Stage(7, symbols)
    assert task.evaluation_set(stage).examples == 7
    batch = task.evaluation_batch(stage, 0, 7)
    wanted = [expected(n, symbols, 7) for n in range(1, 8)]
    assert list(zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True)) == wanted
    assert batch.slices is not None
    assert batch.slices["longest"].tolist() == [False] * 6 + [True]
    assert np.array_equal(task.evaluation_batch(stage, 2, 5).inputs, batch.inputs[2:5])


def test_models_that_see_the_end_are_refused() -> None:
    Recurrent().check(AnBn().shape(Stage(3)))
    with pytest.raises(UsageError, match="it would copy it"):
        Bert().check(AnBn().shape(Stage(3)))


def test_settings_and_stages_that_do_not_fit_are_errors() -> None:
    with pytest.raises(UsageError, match=r"task\.symbols must be 2 or 3, got 4"):
        AnBn(symbols=4)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="3 symbols have a vocabulary of 3, got 2"):
        AnBn(symbols=3).check(Stage(5, 2))


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("a a b b", [IGNORED, IGNORED, 1, 2]),
        ("aaab", [IGNORED, IGNORED, IGNORED, 1]),
        ("aa", [IGNORED, IGNORED]),
    ],
)
def test_typed_words_may_be_beginnings(text: str, targets: list[int]) -> None:
    batch = AnBn().encode(text, Stage(2))
    assert AnBn().decode(batch.inputs[0]) == list(text.replace(" ", ""))
    assert batch.targets.tolist() == [targets]


def test_typed_words_of_three_symbols_are_read() -> None:
    task = AnBn(symbols=3)
    assert task.decode(task.encode("aabbcc", Stage(2, 3)).targets[0, 2:]) == ["b", "c", "c", "end"]
    for text in ("", "abb", "aabc", "ba", "abca", "a1", "bbc"):
        with pytest.raises(UsageError, match=r"a word a\^n b\^n c\^n or how one begins"):
            task.encode(text, Stage(2, 3))
