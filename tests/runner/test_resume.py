"""What a resume gives, repeats and refuses, and which process may make it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from interrupted_runs import (
    EACH_STEP,
    NEVER_WITHIN_A_VISIT,
    After,
    KilledHere,
    Wholes,
    contents,
    events,
    kill_at,
    killed,
    run,
    same,
)
from recorded_events import recorded
from stopped_experiments import (
    EXPERIMENTS,
    plain,
)

import curriculum
from curriculum import (
    Backtracking,
    Budget,
    Experiment,
    Explicit,
    Mastery,
    RunFailed,
    RunResult,
    UsageError,
)
from curriculum.config import load_experiment, serialize
from curriculum.learn import Trainer
from curriculum.record import (
    Evaluated,
    History,
    Lock,
    Record,
    Store,
    TrialEvaluated,
    read_journal,
)


@pytest.mark.parametrize("name", ["plain", "tuned"])
def test_it_may_be_interrupted_while_it_repeats_what_it_has(
    tiny: Experiment, name: str, store: Path, wholes: Wholes
) -> None:
    experiment = EXPERIMENTS[name](tiny)
    whole = wholes(name, experiment)
    count = len(recorded(whole)) - 2
    folder = killed(experiment, store, count, checkpoints=NEVER_WITHIN_A_VISIT)
    for path in folder.checkpoint_folders():
        folder.remove_checkpoint(path.name)
    for reads in (1, 2, 3):  # each before the end of what the journal has
        stopped = run(experiment, store, resume=True, checkpoints=EACH_STEP, stop=After(reads))
        assert stopped.status == "interrupted"
        assert len(events(folder)) == count
    run(experiment, store, resume=True)
    assert same(store, whole)


def test_a_state_that_is_saved_while_old_records_are_repeated_serves(
    tiny: Experiment, store: Path, wholes: Wholes
) -> None:
    experiment = plain(tiny)
    whole = wholes("plain", experiment)
    run(experiment, store)
    folder = Store(store).find("last")
    for path in folder.checkpoint_folders()[1:]:
        (path / "model.safetensors").write_bytes(b"")
    for _ in range(2):  # its last states are made again, and serve the second time
        run(experiment, store, resume=True)
        assert same(store, whole)
        assert [path.name for path in folder.checkpoint_folders()] == ["000001", "000002", "000003"]


def test_time_continues_from_the_last_record(tiny: Experiment, store: Path) -> None:
    experiment = plain(tiny)
    for count in (3, 5, 9):
        with pytest.raises(KilledHere):
            run(experiment, store, listener=kill_at(count), resume=True)
    run(experiment, store, resume=True)
    folder = Store(store).find("last")
    seconds = [record.clock.seconds for record, _ in read_journal(folder.journal)]
    assert seconds == sorted(seconds)


def test_listeners_get_what_was_recorded_before_first(tiny: Experiment, store: Path) -> None:
    received: list[Record] = []
    run(plain(tiny), store, stop=After(9))
    before = recorded(store)
    result = curriculum.resume("last", store=store, mirror=False, listener=received.append)
    found = [record.event for record in received]
    assert found[: len(before)] == before
    assert found == recorded(store)
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


def test_resume_starts_a_run_where_there_is_none_to_resume(tiny: Experiment, store: Path) -> None:
    one = run(tiny, store, resume=True)
    other = curriculum.run(tiny, 2, store=store, mirror=False, resume=True)
    assert one.run_id != other.run_id
    third = run(tiny.replace(name="other"), store, resume=True)
    assert len({one.run_id, other.run_id, third.run_id}) == 3


@pytest.mark.parametrize("by", ["resume", "run"])
def test_one_process_at_a_time_resumes_a_run(
    tiny: Experiment, store: Path, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume: dict[str, Callable[[], RunResult]] = {
        "run": lambda: run(plain(tiny), store, resume=True),
        "resume": lambda: curriculum.resume("last", store=store, mirror=False),
    }
    monkeypatch.setattr("curriculum.record.lease.PROBING_SECONDS", 0.1)
    run(plain(tiny), store, stop=After(9))
    folder = Store(store).find("last")
    before = contents(folder)
    with Lock(folder.writer) as lock:
        assert lock.acquire()
        with pytest.raises(UsageError, match=rf"run {folder.id} is running in another process"):
            resume[by]()
        assert contents(folder) == before
    assert curriculum.resume("last", store=store, mirror=False).status == "reached"


KILLED_PROCESS = f"""
import json, os, sys
import torch
import curriculum
from curriculum.config import deserialize
from curriculum.record import Evaluated

def listener(record):
    if isinstance(record.event, Evaluated) and record.event.visit == 1:
        os.kill(os.getpid(), {signal.SIGKILL.value})

