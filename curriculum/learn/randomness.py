"""The one place that randomness comes from: everything drawn is a function of its key."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.random.bit_generator import ISpawnableSeedSequence
from numpy.typing import DTypeLike, NDArray

from curriculum.learn.batch import Batch
from curriculum.learn.task import Task
from curriculum.plan import Stage

Key = tuple[int | str, ...]

CPU = torch.device("cpu")


class _Seed(ISpawnableSeedSequence):
    """What numpy's Philox takes its key from: a digest of ours, as it is.

    Handed over as `Philox(key=...)` it costs several times as much, since numpy then hashes a seed of its
    own besides; and all generators would spawn the same children.
    """

    def __init__(self, digest: bytes) -> None:
        self._digest, self._children = digest, 0

    def generate_state(
        self, n_words: int, dtype: DTypeLike = np.uint32
    ) -> NDArray[np.uint32 | np.uint64]:
        return np.frombuffer(self._digest, dtype)[:n_words]

    def spawn(self, n_children: int) -> list[_Seed]:
        start, self._children = self._children, self._children + n_children
        keys = (f"{self._digest.hex()}/{number}" for number in range(start, self._children))
        return [_Seed(_digest((key,), 128)) for key in keys]


def _digest(key: Key, bits: int) -> bytes:
    text = "/".join(map(str, key)).encode()
    return hashlib.blake2b(text, digest_size=bits // 8).digest()


def generator(*key: int | str) -> np.random.Generator:
    """A numpy generator that depends on nothing but `key`; about 3 microseconds."""
    seed: Any = _Seed(_digest(key, 128))  # numpy's own annotations know fewer kinds than it takes
    return np.random.Generator(np.random.Philox(seed))


def seed_of(*key: int | str) -> int:
    """A seed of 32 bits that depends on nothing but `key`, for libraries that want one."""
    return int.from_bytes(_digest(key, 32), "little")


def batch_of(
    task: Task, stage: Stage, batch_size: int, *, seed: int, stream: str, index: int
) -> Batch:
    """Batch number `index` of a stage on a stream: the same whenever and wherever it is drawn."""
    rng = batch_generator(stage, batch_size, seed=seed, stream=stream, index=index)
    return task.sample(rng, stage, batch_size)


def batch_generator(
    stage: Stage, batch_size: int, *, seed: int, stream: str, index: int
) -> np.random.Generator:
    """What `batch_of` draws that batch with."""
    return generator(seed, stream, *stage.numbers, batch_size, index)


@contextmanager
def forked(*key: int | str, device: torch.device = CPU) -> Iterator[None]:
    """Seed torch's global generators by `key` inside the block, and restore them after it.

    Those of the CPU and of `device`: another device's generator is left alone, and a GPU that is not in
    use is not woken.
    """
    before = _state(device)
    with torch.random.fork_rng(()):
        reseed(*key, device=device)
        try:
            yield
        finally:
            if before is not None:
                _restore(device, before)


@contextmanager
def forked_libraries(seed: int) -> Iterator[None]:
    """Seed the global generators of Python and numpy inside the block, and restore them after it.

    For libraries that draw from them. Whatever is drawn in another thread meanwhile is not kept
    apart.

    Args:
        seed: of 32 bits.
    """
    state, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002 - what libraries use
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpys)  # noqa: NPY002


def reseed(*key: int | str, device: torch.device = CPU) -> None:
    """Seed the same generators by `key`. Call it inside a `forked` block of that device alone."""
    seed = int.from_bytes(_digest(key, 64), "little") >> 1
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[_index(device)].manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def _state(device: torch.device) -> torch.Tensor | None:
    """Of a device's global generator; None for the CPU, whose own is forked by torch."""
    if device.type == "cuda":
        return torch.cuda.get_rng_state(_index(device))
    return torch.mps.get_rng_state() if device.type == "mps" else None


def _restore(device: torch.device, state: torch.Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, _index(device))
    else:
        torch.mps.set_rng_state(state)


def _index(device: torch.device) -> int:
    return torch.cuda.current_device() if device.index is None else device.index
