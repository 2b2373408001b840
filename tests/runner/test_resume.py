"""A run that is interrupted, or killed, and resumed ends as one that never was.

The exhaustive tests stop all experiments at many moments in both manners, and under both policies
of checkpoints; by default each pair of these is covered, at fewer moments.
"""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from interrupted_runs import (
    EACH_STEP,
    EXPERIMENTS,
    NEVER_WITHIN_A_VISIT,
    After,
    KilledHere,
    contents,
    events,
    kill_at,
    killed,
    plain,
    run,
    same,
    widely_tuned,
)
from recorded_events import kinds, of_kind, recorded

import curriculum
from curriculum import (
    Backtracking,
    Budget,
    CheckpointPolicy,
    Experiment,
    Explicit,
    Mastery,
    Result,
    RunFailed,
    UsageError,
    Verdict,
)
from curriculum.config import load_experiment, serialize
from curriculum.learn import Trainer
from curriculum.plan import VisitReason
from curriculum.record import (
    Evaluated,
    Event,
    FinalEvaluated,
    History,
    Lock,
    Record,
    RetentionMeasured,
    RunEnded,
    Store,
    TrialCompleted,
    TrialEvaluated,
    TrialSelected,
    VisitEnded,
    VisitStarted,
    read_journal,
)

Wholes = Callable[[str, Experiment], Path]


Case = tuple[str, str, str]
POLICIES = {"each step": EACH_STEP, "between visits": NEVER_WITHIN_A_VISIT}
FACTORS = (tuple(EXPERIMENTS), ("interrupted", "killed"), tuple(POLICIES))
PRODUCT: list[Case] = list(itertools.product(*FACTORS))


def covering_pairs() -> list[Case]:
    """Each experiment is stopped in both manners, one under each policy; so any pair is covered."""

    def even(case: Case) -> bool:
        return sum(map(tuple.index, FACTORS, case)) % 2 == 0

    return list(filter(even, PRODUCT))


def pairs(cases: Iterable[Case]) -> set[object]:
    return {
        (*places, case[places[0]], case[places[1]])
        for case in cases
        for places in itertools.combinations(range(3), 2)
    }


def test_the_default_cases_cover_each_pair() -> None:
    assert pairs(covering_pairs()) == pairs(PRODUCT)
    assert len(covering_pairs()) == len(PRODUCT) // 2


def interrupt_repeatedly(
    experiment: Experiment, store: Path, counts: Iterator[int], checkpoints: CheckpointPolicy
) -> int:
    """Run to the end with interrupts after so many reads of the request; how many there were."""
    stops = 0
    while True:
        more = {"resume": stops > 0, "checkpoints": checkpoints}
        result = run(experiment, store, stop=After(next(counts)), **more)
        if result.status != "interrupted":
            return stops
        stops += 1
        assert stops < 200, "it makes no progress"


def longer_and_longer(first: float, factor: float) -> Iterator[int]:
    """Of a search only whole rounds are kept, so that a run must get to their ends at times."""
    while True:
        yield int(first)
        first *= factor


def kill_repeatedly(
    experiment: Experiment, store: Path, counts: Iterable[int], checkpoints: CheckpointPolicy
) -> None:
    """Run to the end with kills at records of these numbers."""
    for count in sorted(counts):
        with pytest.raises(KilledHere):
            run(experiment, store, listener=kill_at(count), resume=True, checkpoints=checkpoints)
        folder = Store(store).find("last")
        assert History.of(folder).status() == "killed"
        assert folder.stop_note() is None
    assert run(experiment, store, resume=True).status in ("reached", "stopped")


def check_stopped_run(
    case: Case, tiny: Experiment, store: Path, wholes: Wholes, *, factors: tuple[float, float]
) -> None:
    """A run that is stopped as that case says must end as one that is not.

    `factors` tell by how much each part of an interrupted run is longer than the one before,
    where it searches and where it doesn't.
    """
    name, manner, policy = case
    experiment, checkpoints = EXPERIMENTS[name](tiny), POLICIES[policy]
    whole = wholes(name, experiment)
    if manner == "interrupted":
        factor = factors[0] if experiment.tuning.is_on else factors[1]
        counts = longer_and_longer(2 if checkpoints == EACH_STEP else 3, factor)
        assert interrupt_repeatedly(experiment, store, counts, checkpoints) > 2
    else:
        total = len(recorded(whole))
        often = 4 if factors == FINE else 2
        kills = random.Random(total).sample(range(1, total), min(often, total - 1))
        kill_repeatedly(experiment, store, kills, checkpoints)
    assert len(Store(store).runs()) == 1
    assert same(store, whole)


FINE, COARSE = (1.7, 1.2), (2.4, 2.0)


@pytest.mark.slow
@pytest.mark.parametrize("case", covering_pairs(), ids="-".join)
def test_a_run_that_is_stopped_a_few_times_ends_as_one_that_is_not(
    case: Case, tiny: Experiment, store: Path, wholes: Wholes
) -> None:
    check_stopped_run(case, tiny, store, wholes, factors=COARSE)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", PRODUCT, ids="-".join)
def test_a_run_that_is_stopped_many_times_ends_as_one_that_is_not(
    case: Case, tiny: Experiment, store: Path, wholes: Wholes
) -> None:
    check_stopped_run(case, tiny, store, wholes, factors=FINE)


