"""What a driver submits, what it tries again, and when it stops."""

import signal
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from curriculum import StopRequest
from curriculum.record import Lock, Store
from curriculum.sweeps import (
    Job,
    JobEnded,
    JobEvent,
    JobFailed,
    JobHeld,
    JobLost,
    JobProgress,
    SweepDriver,
    driver,
)


def job(run_id: str, store: Path = Path("nowhere")) -> Job:
    return Job(run_id=run_id, experiment="{}", seed=0, store=store)


def over(run_id: str, status: str = "reached") -> JobEnded:
    return JobEnded(run_id=run_id, status=status)


class Scripted:
    """An engine that answers each submission of a run by what is written for it; by its end after that."""

    def __init__(self, capacity: int = 2, **script: list[JobEvent]) -> None:
        self.capacity = capacity
        self.submitted: list[str] = []
        self.most = 0
        self.cancelled = False
        self._script = {name: deque(events) for name, events in script.items()}
        self._waiting: deque[JobEvent] = deque()

    def submit(self, job: Job) -> None:
        self.submitted.append(job.run_id)
        events = self._script.get(job.run_id)
        self._waiting.append(events.popleft() if events else over(job.run_id))
        self.most = max(self.most, len(self._waiting))

    def next(self, timeout: float) -> JobEvent | None:
        return self._waiting.popleft() if self._waiting else None

    def cancel(self) -> None:
        self.cancelled = True
        self._waiting = deque(over(event.run_id, "interrupted") for event in self._waiting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.failed: list[JobFailed] = []
        self.lost: list[tuple[str, str]] = []

    def on_start(self, job: Job) -> None: ...

    def on_progress(self, job: Job, progress: JobProgress) -> None: ...

    def on_end(self, job: Job, ended: JobEnded) -> None:
        self.ended.append(job.run_id)

    def on_failure(self, job: Job, failed: JobFailed) -> None:
        self.failed.append(failed)

    def on_loss(self, job: Job, reason: str) -> None:
        self.lost.append((job.run_id, reason))


def lost(run_id: str) -> JobLost:
    return JobLost(run_id=run_id, reason="killed")


def drive(engine: Scripted, *names: str, store: Path = Path("nowhere")) -> tuple[str, Told]:
    told = Told()
    jobs = [job(name, store) for name in names]
    return SweepDriver(jobs, engine, told, StopRequest(signal.SIGINT)).run(), told


def test_no_more_jobs_are_drawn_than_the_engine_has_room_for() -> None:
    engine, drawn = Scripted(capacity=3), list[str]()

    def jobs() -> Iterator[Job]:
        for number in range(50):
            assert len(drawn) - len(told.ended) < 3
            drawn.append(str(number))
            yield job(str(number))

    told = Told()
    assert SweepDriver(jobs(), engine, told, StopRequest()).run() == "over"
    assert told.ended == engine.submitted == [str(number) for number in range(50)]
    assert engine.most == 3


def test_a_lost_run_is_taken_up_and_a_failed_one_stops_no_other() -> None:
    failed = JobFailed(run_id="b", sentence="no", kind="usage")
    engine = Scripted(a=[lost("a")], b=[failed])
    status, told = drive(engine, "a", "b", "c")
    assert status == "over"
    assert sorted(told.ended) == ["a", "c"]
    assert told.failed == [failed]
    assert told.lost == [("a", "killed")]


def test_a_run_that_takes_each_process_along_is_given_up() -> None:
    engine = Scripted(a=[lost("a")] * 9)
    status, told = drive(engine, "a", "b")
    assert status == "over"
    assert engine.submitted.count("a") == driver.MOST_LOSSES + 1
    assert told.ended == ["b"]
    (failed,) = told.failed
    assert "lost 4 times" in failed.sentence
    assert "killed" in failed.sentence


def test_a_run_whose_process_was_asked_to_end_is_taken_up() -> None:
    status, told = drive(Scripted(a=[over("a", "interrupted")]), "a")
    assert status == "over"
    assert told.ended == ["a"]


def test_a_run_that_another_process_makes_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "HELD_SECONDS", 0.0)
    folder = Store(tmp_path).folder("a")
    folder.path.mkdir(parents=True)
    lock = Lock(folder.writer)
    assert lock.acquire()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            lock.release()

    monkeypatch.setattr("curriculum.sweeps.driver.time.sleep", sleep)
    engine = Scripted(a=[JobHeld(run_id="a")])
    status, told = drive(engine, "a", store=tmp_path)
    assert status == "over"
    assert engine.submitted == ["a", "a"]
    assert len(slept) == 3
    assert told.ended == ["a"]


@pytest.mark.parametrize("from_outside", [False, True])
def test_a_request_to_stop_lets_what_runs_save_itself(from_outside: bool) -> None:
    stop, told, engine = StopRequest(), Told(), Scripted(capacity=1)

    def asked() -> bool:
        if len(told.ended) == 2 and not from_outside:
            stop.request()
        return stop.requested or len(told.ended) == 2

    jobs = [job(name) for name in "abcd"]
    driven = SweepDriver(jobs, engine, told, stop, asked, tick_seconds=0.0)
    assert driven.run() == "interrupted"
    assert told.ended == ["a", "b"]
    assert told.failed == []


def test_an_engine_that_refuses_a_job_is_left_in_order() -> None:
    class Refusing(Scripted):
        def submit(self, job: Job) -> None:
            if job.run_id == "b":
                raise ValueError("never")
            super().submit(job)

    engine = Refusing()
    with pytest.raises(ValueError, match="never"):
        drive(engine, "a", "b")
    assert engine.cancelled
