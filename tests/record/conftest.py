"""What the tests of a run's record share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from indexed_runs import four_runs
from interrupted_runs import (
    StoppedRun,
)

from curriculum import Stage
from curriculum.record import MlflowSettings, RunDescription, RunFolder, Store, file_state


@pytest.fixture
def run(stopped_run: StoppedRun, tmp_path: Path) -> StoppedRun:
    """A copy of the stopped run, to be changed."""
    return stopped_run.copied(tmp_path / "copy")


@pytest.fixture(scope="session")
def description() -> RunDescription:
    return RunDescription(
        experiment="first",
        seed=0,
        created=1.5,
        task="FirstBit",
        model="Recurrent",
        strategy="gated",
        path=(Stage(2), Stage(3)),
        settings={"task": "FirstBit", "growth.factor": 1.5},
        config={"task": {"type": "tasks.first_bit:FirstBit"}},
        overrides=(),
        source=None,
        source_sha256=None,
        classes_sha256=None,
        user="",
        user_git_commit=None,
        mlflow=MlflowSettings(),
        tracking_uri=None,
        optuna_storage=None,
        withheld=(),
        device="cpu",
        threads=1,
        flush_denormal=False,
        dtype="float32",
        cpu_capability="AVX2",
        gpu=None,
        environment={"python": "3.11", "torch": "2.13"},
        git_commit=None,
    )


@pytest.fixture
def folder(store: Path, description: RunDescription) -> RunFolder:
    """A run that was created, and did nothing yet."""
    return Store(store).create(description)


@pytest.fixture
def many(run: StoppedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of four runs, with a cache of its own; files that have just changed count as settled."""
    monkeypatch.setattr(file_state, "SETTLED_SECONDS", -1.0)
    monkeypatch.setenv("CURRICULUM_CACHE_DIR", str(tmp_path / "cache"))
    return four_runs(run)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Which of a run's files were opened since it was last asked."""
    paths: list[str] = []
    original = os.open

    def noting(path: str, *arguments: int, **more: int) -> int:
        paths.append(str(path))
        return original(path, *arguments, **more)

    monkeypatch.setattr(os, "open", noting)

    def taken() -> list[str]:
        found = [Path(path).name for path in paths if "/runs/" in path]
        paths.clear()
        return found

    return taken