def test_the_experiments_are_what_they_are_meant_to_be(tiny: Experiment, wholes: Wholes) -> None:
    found = {
        name: recorded(wholes(name, EXPERIMENTS[name](tiny)))
        for name in ("tuned", "exhausted", "hopeless", "demoted", "words", "growing")
    }
    reasons = {event.reason for event in of_kind(VisitStarted, found["demoted"])}
    assert {VisitReason.HALF_STEP, VisitReason.DEMOTION} <= reasons
    for name in ("exhausted", "hopeless"):
        assert any(event.retuning for event in of_kind(VisitStarted, found[name]))
    for name in ("tuned", "growing"):
        assert of_kind(RunEnded, found[name])[0].status == "reached"
    trials = [event.trial for event in of_kind(TrialCompleted, found["tuned"])]
    assert any(trial.outcome == "mastered" for trial in trials)
    selections = of_kind(TrialSelected, found["hopeless"])
    assert {event.ending for event in selections} == {"all trials were tried"}
    verdicts = [event.verdict for event in of_kind(VisitEnded, found["words"])]
    assert verdicts == [Verdict.MASTERED, Verdict.EXHAUSTED]


def one_of_each_kind(events: Sequence[Event]) -> list[tuple[int, str]]:
    """Numbers of records, each with a policy: of each kind the first and the last."""
    places = {kind: place for place, kind in enumerate(kinds(events), 1)}
    first = {kind: len(events) - place for place, kind in enumerate(kinds(events[::-1]))}
    found = zip(POLICIES, (first, places), strict=True)
    return [(count, policy) for policy, counts in found for count in counts.values()]


def test_each_kind_of_record_is_covered_under_each_policy(tiny: Experiment, wholes: Wholes) -> None:
    whole = recorded(wholes("plain", plain(tiny)))
    covered = [(type(whole[count - 1]), policy) for count, policy in one_of_each_kind(whole)]
    every = (VisitStarted, Evaluated, RetentionMeasured, VisitEnded, FinalEvaluated, RunEnded)
    assert set(covered) == set(itertools.product(every, POLICIES))
    assert len(covered) == 12


def check_killed_run(
    tiny: Experiment, store: Path, wholes: Wholes, moments: Iterable[tuple[int, str]]
) -> None:
    """A run that is killed at the record of that number must end as one that is not."""
    experiment = plain(tiny)
    for count, policy in moments:
        place = store / f"{count} {policy}"
        folder = killed(experiment, place, count, checkpoints=POLICIES[policy])
        assert len(events(folder)) == count
        run(experiment, place, resume=True)
        assert same(place, wholes("plain", experiment))


def test_a_run_may_be_killed_after_any_kind_of_record(
    tiny: Experiment, store: Path, wholes: Wholes
) -> None:
    whole = recorded(wholes("plain", plain(tiny)))
    check_killed_run(tiny, store, wholes, one_of_each_kind(whole))


@pytest.mark.exhaustive
@pytest.mark.parametrize("policy", POLICIES)
def test_a_run_may_be_killed_after_any_record(
    tiny: Experiment, policy: str, store: Path, wholes: Wholes
) -> None:
    whole = recorded(wholes("plain", plain(tiny)))
    check_killed_run(tiny, store, wholes, [(n, policy) for n in range(1, len(whole) + 1)])


@pytest.mark.slow
@pytest.mark.parametrize("call", ["fsync", "rename"])
@pytest.mark.parametrize(
    "counts", [range(0, 40, 13), pytest.param(range(40), marks=pytest.mark.exhaustive)]
)
def test_a_run_may_be_killed_as_it_writes_a_checkpoint(
    tiny: Experiment,
    store: Path,
    wholes: Wholes,
    monkeypatch: pytest.MonkeyPatch,
    *,
    call: str,
    counts: range,
) -> None:
    experiment = plain(tiny)
    whole, done = wholes("plain", experiment), getattr(os, call)
    run(experiment, store / "started", stop=After(2))
    for count in counts:
        left = iter(range(count))

        def dying(*given: Any, left: Iterator[int] = left, **more: Any) -> Any:
            if next(left, None) is None:
                raise KilledHere
            return done(*given, **more)

        copy = store / str(count)
        shutil.copytree(store / "started", copy)
        with monkeypatch.context() as patch:
            patch.setattr(os, call, dying)
            try:
                run(experiment, copy, resume=True, checkpoints=EACH_STEP)
            except KilledHere:
                assert not Store(copy).find("last").is_running
        run(experiment, copy, resume=True)
        assert same(copy, whole)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [(1, 2, 1), pytest.param((2, 2, 3), marks=pytest.mark.exhaustive)])
def test_processes_change_nothing_in_a_run_that_is_resumed(
    tiny: Experiment, jobs: tuple[int, int, int], store: Path, wholes: Wholes
) -> None:
    experiment = widely_tuned(tiny)
    whole = recorded(wholes("widely tuned", experiment))
    assert run(experiment, store, stop=After(4), jobs=jobs[0]).status == "interrupted"
    with pytest.raises(KilledHere):
        run(experiment, store, listener=kill_at(len(whole) // 2), resume=True, jobs=jobs[1])
    assert len(recorded(store)) < len(whole)
    run(experiment, store, resume=True, jobs=jobs[2])
    assert same(store, wholes("widely tuned", experiment))


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
    resume: dict[str, Callable[[], Result]] = {
        "run": lambda: run(plain(tiny), store, resume=True),
        "resume": lambda: curriculum.resume("last", store=store, mirror=False),
    }
    monkeypatch.setattr("curriculum.record.lock.PROBING_SECONDS", 0.1)
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
    with pytest.raises(UsageError, match=rf"--source PATH.*the run was started from {path}"):
        curriculum.resume("last", store=store, mirror=False)
    result = curriculum.resume("last", store=store, mirror=False, source=path)
    assert result.status == "reached"
    path.write_text(path.read_text() + "\n# a comment\n")
    run(experiment, store / "other", source=source, stop=After(3))
    path.write_text(path.read_text() + "\n# and another\n")
    with pytest.raises(UsageError, match="source_sha256 was"):
        curriculum.resume("last", store=store / "other", mirror=False, source=path)
