"""Sweeps and searches of the command line: carried out once for many tests, cancelled, held by another process."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import call

from curriculum.record import Lock, Store
from curriculum.sweeps import SweepFiles, sweep_ids

FOUR = ("--strategies", "gated,direct", "--seeds", "0..1", "--budget.steps", "60")
"""Runs of a sweep."""

SECONDS = 120
"""That the first run of a sweep is waited for."""


def sweep(file: Path, store: Path, *more: object) -> int:
    """The exit code of a sweep of a file."""
    return call("sweep", file, "--store", store, "--threads", 1, *more)


@dataclass(frozen=True)
class Made:
    """A sweep or a search that was carried out: its file, its store, and what `--json` printed."""

    file: Path
    store: Path
    result: Any


def carried_out(root: Path, experiment: str, command: Callable[[Path, Path], int]) -> Made:
    """What a command made of an experiment's file in a store, and printed as JSON."""
    file, store = root / "little.py", root / "store"
    file.write_text(experiment)
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lambda *words, **_: lines.append(" ".join(map(str, words))))
        assert command(file, store) == 0
    (found,) = [json.loads(line) for line in lines if line.startswith("{")]
    return Made(file, store, found)


@contextmanager
def cancelled_meanwhile(store: Path) -> Iterator[None]:
    """A context in which the only sweep of a store is cancelled once it has a run."""
    codes: list[int] = []

    def cancel() -> None:
        end = time.monotonic() + SECONDS
        while not Store(store).runs() and time.monotonic() < end:
            time.sleep(0.02)
        (identity,) = sweep_ids(Store(store))
        codes.append(call("sweeps", identity, "--cancel", "--store", store))

    thread = threading.Thread(target=cancel)
    thread.start()
    yield
    thread.join()
    assert codes == [0]


@contextmanager
def driven_elsewhere(store: Path) -> Iterator[str]:
    """A context in which the only sweep of a store is driven by somebody else; gives its id."""
    (identity,) = sweep_ids(Store(store))
    with Lock(SweepFiles(Store(store), identity)._file("lock")) as held:
        assert held.acquire()
        yield identity
