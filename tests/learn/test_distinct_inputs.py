"""How many inputs of a sample differ from each other."""

import numpy as np
import pytest

from curriculum import Score, Stage
from curriculum.learn import DistinctInputs
from curriculum.tasks import FirstBit


def test_batches_and_pieces_of_them_count_alike() -> None:
    rng = np.random.default_rng(0)
    batches = [rng.integers(2, size=(50, 4)) for _ in range(3)]
    whole, pieces = DistinctInputs(), DistinctInputs()
    for batch in batches:
        whole.add(batch)
        passed = list(pieces.reading(iter([batch[:, :3], batch[:, 3:]])))
        assert np.array_equal(np.concatenate(passed, axis=1), batch)
    expected = len({tuple(row) for row in np.concatenate(batches)})
    assert whole.count == pieces.count == expected


def test_first_bit_has_few_distinct_inputs_however_long() -> None:
    distinct = DistinctInputs()
    rng = np.random.default_rng(0)
    _, pieces = FirstBit().sample_pieces(rng, Stage(10_000), 512, 256)
    for _ in distinct.reading(pieces):
        pass
    assert 100 < distinct.count < 140


@pytest.mark.parametrize(
    ("score", "basis"),
    [
        (Score(value=1, examples=512), "512 fresh examples"),
        (Score(value=1, examples=512, distinct=512), "512 fresh examples"),
        (Score(value=1, examples=512, distinct=129), "512 fresh examples (129 distinct)"),
        (Score(value=1, examples=4, source="every input"), "all 4 inputs"),
        (Score(value=1, examples=4, source="document"), "4 held-out examples"),
        (Score(value=1, examples=4, source="every input", memorised=True), "4 memorised examples"),
    ],
)
def test_a_score_says_what_it_is_of(score: Score, basis: str) -> None:
    assert score.basis == basis
