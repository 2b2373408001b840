"""A run that is stopped, or killed, and goes on ends as one that never was."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from stopping import (
    EACH_STEP,
    EXPERIMENTS,
    NEVER_AMID_A_VISIT,
    After,
    KilledHere,
    contents,
    kill_at,
    killed,
    plain,
    run,
    same,
    told,
    widely_tuned,
)

import curriculum
from curriculum import (
    Budget,
    Experiment,
    Explicit,
    Mastery,
    Result,
    RunFailed,
    Saving,
    Stuck,
    UsageError,
)
from curriculum.record.history import History
from curriculum.record.journal import Record, read_journal
from curriculum.record.lock import Lock
from curriculum.record.store import RunFolder, Store


@pytest.fixture(autouse=True)
def _no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked out may change while tests run."""
    monkeypatch.setattr("curriculum.record.circumstances.git_commit", lambda _: None)


@pytest.fixture(params=EXPERIMENTS)
def named(request: pytest.FixtureRequest, tiny: Experiment) -> tuple[str, Experiment]:
    return request.param, EXPERIMENTS[request.param](tiny)


def finish(experiment: Experiment, store: Path, counts: Iterator[int], saving: Saving) -> int:
    """Run with a stop after each of so many looks at it, and go on; how often it was stopped."""
    stops = 0
    while True:
        more = {"resume": stops > 0, "saving": saving}
        result = run(experiment, store, stop=After(next(counts)), **more)
        if result.status != "interrupted":
            assert len(Store(store).runs()) == 1
            return stops
        stops += 1
        assert stops < 200, "it does not come on"


def longer_and_longer(first: float, factor: float) -> Iterator[int]:
    """Amid a search only whole rounds are kept, so that a run must get to their ends at times."""
    while True:
        yield int(first)
        first *= factor


@pytest.mark.slow
@pytest.mark.parametrize(("first", "saving"), [(2, EACH_STEP), (3, NEVER_AMID_A_VISIT)])
def test_a_run_that_is_stopped_time_and_again_ends_as_one_that_is_not(
    named: tuple[str, Experiment], first: int, saving: Saving, store: Path, wholes: Any
) -> None:
    name, experiment = named
    whole = wholes(name, experiment)
    factor = 1.7 if experiment.tuning.is_on else 1.2
    assert finish(experiment, store, longer_and_longer(first, factor), saving) > 2
    assert same(store, whole)


@pytest.mark.slow
def test_a_run_that_is_killed_time_and_again_ends_as_one_that_is_not(
    named: tuple[str, Experiment], store: Path, wholes: Any
) -> None:
    name, experiment = named
    whole = wholes(name, experiment)
    total = len(told(Store(whole).find("last")))
    rng = random.Random(total)
    for count in sorted(rng.sample(range(1, total), min(4, total - 1))):
        with pytest.raises(KilledHere):
            run(experiment, store, listener=kill_at(count), resume=True, saving=EACH_STEP)
        folder = Store(store).find("last")
        assert History.of(folder).status() == "killed"
        assert folder.stopped() is None
    assert run(experiment, store, resume=True).status in ("reached", "stopped")
    assert len(Store(store).runs()) == 1
    assert same(store, whole)


def test_the_experiments_are_what_they_are_meant_to_be(tiny: Experiment, wholes: Any) -> None:
    kinds = {
        name: told(Store(wholes(name, EXPERIMENTS[name](tiny))).find("last"))
        for name in ("tuned", "stuck", "hopeless", "demoted", "words", "growing")
    }
    entries = [record["entry"] for record in kinds["demoted"] if record["kind"] == "visit"]
    assert {"half step", "demotion"} <= set(entries)
    for name in ("stuck", "hopeless"):
        assert any(record["retuning"] for record in kinds[name] if record["kind"] == "visit")
    assert kinds["tuned"][-1]["status"] == kinds["growing"][-1]["status"] == "reached"
    trials = [record for record in kinds["tuned"] if record["kind"] == "trial"]
    assert any(trial["outcome"] == "mastered" for trial in trials)
    choices = [record for record in kinds["hopeless"] if record["kind"] == "choice"]
    assert {choice["ending"] for choice in choices} == {"its trials are used up"}
    verdicts = [record["verdict"] for record in kinds["words"] if record["kind"] == "verdict"]
    assert verdicts == ["mastered", "exhausted"]


