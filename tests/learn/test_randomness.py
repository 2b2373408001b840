import numpy as np
import torch

from curriculum import Stage
from curriculum.learn import batch_of, forked
from curriculum.learn.randomness import generator, reseed
from curriculum.tasks import FirstBit


def batch(**changes: object) -> np.ndarray:
    key = {"seed": 0, "stream": "train", "stage": Stage(50), "size": 32, "index": 3} | changes
    return batch_of(
        FirstBit(),
        key["stage"],  # type: ignore[arg-type]
        key["size"],  # type: ignore[arg-type]
        seed=key["seed"],  # type: ignore[arg-type]
        stream=key["stream"],  # type: ignore[arg-type]
        index=key["index"],  # type: ignore[arg-type]
    ).inputs


def test_a_batch_is_a_function_of_its_key_alone() -> None:
    first = batch()
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    batch(index=9)
    assert np.array_equal(batch(), first)


def test_every_part_of_the_key_counts() -> None:
    first = batch()
    assert not np.array_equal(batch(seed=1), first)
    assert not np.array_equal(batch(stream="gate/screen"), first)
    assert not np.array_equal(batch(index=4), first)
    assert batch(stage=Stage(51)).shape != first.shape
    assert batch(size=33).shape != first.shape


def test_neighbouring_keys_give_unrelated_numbers() -> None:
    draws = np.array([generator(0, "train", index).random(50) for index in range(200)])
    neighbours = np.diag(np.corrcoef(draws), k=1)
    assert abs(neighbours.mean()) < 0.05
    assert abs(neighbours).max() < 0.6
    assert abs(draws.mean() - 0.5) < 0.01


def test_a_fork_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with forked(0, "anything"):
        torch.rand(100)
    assert torch.equal(torch.rand(2), expected)


def test_what_is_drawn_in_a_fork_depends_on_its_key() -> None:
    def drawn(*key: int | str) -> list[float]:
        with forked(*key):
            return torch.rand(3).tolist()

    assert drawn(0, "a") == drawn(0, "a") != drawn(0, "b")
    with forked(0, "a"):
        torch.rand(9)
        reseed(0, "a")
        assert torch.rand(3).tolist() == drawn(0, "a")
