import numpy as np
import pytest
import torch

from curriculum import Batch, Stage
from curriculum.learn import IGNORED
from curriculum.tasks import DyckNextSymbol
from curriculum.tasks.dyck_criteria import (
    all_allowed_predicted,
    allowed_next_symbols,
    closing_bracket_probability,
    last_open,
)
from curriculum.tasks.dyck_words import all_words, parse_brackets


def word(text: str) -> np.ndarray:
    return parse_brackets(text, 4)


def certain(*symbols: int) -> list[float]:
    """All of the probability shared by these symbols."""
    return [float(symbol in symbols) / len(symbols) for symbol in range(4)]


@pytest.mark.parametrize(
    ("before_last", "share"),
    [
        ([0, 0, 0, 1], 0.5),  # ( [ ] ): of the two closing brackets only the first is right
        ([0, 1, 0, 0], 1.0),
        ([0.9, 0.09, 0, 0.01], 1.0),  # what opens plays no part
        ([0, 0.81, 0, 0.19], 1.0),
        ([0, 0.79, 0, 0.21], 0.5),
        ([1, 0, 0, 0], 0.5),
    ],
)
def test_closing_brackets_are_judged_among_closing_brackets(
    before_last: list[float], share: float
) -> None:
    given = np.array([[certain(2), certain(3), before_last, certain(0)]])
    assert closing_bracket_probability(given, word("([])")).tolist() == [share]


def test_each_word_has_its_own_share() -> None:
    words = np.concatenate([word("([])"), word("()[]")])
    always = np.broadcast_to(certain(3), (2, 4, 4))
    assert closing_bracket_probability(always, words).tolist() == [0.5, 0.5]
    assert closing_bracket_probability(always, words, confident=0.0).tolist() == [0.5, 0.5]
    assert closing_bracket_probability(always[:1], word("(([[")).tolist() == [1.0]


@pytest.mark.parametrize("stage", [Stage(6, 4, 3), Stage(8, 2, 2), Stage(8, 4, 2)])
def test_allowed_are_the_symbols_that_some_word_goes_on_with(stage: Stage) -> None:
    words = all_words(stage.length, stage.vocab_size // 2, stage.level)
    allowed = DyckNextSymbol().allowed(words, stage)
    assert allowed.shape == (len(words), stage.length, stage.vocab_size)
    following: dict[tuple[int, ...], set[int]] = {}
    for each in words.tolist():
        for at in range(stage.length):
            following.setdefault(tuple(each[: at + 1]), set()).update(each[at + 1 : at + 2])
    for each, sets in zip(words.tolist(), allowed, strict=True):
        for at, found in enumerate(sets):
            assert set(np.flatnonzero(found)) == following[tuple(each[: at + 1])]


def test_words_of_any_length_and_depth_may_always_open() -> None:
    allowed = allowed_next_symbols(word("(()[]"), 4)
    assert allowed[..., 0::2].all()
    assert allowed[0, :, 1::2].tolist() == [
        [True, False],
        [True, False],
        [True, False],
        [False, True],
        [True, False],
    ]
    assert not allowed_next_symbols(word("()"), 4)[0, 1, 1::2].any()


def test_the_bracket_to_close_is_the_last_that_is_open() -> None:
    assert last_open(word("([]())[")).tolist() == [[0, 2, 0, 0, 0, -1, 2]]


def test_exactly_the_allowed_symbols_must_be_predicted() -> None:
    allowed = allowed_next_symbols(word("[]"), 4, depth=1)
    assert allowed[0].tolist() == [[False, False, False, True], [True, False, True, False]]
    right = np.array([[[0.1, 0.2, 0.49, 0.5], [0.6, 0.4, 0.9, 0.0]]])
    assert all_allowed_predicted(right, allowed).tolist() == [True]
    for at, symbol, probability in ((0, 3, 0.49), (0, 0, 0.5), (1, 0, 0.4), (1, 1, 0.7)):
        wrong = right.copy()
        wrong[0, at, symbol] = probability
        assert all_allowed_predicted(wrong, allowed).tolist() == [False]
    both = np.concatenate([right, 1 - right])
    assert all_allowed_predicted(both, np.concatenate([allowed] * 2)).tolist() == [True, False]


def test_the_task_measures_by_hewitts_criterion_on_logits() -> None:
    # ( [ ] ), whose first closing bracket gets .81 of what closes, and whose second .79.
    word = np.array([[0, 2, 3, 1]])
    logits = np.log(
        [[[0.25] * 4, [0.4, 0.019, 0.5, 0.081], [0.5, 0.395, 0.0001, 0.105], [0.25] * 4]]
    )
    batch = Batch(inputs=word, targets=np.array([[2, 3, 1, IGNORED]]))
    for shift in (0.0, 1000.0):  # logits are known up to a constant
        found = DyckNextSymbol().metric_values((logits + shift).astype(np.float32), batch)
        assert {name: values.tolist() for name, values in found.items()} == {
            "closing_bracket_accuracy": [0.5]
        }


def test_the_task_measures_sets_by_a_threshold_on_each_symbol() -> None:
    task = DyckNextSymbol(predict="sets")
    batch = task.sample(np.random.default_rng(0), Stage(6, 4, 2), 3)
    outputs = np.where(batch.targets > 0, 0.1, -0.1).astype(np.float32)
    outputs[1, 3, 2] *= -1
    assert task.metric_values(outputs, batch)["allowed_sets"].tolist() == [True, False, True]
    targets = torch.from_numpy(batch.targets)
    good = task.loss(torch.from_numpy(outputs) * 100, targets)
    assert task.loss(targets * 20 - 10, targets) < 1e-4 < good
