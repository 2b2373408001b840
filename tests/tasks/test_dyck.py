import itertools
from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from curriculum.learn import IGNORED
from curriculum.models import Bert, Recurrent
from curriculum.tasks import DyckMembership, DyckNextSymbol
from curriculum.tasks.dyck_membership import LONGEST_PAIR
from curriculum.tasks.dyck_next_symbol import FULL_DEPTH, Predict
from curriculum.tasks.dyck_words import all_words, bracket_names, draw_words, is_balanced


def deepest(word: list[int]) -> int | None:
    """How deep a balanced word is nested; None for one that isn't balanced."""
    stack: list[int] = []
    most = 0
    for symbol in word:
        if symbol % 2 == 0:
            stack.append(symbol)
            most = max(most, len(stack))
        elif not stack or stack.pop() != symbol - 1:
            return None
    return None if stack else most


def text_of(word: np.ndarray) -> str:
    return "".join(bracket_names(word))


def counted(draw: partial[np.ndarray], size: int) -> Counter[str]:
    return Counter(text_of(word) for word in draw(size=size))


@given(
    st.integers(1, 20),
    st.integers(1, 5),
    st.integers(1, 10),
    st.booleans(),
    st.integers(0, 99),
)
def test_words_are_balanced_and_no_deeper_than_asked(
    half: int, kinds: int, depth: int, reaching: bool, seed: int
) -> None:
    depth = min(depth, half)
    rng = np.random.default_rng(seed)
    words = draw_words(rng, 5, 2 * half, kinds, depth, reaching=reaching)
    assert words.shape == (5, 2 * half)
    assert words.dtype == np.int64
    found = [deepest(word) for word in words.tolist()]
    assert all(each is not None and each <= depth for each in found)
    assert not reaching or set(found) == {depth}


@pytest.mark.parametrize("reaching", [False, True])
@pytest.mark.parametrize(("length", "kinds", "depth"), [(8, 1, 3), (8, 1, 4), (6, 2, 2)])
def test_words_are_uniform(length: int, kinds: int, depth: int, reaching: bool) -> None:
    every = itertools.product(range(2 * kinds), repeat=length)
    wanted = range(depth if reaching else 1, depth + 1)
    words = {text_of(np.array(word)) for word in every if deepest(list(word)) in wanted}
    draw = partial(
        draw_words,
        np.random.default_rng(0),
        length=length,
        kinds=kinds,
        depth=depth,
        reaching=reaching,
    )
    counts = counted(draw, 400 * len(words))
    assert set(counts) == words
    assert all(300 < count < 500 for count in counts.values())  # five standard deviations


@pytest.mark.parametrize(("length", "depth"), [(600, 4), (1400, 700)])
def test_long_words_are_drawn_too(length: int, depth: int) -> None:
    words = draw_words(np.random.default_rng(0), 3, length, 2, depth)
    assert all((deepest(word) or length) <= depth for word in words.tolist())


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_balance_is_recognised(word: list[int]) -> None:
    assert is_balanced(np.array([word]))[0] == (deepest(word) is not None)


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 40), st.integers(0, 99))
def test_half_of_the_members_are_near_misses(half: int, kinds: int, size: int, seed: int) -> None:
    stage = Stage(2 * half, 2 * kinds)
    batch = DyckMembership().sample(np.random.default_rng(seed), stage, size)
    assert batch.inputs.shape == (size, 2 * half)
    assert 0 <= batch.inputs.min() <= batch.inputs.max() < 2 * kinds
    balanced = [deepest(word) is not None for word in batch.inputs.tolist()]
    assert batch.targets.tolist() == balanced
    assert abs(2 * sum(balanced) - size) <= 1


