"""The engine of this machine's processes: who makes which run, and what a death costs."""

import errno
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from curriculum import RunFailed, UsageError, processes
from curriculum.record import decode, encode
from curriculum.sweeps import (
    EngineSettings,
    Job,
    JobEnded,
    JobEvent,
    JobFailed,
    JobLost,
    JobProgress,
    LocalEngine,
)

Make = Callable[..., LocalEngine]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes an engine whose workers train nothing."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    return lambda jobs=2, **settings: LocalEngine(jobs, module="run_worker", **settings)


def job(tmp_path: Path, run_id: str, label: str = "end", threads: int = 1) -> Job:
    return Job(run_id=run_id, experiment="{}", seed=0, store=tmp_path, label=label, threads=threads)


def events_of(engine: LocalEngine, count: int) -> list[JobEvent]:
    """So many events of runs that have begun."""
    found: list[JobEvent] = []
    while len(found) < count:
        event = engine.next(60)
        assert event is not None
        if not isinstance(event, JobProgress) or event.stage:
            found.append(event)
    return found


def test_a_job_survives_its_way_as_a_message(tmp_path: Path) -> None:
    sent = Job(
        run_id="0" * 12,
        experiment='{"a": 1}',
        seed=3,
        store=tmp_path,
        overrides=("--growth.end", "5"),
        source=tmp_path / "mine.py",
    )
    assert decode(Job, encode(sent)) == sent


def test_a_process_makes_one_run_after_another(engine: Make, tmp_path: Path) -> None:
    with engine(1) as opened:
        for name in ("a", "b", "c"):
            opened.submit(job(tmp_path, name))
        found = events_of(opened, 3)
    assert [event.run_id for event in found] == ["a", "b", "c"]
    assert all(isinstance(event, JobEnded) and event.is_over for event in found)
    assert len({(tmp_path / f"{name}.pid").read_text() for name in "abc"}) == 1


def test_isolated_runs_have_a_process_each(engine: Make, tmp_path: Path) -> None:
    with engine(1, isolate=True) as opened:
        for name in ("a", "b"):
            opened.submit(job(tmp_path, name))
        events_of(opened, 2)
    assert (tmp_path / "a.pid").read_text() != (tmp_path / "b.pid").read_text()


def test_a_death_costs_the_run_of_that_process_alone(engine: Make, tmp_path: Path) -> None:
    with engine(2) as opened:
        for name, label in (("a", "end"), ("b", "die"), ("c", "fail"), ("d", "end")):
            opened.submit(job(tmp_path, name, label))
        found = {event.run_id: event for event in events_of(opened, 4)}
    lost, failed = found["b"], found["c"]
    assert isinstance(lost, JobLost)
    assert "exit code -9" in lost.reason
    assert failed == JobFailed(run_id="c", sentence="it can't be", kind="usage")
    assert isinstance(found["a"], JobEnded)
    assert isinstance(found["d"], JobEnded)


def test_a_cancelled_run_saves_itself_and_one_that_waits_is_not_begun(
    engine: Make, tmp_path: Path
) -> None:
    with engine(1) as opened:
        opened.submit(job(tmp_path, "a", "wait"))
        opened.submit(job(tmp_path, "b"))
        (progress,) = events_of(opened, 1)
        assert isinstance(progress, JobProgress)
        opened.cancel()
        found = events_of(opened, 2)
    assert {(e.run_id, e.status) for e in found if isinstance(e, JobEnded)} == {
        ("a", "interrupted"),
        ("b", "interrupted"),
    }
    assert not (tmp_path / "b.pid").exists()


def test_a_job_that_no_worker_can_read_fails_alone(engine: Make, tmp_path: Path) -> None:
    with engine(1) as opened:
        opened.submit(job(tmp_path, "a", "raise"))
        opened.submit(job(tmp_path, "b"))
        failed, ended = events_of(opened, 2)
    assert isinstance(failed, JobFailed)
    assert "can't be read" in failed.sentence
    assert isinstance(ended, JobEnded)


