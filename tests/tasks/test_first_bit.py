import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Stage, UsageError
from curriculum.tasks import FirstBit
from curriculum.tasks.first_bit import Zeros


def sample(zeros: Zeros, length: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    batch = FirstBit(zeros=zeros).sample(np.random.default_rng(seed), Stage(length), size)
    return batch.inputs, batch.targets


@given(
    st.sampled_from(["hard", "anywhere", "mixture"]),
    st.integers(2, 40),
    st.integers(1, 70),
    st.integers(0, 9),
)
def test_the_target_says_whether_there_is_no_zero(
    zeros: Zeros, length: int, size: int, seed: int
) -> None:
    inputs, targets = sample(zeros, length, size, seed)
    assert inputs.shape == (size, length)
    assert targets.shape == (size,)
    assert inputs.dtype == targets.dtype == np.int64
    zero_count = (inputs == 0).sum(axis=1)
    assert set(np.unique(inputs)) <= {0, 1}
    assert (zero_count == 1 - targets).all()


@given(
    st.sampled_from(["hard", "anywhere", "mixture"]),
    st.integers(2, 40),
    st.integers(1, 70),
    st.integers(1, 50),
    st.integers(0, 9),
)
def test_the_pieces_in_order_are_the_sample(
    zeros: Zeros, length: int, rows: int, size: int, seed: int
) -> None:
    task = FirstBit(zeros=zeros)
    targets, pieces = task.sample_pieces(np.random.default_rng(seed), Stage(length), rows, size)
    found = list(pieces)
    inputs, wanted = sample(zeros, length, rows, seed)
    assert np.array_equal(np.concatenate(found, axis=1), inputs)
    assert np.array_equal(targets, wanted)
    assert targets.dtype == found[0].dtype == np.int64
    assert [part.shape[1] for part in found[:-1]] == [size] * (len(found) - 1)
    assert 1 <= found[-1].shape[1] <= size


@pytest.mark.parametrize("zeros", ["hard", "anywhere", "mixture"])
def test_half_of_a_batch_has_no_zero(zeros: Zeros) -> None:
    assert sample(zeros, 10, 32)[1].sum() == 16


def test_the_hard_pair_has_its_zero_in_the_first_position() -> None:
    inputs, targets = sample("hard", 10, 32)
    assert (inputs[targets == 0, 0] == 0).all()


def test_the_mixture_puts_half_of_the_zeros_first() -> None:
    inputs, targets = sample("mixture", 1000, 400)
    first = (inputs[targets == 0, 0] == 0).sum()
    assert 100 <= first <= 105  # a hundred of them by rule, and one in a thousand by chance


def test_anywhere_draws_every_position() -> None:
    inputs, targets = sample("anywhere", 5, 400)
    positions = np.argmin(inputs[targets == 0], axis=1)
    assert set(positions) == set(range(5))


def test_the_evaluation_set_holds_every_input_once_and_weights_no_zero_by_half() -> None:
    task, stage = FirstBit(), Stage(7)
    evaluation_set = task.evaluation_set(stage)
    batch = task.evaluation_batch(stage, 0, evaluation_set.examples)
    assert evaluation_set.examples == 8
    assert len(np.unique(batch.inputs, axis=0)) == 8
    assert batch.weights is not None
    assert batch.weights.sum() == pytest.approx(1)
    assert batch.weights[batch.targets == 1].sum() == 0.5
    assert batch.slices is not None
    hard = batch.inputs[batch.slices["hard pair"]]
    assert hard.tolist() == [[1] * 7, [0] + [1] * 6]


@given(st.integers(2, 30), st.integers(1, 7))
def test_the_evaluation_set_may_be_read_in_parts(length: int, size: int) -> None:
    task, stage = FirstBit(), Stage(length)
    count = task.evaluation_set(stage).examples
    whole = task.evaluation_batch(stage, 0, count)
    parts = [
        task.evaluation_batch(stage, start, min(start + size, count))
        for start in range(0, count, size)
    ]
    assert np.array_equal(np.concatenate([part.inputs for part in parts]), whole.inputs)
    assert np.array_equal(np.concatenate([part.targets for part in parts]), whole.targets)


def test_the_hard_pair_alone_is_an_evaluation_set() -> None:
    task = FirstBit(zeros="hard")
    assert task.evaluation_set(Stage(9)).examples == 2
    batch = task.evaluation_batch(Stage(9), 0, 2)
    assert batch.weights is not None
    assert batch.weights.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("stage", [Stage(1), Stage(5, 3)])
def test_stages_it_cannot_make_are_errors(stage: Stage) -> None:
    with pytest.raises(UsageError, match="first bit"):
        FirstBit().check(stage)


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(UsageError, match="hard, anywhere or mixture"):
        FirstBit(zeros="nowhere")  # type: ignore[arg-type]
