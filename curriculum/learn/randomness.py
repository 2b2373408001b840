"""The one place that randomness comes from: everything drawn is a function of its key."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from curriculum.learn.batch import Batch
from curriculum.learn.task import Task
from curriculum.plan import Stage

Key = tuple[int | str, ...]


def _digest(key: Key, bits: int) -> int:
    text = "/".join(map(str, key)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=bits // 8).digest(), "little")


def generator(*key: int | str) -> np.random.Generator:
    """A numpy generator that depends on nothing but `key`; about 15 microseconds."""
    return np.random.Generator(np.random.Philox(key=_digest(key, 128)))


def seed_of(*key: int | str) -> int:
    """A seed of 32 bits that depends on nothing but `key`, for libraries that want one."""
    return _digest(key, 32)


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
def forked(*key: int | str) -> Iterator[None]:
    """Seed torch's global generators by `key` inside the block, and restore them after it."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    apples = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    with torch.random.fork_rng(devices):
        reseed(*key)
        try:
            yield
        finally:
            if apples is not None:
                torch.mps.set_rng_state(apples)


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


def reseed(*key: int | str) -> None:
    """Seed torch's global generators by `key`. Call it inside a `forked` block alone."""
    seed = _digest(key, 64) >> 1
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
