"""Stores of several runs whose index is looked at, and what they tell with it and without."""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from interrupted_runs import (
    StoppedRun,
)

from curriculum.record import Problem, RunFolder, RunOverview, Store
from curriculum.record.index_cache import cache_path


def four_runs(run: StoppedRun) -> Store:
    """Four copies of a run that was stopped, each started a second later; the last is over. Nothing is known of them."""
    store = Store(run.root)
    original = run.folder
    for number in range(4):
        copy = shutil.copytree(original.path, original.path.with_name(f"copy{number}"))
        described = replace(original.description(), created=1000.0 + number, seed=number)
        RunFolder(copy).describe(described)
    shutil.rmtree(original.path)
    run.resume()
    cache_file(store).unlink()
    return store


def change(path: Path, change: Callable[[bytearray], object]) -> None:
    """Change a file's bytes, and see to it that its time of change is another."""
    content, before = bytearray(path.read_bytes()), path.stat().st_mtime_ns
    change(content)
    path.write_bytes(content)
    os.utime(path, ns=(before + 1, before + 1))


def cache_file(store: Store) -> Path:
    """Where what is known of a store is kept."""
    name = hashlib.sha256(os.fsencode(store.runs_folder.resolve())).hexdigest()[:24]
    found = cache_path(name)
    assert found is not None
    return found


def as_read(store: Store) -> list[RunOverview]:
    return [RunOverview.of(folder) for folder in store.runs()]


def overviews(store: Store) -> list[RunOverview]:
    return [each for _, each in store.overviews() if isinstance(each, RunOverview)]


def problems(store: Store) -> dict[str, Problem]:
    found = store.overviews()
    return {run_id: each for run_id, each in found if not isinstance(each, RunOverview)}
