import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from curriculum.learn import IGNORED
from curriculum.tasks import AssociativeRecall
from curriculum.tasks.distinct_symbols import draw_distinct


@given(
    st.integers(1, 8),
    st.integers(0, 20),
    st.integers(0, 60),
    st.booleans(),
    st.integers(0, 99),
)
def test_each_key_is_asked_for_once_and_its_value_is_the_target(
    pairs: int, longer: int, more_symbols: int, filled: bool, seed: int
) -> None:
    stage = Stage(4 * pairs + 2 * longer, 2 * pairs + 2 + more_symbols, pairs)
    task = AssociativeRecall(random_filler=filled)
    task.check(stage)
    batch = task.sample(np.random.default_rng(seed), stage, 5)
    assert batch.inputs.shape == batch.targets.shape == (5, stage.length)
    assert batch.inputs.dtype == batch.targets.dtype == np.int64
    assert batch.inputs.max() < stage.vocab_size
    half = stage.vocab_size // 2
    for row, targets in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        keys, values = row[0 : 2 * pairs : 2], row[1 : 2 * pairs : 2]
        assert len(set(keys)) == len(set(values)) == pairs
        assert all(1 <= key < half for key in keys)
        assert all(half <= value < stage.vocab_size for value in values)
        asked = [at for at, target in enumerate(targets) if target != IGNORED]
        assert all(at >= 2 * pairs and at % 2 == 0 for at in asked)
        assert sorted(row[at] for at in asked) == sorted(keys)
        assert all(targets[at] == values[keys.index(row[at])] for at in asked)
        if not filled:
            assert sum(row) == sum(keys) * 2 + sum(values)


def test_filler_is_of_the_whole_vocabulary() -> None:
    batch = AssociativeRecall().sample(np.random.default_rng(0), Stage(64, 16, 1), 50)
    assert set(batch.inputs[batch.targets == IGNORED].tolist()) == set(range(16))


@pytest.mark.parametrize("power", [0.01, 0.5, 1.0])
def test_gaps_follow_the_power_law(power: float) -> None:
    """One pair, so that the first place that is drawn is the only one."""
    task = AssociativeRecall(power=power)
    batch = task.sample(np.random.default_rng(0), Stage(18, 8, 1), 20_000)
    asked = np.nonzero(batch.targets != IGNORED)[1] // 2 - 1
    weights = [(place + 1) ** (power - 1) for place in range(8)]
    expected = np.array(weights) / sum(weights)
    assert np.bincount(asked, minlength=8) / 20_000 == pytest.approx(expected, abs=0.02)


def test_earlier_pairs_are_asked_for_sooner_as_in_a_draw_one_by_one() -> None:
    """Two of two places: the first drawn is the near one with its share of the weights."""
    batch = AssociativeRecall(power=0.01).sample(np.random.default_rng(0), Stage(8, 8, 2), 20_000)
    first = batch.inputs[:, 4] == batch.inputs[:, 0]
    assert first.mean() == pytest.approx(1 / (1 + 2**-0.99), abs=0.02)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (Stage(12, 64, 4), "4 pairs and their queries need an even length of at least 16, got 12"),
        (Stage(17, 64, 4), "an even length of at least 16, got 17"),
        (Stage(16, 9, 4), "a vocabulary of at least 10: .* got 9"),
    ],
)
def test_stages_it_cannot_make_are_errors(stage: Stage, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        AssociativeRecall().check(stage)


def test_the_power_has_a_range() -> None:
    with pytest.raises(UsageError, match=r"task\.power must be in \(0, 1\], got 0"):
        AssociativeRecall(power=0)


def test_typed_pairs_are_looked_up() -> None:
    task, stage = AssociativeRecall(), Stage(8, 16, 2)
    batch = task.encode("1 10 3 12 3 1 1 0 5", stage)
    assert batch.targets.tolist() == [[IGNORED] * 4 + [12, IGNORED, 10, IGNORED, IGNORED]]
    with pytest.raises(UsageError, match="begins with 2 pairs of a key and its value, got 3"):
        task.encode("1 10 3", stage)


@given(st.integers(0, 5), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_distinct_symbols_are_distinct(low: int, more: int, count: int, seed: int) -> None:
    found = draw_distinct(np.random.default_rng(seed), low, low + count + more, 5, count)
    assert found.shape == (5, count)
    assert found.min() >= low
    assert found.max() < low + count + more
    assert all(len(set(row)) == count for row in found.tolist())


@pytest.mark.parametrize(("symbols", "count"), [(3, 2), (8, 2), (12, 3)])
def test_distinct_symbols_are_uniform(symbols: int, count: int) -> None:
    found = draw_distinct(np.random.default_rng(0), 0, symbols, 60_000, count)
    place = symbols ** np.arange(count)
    possible = np.prod(np.arange(symbols, symbols - count, -1))
    counts = np.unique(found @ place, return_counts=True)[1]
    assert len(counts) == possible
    assert abs(counts - 60_000 / possible).max() < 5 * np.sqrt(60_000 / possible)
