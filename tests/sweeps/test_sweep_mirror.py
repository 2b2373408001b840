"""The process that copies a sweep's runs: it is started anew where it dies, but not for ever."""

import errno
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from sweep_plans import plan_of

from curriculum import Experiment
from curriculum.record import Store
from curriculum.sweeps import SweepFiles
from curriculum.sweeps.sweep_mirror import MOST_STARTS, SweepMirror


@dataclass
class Copying:
    """A process that copies, until it is ended."""

    code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def wait(self) -> int:
        return self.code or 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Copying]:
    """All processes that were started."""
    found: list[Copying] = []

    def start(*_: object) -> Copying:
        found.append(Copying())
        return found[-1]

    monkeypatch.setattr("curriculum.tracking.start_sweep_mirror", start)
    return found


@pytest.fixture
def mirror(tiny: Experiment, tmp_path: Path) -> SweepMirror:
    """That of a sweep of two runs."""
    plan = plan_of(tiny, store=tmp_path / "store")
    files = SweepFiles(Store(plan.store), plan.id)
    files.path.parent.mkdir(parents=True)
    return SweepMirror(files, plan.store)


def test_another_process_goes_on_where_one_has_died(
    mirror: SweepMirror, started: list[Copying]
) -> None:
    mirror.start()
    mirror.add("a")
    assert len(started) == 1
    started[0].code = -9
    mirror.add("b")
    mirror.add("c")
    assert len(started) == 2
    mirror.end(wait=False)


def test_what_dies_again_and_again_is_told_and_left(
    mirror: SweepMirror, started: list[Copying], caplog: pytest.LogCaptureFixture
) -> None:
    mirror.start()
    for number in range(2 * MOST_STARTS):
        started[-1].code = 1
        mirror.add(f"run{number}")
    assert len(started) == MOST_STARTS
    with caplog.at_level(logging.WARNING, logger="curriculum"):
        mirror.end(wait=True)
    assert "'sync --runs-file" in caplog.messages[-1]


def test_one_that_dies_after_the_last_run_is_gone_on_for_too(
    mirror: SweepMirror, started: list[Copying]
) -> None:
    mirror.start(())
    mirror.add("a")
    started[0].code = -9
    mirror.end(wait=False)
    assert len(started) == 2


def test_one_that_is_killed_while_it_is_waited_for_is_gone_on_for_too(
    mirror: SweepMirror, started: list[Copying], caplog: pytest.LogCaptureFixture
) -> None:
    mirror.start(())
    codes = iter((-9, -9, 0))

    def wait() -> int:
        started[-1].code = next(codes)
        return started[-1].code

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Copying, "wait", lambda _: wait())
        mirror.end(wait=True)
    assert len(started) == 3
    assert not any("'sync --runs-file" in message for message in caplog.messages)


def test_where_the_system_has_no_room_for_it_the_runs_are_made_and_it_is_tried_again(
    mirror: SweepMirror, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    def refuse(*_: object) -> Copying:
        asked.append(1)
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr("curriculum.tracking.start_sweep_mirror", refuse)
    mirror.start(())
    mirror.add("a")
    mirror.end(wait=True)
    assert len(asked) == 3
    assert "can't be started (Cannot allocate memory)" in caplog.messages[0]
    assert "'sync --runs-file" in caplog.messages[-1]