content = json.loads(sys.stdin.read())
torch.set_num_threads(content["threads"])
experiment = deserialize(content["experiment"])
curriculum.run(experiment, 1, store=content["store"], mirror=False, listener=listener)
"""


def test_the_lock_of_a_process_that_was_killed_is_taken_over(
    tiny: Experiment, store: Path, wholes: Wholes
) -> None:
    experiment = plain(tiny)
    content = {
        "experiment": serialize(experiment),
        "store": str(store),
        "threads": torch.get_num_threads(),
    }
    done = subprocess.run(
        [sys.executable, "-c", KILLED_PROCESS], input=json.dumps(content), text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    folder = Store(store).find("last")
    assert not folder.is_running
    assert "process" in folder.writer.read_text()
    assert History.of(folder).status() == "killed"
    curriculum.resume("last", store=store, mirror=False)
    assert same(store, wholes("plain", experiment))


@pytest.mark.parametrize(("name", "kind"), [("plain", Evaluated), ("tuned", TrialEvaluated)])
@pytest.mark.parametrize(
    "moments", [3, pytest.param(10**9, id="all", marks=pytest.mark.exhaustive)]
)
def test_what_the_clock_has_ended_is_ended_when_it_is_repeated(
    tiny: Experiment,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    name: str,
    kind: type,
    moments: int,
) -> None:
    """A clock that advances a second at each reading, and one that hardly advances."""
    slow = iter(range(10**9))
    experiment = EXPERIMENTS[name](tiny).replace(
        growth=Explicit(lengths=(2,)),
        criterion=Mastery(threshold=1.0, min_steps=200),
        budget=Budget(steps_per_stage=200, seconds_per_stage=60),
        backtracking=Backtracking(retunes=0, half_steps=0, demotions=0, fresh_starts=0),
    )
    with monkeypatch.context() as patch:
        clock = SimpleNamespace(perf_counter=lambda: float(next(slow)))
        patch.setattr("curriculum.record.recorder.time", clock)
        run(experiment, store / "whole", checkpoints=NEVER_WITHIN_A_VISIT)
        folder = Store(store / "whole").find("last")
        whole = [record for record, _ in read_journal(folder.journal)]
        assert "the stage's budget of 60 seconds is used up" in History.of(folder).ending
        seconds = [record.clock.seconds for record in whole]
        cut = next(number for number, second in enumerate(seconds, 1) if second >= 60)
        assert isinstance(whole[cut - 1].event, kind)
        after = range(cut, len(whole))
        counts = {after[0], after[-1], *after[:: max(1, len(after) // (moments - 1))]}
        for count in counts:
            slow = iter(range(10**9))
            killed(experiment, store / str(count), count, checkpoints=NEVER_WITHIN_A_VISIT)
    for count in counts:
        run(experiment, store / str(count), resume=True)
        assert same(store / str(count), store / "whole")


def test_a_run_that_ran_out_of_memory_says_so_and_is_resumed_when_there_is_some(
    tiny: Experiment, store: Path, wholes: Wholes, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_what_this_machine_can_not_build_costs_no_checkpoint(
    tiny: Experiment, store: Path, wholes: Wholes, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = plain(tiny)
    whole = wholes("plain", experiment)
    folder = killed(experiment, store, len(recorded(whole)) - 2, checkpoints=EACH_STEP)
    before = contents(folder)

    def no_compiler(*_: object) -> None:
        raise UsageError("training.compile takes a C++ compiler, and there is none")

    with monkeypatch.context() as patched:
        patched.setattr("curriculum.learn.learner.check_precision", no_compiler)
        with pytest.raises(UsageError, match="and there is none"):
            run(experiment, store, resume=True)
    assert contents(folder) == before
    run(experiment, store, resume=True)
    assert same(store, whole)


def test_a_users_own_task_is_resumed_where_its_file_is_named(
    tiny: Experiment, store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "from curriculum import Adam, Experiment, Explicit, Mastery\n"
        "from curriculum.models import Recurrent\n"
        "from curriculum.tasks import FirstBit\n"
        "@dataclass(frozen=True)\n"
        "class Mine(FirstBit):\n    pass\n"
        "experiment = Experiment(task=Mine(), model=Recurrent(hidden_size=8),\n"
        "    growth=Explicit(lengths=(2, 3)), criterion=Mastery(threshold=1.0),\n"
        "    optimizer=Adam(learning_rate=3e-2))\n"
    )
    experiment, source = load_experiment(str(path))
    assert run(experiment, store, source=source, stop=After(3)).status == "interrupted"
    moved = store.rename(tmp_path / "moved")  # no file is named yet for the store there
    with pytest.raises(UsageError, match=rf"--source PATH.*the run was started from {path}"):
        curriculum.resume("last", store=moved, mirror=False)
    result = curriculum.resume("last", store=moved, mirror=False, source=path)
    assert result.status == "reached"
    path.write_text(path.read_text() + "\n# a comment\n")
    run(experiment, store / "other", source=source, stop=After(3))
    path.write_text(path.read_text() + "\n# and another\n")
    with pytest.raises(UsageError, match="source_sha256 was"):
        curriculum.resume("last", store=store / "other", mirror=False, source=path)