@pytest.mark.slow
@pytest.mark.parametrize("saving", [EACH_STEP, NEVER_AMID_A_VISIT])
def test_a_run_may_be_killed_after_any_record(
    tiny: Experiment, saving: Saving, store: Path, wholes: Any
) -> None:
    experiment = plain(tiny)
    whole = wholes("plain", experiment)
    for count in range(1, len(told(Store(whole).find("last"))) + 1):
        folder = killed(experiment, store / str(count), count, saving=saving)
        assert len(told(folder)) == count
        run(experiment, store / str(count), resume=True)
        assert same(store / str(count), whole)


@pytest.mark.slow
@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_run_may_be_killed_as_it_writes_a_checkpoint(
    tiny: Experiment, call: str, store: Path, wholes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = plain(tiny)
    whole, done = wholes("plain", experiment), getattr(os, call)
    run(experiment, store / "begun", stop=After(2))
    for count in range(0, 40, 7):
        left = iter(range(count))

        def dying(*given: Any, left: Iterator[int] = left, **more: Any) -> Any:
            if next(left, None) is None:
                raise KilledHere
            return done(*given, **more)

        place = store / str(count)
        shutil.copytree(store / "begun", place)
        with monkeypatch.context() as patch:
            patch.setattr(os, call, dying)
            try:
                run(experiment, place, resume=True, saving=EACH_STEP)
            except KilledHere:
                assert not Store(place).find("last").is_running
        run(experiment, place, resume=True)
        assert same(place, whole)


@pytest.mark.slow
def test_processes_change_nothing_in_a_run_that_goes_on(
    tiny: Experiment, store: Path, wholes: Any
) -> None:
    experiment = widely_tuned(tiny)
    whole = wholes("widely tuned", experiment)
    assert run(experiment, store, stop=After(4), jobs=2).status == "interrupted"
    folder = killed_again(experiment, store, len(told(Store(whole).find("last"))) // 2)
    assert len(told(folder)) < len(told(Store(whole).find("last")))
    run(experiment, store, resume=True, jobs=3)
    assert same(store, whole)


def killed_again(experiment: Experiment, store: Path, count: int) -> RunFolder:
    with pytest.raises(KilledHere):
        run(experiment, store, listener=kill_at(count), resume=True, jobs=2)
    return Store(store).find("last")


@pytest.mark.parametrize("name", ["plain", "tuned"])
def test_it_may_be_stopped_while_it_goes_through_what_it_has(
    tiny: Experiment, name: str, store: Path, wholes: Any
) -> None:
    experiment = EXPERIMENTS[name](tiny)
    whole = wholes(name, experiment)
    count = len(told(Store(whole).find("last"))) - 2
    folder = killed(experiment, store, count, saving=NEVER_AMID_A_VISIT)
    for path in folder.saved:
        folder.remove_checkpoint(path.name)
    for looks in (1, 2, 3):  # each before the end of what the journal has
        stopped = run(experiment, store, resume=True, saving=EACH_STEP, stop=After(looks))
        assert stopped.status == "interrupted"
        assert len(told(folder)) == count
    run(experiment, store, resume=True)
    assert same(store, whole)


def test_a_state_that_is_saved_on_the_way_through_old_records_serves(
    tiny: Experiment, store: Path, wholes: Any
) -> None:
    experiment = plain(tiny)
    whole = wholes("plain", experiment)
    run(experiment, store)
    folder = Store(store).find("last")
    for path in folder.saved[1:]:
        (path / "model.safetensors").write_bytes(b"")
    for _ in range(2):  # its last states are made again, and serve the second time
        run(experiment, store, resume=True)
        assert same(store, whole)
        assert [path.name for path in folder.saved] == ["000001", "000002", "000003"]


def test_time_goes_on_from_the_last_record(tiny: Experiment, store: Path) -> None:
    experiment = plain(tiny)
    for count in (3, 5, 9):
        with pytest.raises(KilledHere):
            run(experiment, store, listener=kill_at(count), resume=True)
    run(experiment, store, resume=True)
    folder = Store(store).find("last")
    seconds = [record["clock"]["seconds"] for record, _ in read_journal(folder.journal)]
    assert seconds == sorted(seconds)


def test_listeners_hear_of_what_was_there_first(tiny: Experiment, store: Path) -> None:
    heard: list[Record] = []
    run(plain(tiny), store, stop=After(9))
    before = told(Store(store).find("last"))
    result = curriculum.resume("last", store=store, mirror=False, listener=heard.append)
    kinds = [record["kind"] for record in heard]
    assert kinds[: len(before)] == [record["kind"] for record in before]
    assert kinds == [record["kind"] for record in told(Store(store).find("last"))]
    assert result.status == "reached"


@pytest.mark.parametrize("force", [False, True])
def test_a_run_that_is_over_gives_its_result_and_writes_nothing(
    tiny: Experiment, store: Path, *, force: bool
) -> None:
    first = run(tiny, store)
    folder = Store(store).find("last")
    before = contents(folder)
    for again in (
        curriculum.resume(first.run_id, store=store, mirror=False, force=force),
        curriculum.resume("last", store=store, mirror=False, force=force),
        run(tiny, store, resume=True, force=force),
    ):
        assert again == first
        assert contents(folder) == before
    assert len(Store(store).runs()) == 1


def test_resume_begins_a_run_where_there_is_none_to_go_on_with(
    tiny: Experiment, store: Path
) -> None:
    one = run(tiny, store, resume=True)
    other = curriculum.run(tiny, 2, store=store, mirror=False, resume=True)
    assert one.run_id != other.run_id
    third = run(tiny.but(name="other"), store, resume=True)
    assert len({one.run_id, other.run_id, third.run_id}) == 3


@pytest.mark.parametrize("by", ["resume", "run"])
def test_one_process_at_a_time_goes_on_with_a_run(
    tiny: Experiment, store: Path, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on: dict[str, Callable[[], Result]] = {
        "run": lambda: run(plain(tiny), store, resume=True),
        "resume": lambda: curriculum.resume("last", store=store, mirror=False),
    }
    monkeypatch.setattr("curriculum.record.lock.PROBING_SECONDS", 0.1)
    run(plain(tiny), store, stop=After(9))
    folder = Store(store).find("last")
    before = contents(folder)
    with Lock(folder.writer) as lock:
        assert lock.acquire()
        with pytest.raises(UsageError, match=rf"run {folder.id} goes on in another process"):
            go_on[by]()
        assert contents(folder) == before
    assert curriculum.resume("last", store=store, mirror=False).status == "reached"


def test_the_lock_of_a_process_that_was_killed_is_taken_over(
    tiny: Experiment, store: Path, wholes: Any
) -> None:
    experiment = plain(tiny)
    code = f"""
import json, os, sys
from pathlib import Path
import curriculum
from curriculum.record.description import rebuild

def listener(record):
    if record["kind"] == "look" and record["visit"] == 1:
        os.kill(os.getpid(), {signal.SIGKILL.value})

experiment = rebuild(json.loads(sys.stdin.read()))
curriculum.run(experiment, 1, store={str(store)!r}, mirror=False, listener=listener)
"""
    from curriculum.record.description import describe

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import torch; torch.set_num_threads({torch.get_num_threads()})\n{code}",
        ],
        input=json.dumps(describe(experiment)),
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    folder = Store(store).find("last")
    assert not folder.is_running
    assert "process" in folder.writer.read_text()
    assert History.of(folder).status() == "killed"
    curriculum.resume("last", store=store, mirror=False)
    assert same(store, wholes("plain", experiment))


@pytest.mark.parametrize("name", ["plain", "tuned"])
def test_what_the_clock_has_cut_is_cut_when_it_is_gone_through_again(
    tiny: Experiment, name: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that goes a second at each reading, and one that hardly goes."""
    slow = iter(range(10**9))
    experiment = EXPERIMENTS[name](tiny).but(
        growth=Explicit(lengths=(2,)),
        criterion=Mastery(threshold=1.0, least_steps=200),
        budget=Budget(steps_per_stage=200, seconds_per_stage=60),
        stuck=Stuck(retunes=0, half_steps=0, demotions=0),
    )
    with monkeypatch.context() as patch:
        clock = SimpleNamespace(perf_counter=lambda: float(next(slow)))
        patch.setattr("curriculum.record.recorder.time", clock)
        run(experiment, store / "whole", saving=NEVER_AMID_A_VISIT)
        whole = told(Store(store / "whole").find("last"))
        assert "the stage's 60 seconds are used up" in whole[-1]["ending"]
        seconds = [
            record["clock"]["seconds"]
            for record, _ in read_journal(Store(store / "whole").find("last").journal)
        ]
        cut = next(number for number, second in enumerate(seconds, 1) if second >= 60)
        assert whole[cut - 1]["kind"] == {"plain": "look", "tuned": "advance"}[name]
        for count in range(cut, len(whole)):
            slow = iter(range(10**9))
            killed(experiment, store / str(count), count, saving=NEVER_AMID_A_VISIT)
    for count in range(cut, len(whole)):
        run(experiment, store / str(count), resume=True)
        assert same(store / str(count), store / "whole")


def test_a_run_that_ran_out_of_memory_says_so_and_goes_on_when_there_is_some(
    tiny: Experiment, store: Path, wholes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curriculum.learn.training import Trainer

    take_steps = Trainer.take_steps

    def scarce(self: Trainer, learner: Any, scheduler: Any, **more: Any) -> Any:
        if scheduler.stage.length > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.\nand more")
        return take_steps(self, learner, scheduler, **more)

    experiment = plain(tiny)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "take_steps", scarce)
        with pytest.raises(RunFailed, match=r"memory ran out on length 3, .*batch_size \(32\)"):
            run(experiment, store)
    folder = Store(store).find("last")
    assert History.of(folder).status() == "failed"
    assert "memory ran out" in History.of(folder).ending
    run(experiment, store, resume=True)
    assert same(store, wholes("plain", experiment))


def test_a_users_own_task_is_gone_on_with_where_its_file_is_named(
    tiny: Experiment, store: Path, tmp_path: Path
) -> None:
    from curriculum.catalogue import load_experiment

    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "from curriculum import Adam, Experiment, Explicit, Mastery\n"
        "from curriculum.models import Recurrent\n"
        "from tasks import FirstBit\n"
        "@dataclass(frozen=True)\n"
        "class Mine(FirstBit):\n    pass\n"
        "experiment = Experiment(task=Mine(), model=Recurrent(hidden_size=8),\n"
        "    growth=Explicit(lengths=(2, 3)), criterion=Mastery(threshold=1.0),\n"
        "    optimizer=Adam(learning_rate=3e-2))\n"
    )
    experiment, source = load_experiment(str(path))
    assert run(experiment, store, source=source, stop=After(3)).status == "interrupted"
    with pytest.raises(UsageError, match=rf"--source PATH.*the run was begun from {path}"):
        curriculum.resume("last", store=store, mirror=False)
    result = curriculum.resume("last", store=store, mirror=False, source=path)
    assert result.status == "reached"
    path.write_text(path.read_text() + "\n# a word more\n")
    run(experiment, store / "other", source=source, stop=After(3))
    path.write_text(path.read_text() + "\n# and more\n")
    with pytest.raises(UsageError, match="source_sha256 was"):
        curriculum.resume("last", store=store / "other", mirror=False, source=path)
