import hashlib
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import small_training
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


def test_a_key_is_that_of_numpys_philox() -> None:
    key = int.from_bytes(hashlib.blake2b(b"0/train/7", digest_size=16).digest(), "little")
    theirs = np.random.Generator(np.random.Philox(key=key))
    assert np.array_equal(generator(0, "train", 7).random(50), theirs.random(50))


def test_generators_spawn_children_of_their_own() -> None:
    first, other = generator(0, "train"), generator(1, "train")
    children = [*first.spawn(2), *first.spawn(1), *other.spawn(1)]
    draws = np.array([child.random(50) for child in children])
    assert len(np.unique(draws)) == draws.size
    again = [child.random(50) for child in generator(0, "train").spawn(3)]
    assert np.array_equal(again, draws[:3])


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


class Generators:
    """The global generators of two GPUs, and who touched them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.states = [torch.tensor([5]), torch.tensor([6])]
        self.touched: set[int] = set()
        one = [SimpleNamespace(manual_seed=partial(self.seed, index)) for index in range(2)]
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "default_generators", tuple(one))
        monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda _: self.touched.update((0, 1)))
        monkeypatch.setattr(torch.cuda, "get_rng_state", self.get)
        monkeypatch.setattr(torch.cuda, "set_rng_state", self.set)

    def seed(self, index: int, seed: int) -> None:
        self.touched.add(index)
        self.states[index] = torch.tensor([seed])

    def get(self, index: int) -> torch.Tensor:
        self.touched.add(index)
        return self.states[index]

    def set(self, state: torch.Tensor, index: int) -> None:
        self.touched.add(index)
        self.states[index] = state


@pytest.mark.parametrize(("name", "used"), [("cuda:1", {1}), ("cuda", {0}), ("cpu", set())])
def test_a_fork_seeds_and_restores_the_device_in_use_alone(
    name: str, used: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    generators, device = Generators(monkeypatch), torch.device(name)
    with forked(0, "a", device=device):
        first = [int(state) for state in generators.states]
        reseed(0, "b", device=device)
        second = [int(state) for state in generators.states]
    assert generators.touched == used
    for index, before in enumerate((5, 6)):
        seeds = {first[index], second[index]}
        assert (len(seeds - {before}) == 2) == (index in used)
    assert [int(state) for state in generators.states] == [5, 6]
    with pytest.raises(ZeroDivisionError), forked(0, "a", device=device):
        _ = 1 / 0
    assert [int(state) for state in generators.states] == [5, 6]


def test_a_learner_draws_by_the_generator_of_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("curriculum.learn.gradient_step.reseed", lambda *_, **k: seen.append(k))
    one = small_training.start(batch_size=4)
    small_training.trainer().take_steps(one, small_training.scheduler(), visit=0, start=0, count=2)
    assert seen == [{"device": one.device}] * 2


def test_apples_generator_is_forked_where_it_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [torch.tensor([1])]
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: states[-1])
    monkeypatch.setattr(torch.mps, "set_rng_state", states.append)
    monkeypatch.setattr(torch.mps, "manual_seed", lambda seed: states.append(torch.tensor([seed])))
    with forked(0, "a"):
        pass
    assert len(states) == 1
    with forked(0, "a", device=torch.device("mps")):
        assert len(states) == 2
    assert [int(states[0]), int(states[-1])] == [1, 1]