@pytest.mark.parametrize(("vocab_size", "changed"), [(2, {1, 2}), (6, {1, 2})])
def test_all_mistakes_occur_and_are_one_or_two_brackets(vocab_size: int, changed: set[int]) -> None:
    stage = Stage(6, vocab_size)
    batch = DyckMembership().sample(np.random.default_rng(0), stage, 600)
    words = all_words(6, vocab_size // 2, 3)
    missed = batch.inputs[batch.targets == 0]
    distances = (missed[:, None] != words).sum(axis=2).min(axis=1)
    assert set(distances.tolist()) == changed
    opened = Counter((missed % 2 == 0).sum(axis=1).tolist())
    assert set(opened) == {2, 3, 4}
    assert opened[3] > opened[2] + opened[4] or vocab_size == 2


def test_the_slice_is_wrong_at_its_longest_pair_alone() -> None:
    stage = Stage(12, 4)
    batch = DyckMembership().sample_slice(np.random.default_rng(0), stage, 40, LONGEST_PAIR)
    assert not batch.targets.any()
    for word in batch.inputs.tolist():
        (right,) = ([*word[:at], word[at] ^ 2, *word[at + 1 :]] for at in mended(word))
        assert longest_pair(right) == mended(word)[0]
    single = DyckMembership().sample_slice(np.random.default_rng(0), Stage(12), 40, LONGEST_PAIR)
    assert all(deepest(word) is None for word in single.inputs.tolist())


def mended(word: list[int]) -> list[int]:
    """Where another kind of a closing bracket would make a word of two kinds balanced."""
    swaps = [[*word[:at], word[at] ^ 2, *word[at + 1 :]] for at in range(len(word))]
    return [at for at, other in enumerate(swaps) if word[at] % 2 and deepest(other) is not None]


def longest_pair(word: list[int]) -> int:
    """Where the pair that is farthest apart closes, the first of them where there are several."""
    stack: list[int] = []
    pairs = []
    for at, symbol in enumerate(word):
        if symbol % 2 == 0:
            stack.append(at)
        else:
            pairs.append((stack.pop(), at))
    return max(sorted(pairs), key=lambda pair: pair[1] - pair[0])[1]


@pytest.mark.parametrize("predict", ["every", "closing"])
def test_the_targets_are_the_next_symbols(predict: Predict) -> None:
    task, stage = DyckNextSymbol(predict=predict), Stage(10, 6, 3)
    batch = task.sample(np.random.default_rng(0), stage, 30)
    assert batch.inputs.shape == batch.targets.shape == (30, 10)
    for word, targets in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        found = deepest(word)
        assert found is not None
        assert found <= 3
        following = [*word[1:], IGNORED]
        if predict == "closing":
            following = [symbol if symbol % 2 else IGNORED for symbol in following]
        assert targets == following


@pytest.mark.parametrize(("stage", "count"), [(Stage(6, 4, 2), 32), (Stage(8, 2, 4), 14)])
def test_few_words_are_evaluated_one_by_one(stage: Stage, count: int) -> None:
    task = DyckNextSymbol()
    whole = task.evaluation_set(stage)
    assert whole is not None
    assert whole.examples == count
    batch = task.evaluation_batch(stage, 0, count)
    found = [tuple(word) for word in batch.inputs.tolist()]
    every = itertools.product(range(stage.vocab_size), repeat=stage.length)
    assert found == [word for word in every if 0 < (deepest(list(word)) or 0) <= stage.level]
    assert batch.slices is not None
    full = [deepest(list(word)) == stage.level for word in found]
    assert batch.slices[FULL_DEPTH].tolist() == full
    assert np.array_equal(task.evaluation_batch(stage, 3, 7).inputs, batch.inputs[3:7])
    assert task.evaluation_set(Stage(32, 4, 4)) is None


def test_the_slice_reaches_its_depth() -> None:
    stage = Stage(16, 4, 5)
    batch = DyckNextSymbol().sample_slice(np.random.default_rng(0), stage, 50, FULL_DEPTH)
    assert {deepest(word) for word in batch.inputs.tolist()} == {5}


def test_models_that_see_the_next_bracket_are_refused() -> None:
    shape = DyckNextSymbol().shape(Stage(8, 4, 2))
    Recurrent().check(shape)
    with pytest.raises(UsageError, match="it would copy it"):
        Bert().check(shape)


@pytest.mark.parametrize("task", [DyckMembership(), DyckNextSymbol()])
def test_stages_without_balanced_words_are_errors(task: DyckMembership | DyckNextSymbol) -> None:
    with pytest.raises(UsageError, match="come in pairs, got a length of 5"):
        task.check(Stage(5, 2))
    with pytest.raises(UsageError, match="a vocabulary of 2 k, got 3; take 4"):
        task.check(Stage(4, 3))


def test_no_word_is_deeper_than_half_its_length() -> None:
    DyckNextSymbol().check(Stage(6, 2, 3))
    with pytest.raises(UsageError, match="nested at most 3 deep, got a level of 4"):
        DyckNextSymbol().check(Stage(6, 2, 4))


def test_typed_brackets_are_read() -> None:
    task, stage = DyckMembership(), Stage(4, 10)
    assert task.encode("( [ ] )", stage).inputs.tolist() == [[0, 2, 3, 1]]
    assert task.encode("([)]", stage).targets.tolist() == [0]
    assert task.encode("(5 )5 <>", stage).inputs.tolist() == [[8, 9, 6, 7]]
    assert task.decode(np.arange(10)) == [*"()[]{}<>", "(5", ")5"]
    assert DyckNextSymbol().encode("[()]", stage).targets.tolist() == [[0, 1, 3, IGNORED]]
    with pytest.raises(UsageError, match=r"brackets \( \) \[ \], got '{'"):
        task.encode("{}", Stage(4, 4))
    with pytest.raises(UsageError, match="balanced brackets, got '\\(\\('"):
        DyckNextSymbol().encode("((", stage)