def test_leaving_an_engine_ends_what_still_runs(engine: Make, tmp_path: Path) -> None:
    with engine(1) as opened:
        opened.submit(job(tmp_path, "a", "wait"))
        events_of(opened, 1)
    assert not Path("/proc", (tmp_path / "a.pid").read_text()).exists()


def test_nothing_comes_where_nothing_runs(engine: Make) -> None:
    with engine(1) as opened:
        assert opened.next(0.01) is None


def test_runs_share_the_cores_by_the_threads_that_they_take(
    engine: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.sweeps.local_engine.usable_cores", lambda: 2)
    with engine(None) as opened:
        assert opened.capacity == 2
        opened.submit(job(tmp_path, "a", "wait", threads=2))
        opened.submit(job(tmp_path, "b"))
        events_of(opened, 1)
        assert opened.next(0.2) is None  # there is no core for it
        assert not (tmp_path / "b.pid").exists()


def test_a_run_that_waits_for_cores_says_so_and_when_it_begins(
    engine: Make, tmp_path: Path
) -> None:
    with engine(1) as opened:
        opened.submit(job(tmp_path, "a"))
        opened.submit(job(tmp_path, "b"))
        found = [opened.next(60) for _ in range(4)]
    of_b = [event for event in found if event is not None and event.run_id == "b"]
    assert of_b[0] == JobProgress(run_id="b", waits_for="free cores")
    assert of_b[1] == JobProgress(run_id="b")
    assert isinstance(of_b[2], JobEnded)


@pytest.mark.parametrize(
    ("name", "jobs", "expected"),
    [("locl", 1, "there is no engine 'locl'; did you mean local"), ("local", 0, "at least 1")],
)
def test_an_engine_that_there_is_not_is_a_mistake(
    name: str, jobs: int, expected: str, store: Path
) -> None:
    with pytest.raises(UsageError, match=expected):
        EngineSettings(name=name, jobs=jobs).open(store)


@dataclass
class Room:
    """Of the system, for so many processes more; it gives some back now and then."""

    left: int
    number: int = errno.EAGAIN
    asked: int = 0

    def start(self, *arguments: Any, **more: Any) -> subprocess.Popen[bytes]:
        """Start a process, where there is room for it."""
        self.asked += 1
        if self.left == 0:
            raise OSError(self.number, os.strerror(self.number))
        self.left -= 1
        return subprocess.Popen(*arguments, **more)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    found = Room(1)
    monkeypatch.setattr(processes, "subprocess", SimpleNamespace(Popen=found.start, DEVNULL=-3))
    return found


def test_where_there_is_no_room_for_a_process_fewer_runs_are_made_at_a_time(
    engine: Make, tmp_path: Path, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    with engine(3) as opened:
        for name in "abc":
            opened.submit(job(tmp_path, name))
        found = events_of(opened, 3)
    assert [event.run_id for event in found] == ["a", "b", "c"]
    assert len({(tmp_path / f"{name}.pid").read_text() for name in "abc"}) == 1
    assert len(caplog.messages) == 1
    assert "can't be started (Resource temporarily unavailable)" in caplog.messages[0]


def test_room_that_comes_back_is_waited_for(engine: Make, tmp_path: Path, room: Room) -> None:
    room.left = 0
    with engine(1) as opened:
        opened.submit(job(tmp_path, "a"))
        assert isinstance(opened.next(0.01), JobProgress)  # it waits
        for _ in range(3):
            assert opened.next(0.01) is None
        room.left = 1
        assert [type(event) for event in events_of(opened, 1)] == [JobEnded]
    assert room.asked == 5


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.ENOENT])
def test_where_no_process_can_be_started_the_sweep_ends_in_a_sentence(
    number: int,
    engine: Make,
    tmp_path: Path,
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("curriculum.sweeps.local_engine.START_SECONDS", 0.6)
    room.left, room.number = 0, number
    with engine(2) as opened:
        for name in "ab":
            opened.submit(job(tmp_path, name))
        with pytest.raises(RunFailed, match="a worker process can't be started"):
            events_of(opened, 1)
        opened.cancel()
        assert {event.run_id for event in events_of(opened, 2)} == {"a", "b"}
