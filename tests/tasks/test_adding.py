"""The adding problem and the noisy latch, against what their papers say."""

import numpy as np
import pytest

from curriculum import Stage, UsageError
from curriculum.tasks import Adding, NoisyLatch

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("length", [6, 7, 20, 100])
def test_a_target_is_the_scaled_sum_of_the_two_marked_numbers(length: int) -> None:
    batch = Adding().sample(RNG, Stage(length), 500)
    lengths = batch.present.sum(axis=1)
    assert lengths.min() == length
    assert lengths.max() == length + length // 10
    for row, (inputs, target, own) in enumerate(
        zip(batch.inputs, batch.targets, lengths, strict=True)
    ):
        marked = np.flatnonzero(inputs[:, 1] == 1)
        assert len(marked) == 2, row
        assert marked[0] < 10
        assert marked[1] < max(10, length // 2)
        assert target == pytest.approx(0.5 + inputs[marked, 0].sum() / 4, abs=1e-6)
        assert inputs[0, 1] == (1 if marked[0] == 0 else -1)
        assert inputs[0, 0] == 0 or marked[0] != 0
        assert inputs[own - 1, 1] == -1
        assert not inputs[own:].any()
        rest = np.setdiff1d(np.arange(own), [0, own - 1, *marked])
        assert not inputs[rest, 1].any()
    assert np.abs(batch.inputs[..., 0]).max() <= 1


def test_both_marks_are_drawn_evenly() -> None:
    batch = Adding().sample(RNG, Stage(30), 20_000)
    marked = batch.inputs[..., 1] == 1
    often = marked.mean(axis=0)
    # The first mark is one of ten, the second any other of fourteen.
    assert often[10:14] == pytest.approx(np.full(4, 1 / 13), abs=0.01)
    assert often[:10] == pytest.approx(np.full(10, 0.1 + 0.9 / 13), abs=0.01)
    assert not marked[:, 14:].any()


def test_lengths_may_be_the_stages_own() -> None:
    batch = Adding(varied=False).sample(RNG, Stage(40), 5)
    assert batch.inputs.shape == (5, 40, 2)
    assert batch.mask is None


@pytest.mark.parametrize(
    ("stage", "problem"),
    [(Stage(5), "a length of at least 6, got 5"), (Stage(10, 3), "no symbols: leave the vocab")],
)
def test_stages_without_examples_are_refused(stage: Stage, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        Adding().check(stage)


def test_a_latch_is_a_signal_before_noise_of_that_variance() -> None:
    batch = NoisyLatch().sample(RNG, Stage(200), 400)
    signal = np.where(batch.targets == 1, 1.0, -1.0)
    assert np.array_equal(batch.inputs[:, :3, 0], np.repeat(signal[:, None], 3, axis=1))
    noise = batch.inputs[:, 3:200, 0]
    assert noise.var() == pytest.approx(0.2, rel=0.02)
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert batch.targets.mean() == 0.5
    lengths = batch.present.sum(axis=1)
    assert (lengths.min(), lengths.max()) == (200, 220)
    assert not batch.inputs[~batch.present].any()


def test_a_latch_needs_room_for_its_signal() -> None:
    with pytest.raises(UsageError, match="a length of at least 3, got 2"):
        NoisyLatch().check(Stage(2))
    with pytest.raises(UsageError, match="no symbols"):
        NoisyLatch().check(Stage(5, 3))
