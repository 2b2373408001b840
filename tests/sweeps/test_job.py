"""How a job's run is made: started, resumed, taken from the store; and what comes of one that can't be."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import curriculum
from curriculum import Budget, Experiment, StopRequest
from curriculum.config import serialize
from curriculum.record import History, LeaseLost, Lock, Record, RunExists, RunHeld, Store
from curriculum.sweeps import (
    Job,
    JobEnded,
    JobFailed,
    JobHeld,
    JobProgress,
    carry_out,
    engine,
    make_run,
)

RUN_ID = "0123456789ab"


@pytest.fixture
def job(tiny: Experiment, store: Path) -> Job:
    return Job(run_id=RUN_ID, experiment=json.dumps(serialize(tiny)), seed=3, store=store)


def ignore(_: object) -> None: ...


def test_a_run_is_started_under_its_id_resumed_and_given_once_it_is_over(
    job: Job, tiny: Experiment, tmp_path: Path
) -> None:
    stop = StopRequest()

    def interrupt(record: Record) -> None:
        stop.request()

    first = make_run(job, interrupt, stop)
    assert (first.run_id, first.status) == (RUN_ID, "interrupted")
    second = make_run(job, ignore, StopRequest())
    assert (second.run_id, second.status) == (RUN_ID, "reached")
    journal = Store(job.store).folder(RUN_ID).journal.read_bytes()
    assert make_run(job, ignore, StopRequest()) == second
    assert Store(job.store).folder(RUN_ID).journal.read_bytes() == journal
    alone = curriculum.run(tiny, 3, store=tmp_path / "alone", mirror=False, threads=1)
    assert second.weights_sha256 == alone.weights_sha256
    assert [run.id for run in Store(job.store).runs()] == [RUN_ID]


def test_who_comes_second_to_the_start_of_a_run_takes_it_up(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process creates it at the last moment, and is gone since."""
    create = Store.create

    def create_twice(self: Store, description: object, run_id: str | None = None) -> object:
        create(self, description, run_id)  # type: ignore[arg-type]
        return create(self, description, run_id)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "create", create_twice)
    assert make_run(job, ignore, StopRequest()).status == "reached"
    assert History.of(Store(job.store).folder(RUN_ID)).status() == "reached"


def test_of_two_that_create_a_run_one_does(
    job: Job, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other finds out by the rename alone."""
    make_run(job, ignore, StopRequest())
    description = Store(store).folder(RUN_ID).description()
    monkeypatch.setattr("curriculum.record.store.os.path.lexists", lambda _: False)
    with pytest.raises(RunExists):
        Store(store).create(description, RUN_ID)
    assert [path.name for path in (store / "runs").iterdir()] == [RUN_ID]


def test_the_last_event_says_what_a_run_came_to(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PROGRESS_SECONDS", 0.0)
    progress: list[JobProgress] = []
    ended = carry_out(job, progress.append, StopRequest())
    assert isinstance(ended, JobEnded)
    assert (ended.run_id, ended.status, ended.reach) == (RUN_ID, "reached", "length 5")
    assert ended.is_over
    assert ended.steps > 0
    assert ended.compute > 0
    assert progress[0].stage == "length 2"
    assert all(0 <= each.part <= 1 for each in progress)


def test_direct_training_stands_at_the_last_stage_whichever_is_evaluated(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PROGRESS_SECONDS", 0.0)
    direct = tiny.with_strategy("direct").replace(budget=Budget(steps=20))
    made = Job(run_id=RUN_ID, experiment=json.dumps(serialize(direct)), seed=0, store=store)
    progress: list[JobProgress] = []
    carry_out(made, progress.append, StopRequest())
    assert {each.stage for each in progress} == {"length 5"}


def test_a_run_that_another_process_makes_is_held(job: Job) -> None:
    stop = StopRequest()
    stop.request()
    carry_out(job, ignore, stop)  # begun
    with Lock(Store(job.store).folder(RUN_ID).writer) as lock:
        assert lock.acquire()
        assert carry_out(job, ignore, StopRequest()) == JobHeld(run_id=RUN_ID)


@pytest.mark.parametrize("error", [RunHeld("held until just now"), LeaseLost("it was taken over")])
def test_a_run_that_another_process_has_taken_is_held_though_that_has_ended_since(
    job: Job, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(engine, "make_run", refuse)
    assert carry_out(job, ignore, StopRequest()) == JobHeld(run_id=RUN_ID)


@pytest.mark.parametrize(
    ("change", "kind", "expected"),
    [
        (lambda job: replace(job, device="cuda:99"), "usage", "cuda"),
        (lambda job: replace(job, source=Path("gone.py")), "usage", "there is no Python file"),
        (lambda job: replace(job, experiment="{"), "unknown", "JSONDecodeError"),
    ],
)
def test_a_run_that_can_not_be_made_is_an_event(
    job: Job, change: Callable[[Job], Job], kind: str, expected: str
) -> None:
    failed = carry_out(change(job), ignore, StopRequest())
    assert isinstance(failed, JobFailed)
    assert failed.kind == kind
    assert expected in failed.sentence
