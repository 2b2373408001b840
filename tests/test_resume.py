"""A run that is stopped, or killed, and goes on ends as one that never was."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import curriculum
from curriculum import (
    SGD,
    Adam,
    Budget,
    Choices,
    Direct,
    Experiment,
    Explicit,
    Geometric,
    Mastery,
    Result,
    RunFailed,
    Saving,
    Stage,
    Stop,
    Stuck,
    Training,
    Tuning,
    UsageError,
)
from curriculum.learn.learner import weights_sha256
from curriculum.models import LanguageModel, Recurrent, Seq2Seq
from curriculum.record.history import History
from curriculum.record.journal import Record, read_journal
from curriculum.record.lock import Lock
from curriculum.record.store import RunFolder, Store
from tasks import HumanNumbers, Reverse

NEVER_AMID_A_VISIT = Saving(every=float("inf"))
EACH_STEP = Saving(every=0)


def plain(tiny: Experiment) -> Experiment:
    """Some 8 steps on each of three stages."""
    return tiny.but(
        training=Training(look_every=4), criterion=Mastery(threshold=1.0, least_steps=6)
    )


def tuned(tiny: Experiment, **settings: Any) -> Experiment:
    """One whose carried learning rate is hopeless."""
    tuning = Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8)
    return tiny.but(
        growth=Explicit(lengths=(2, 3)),
        optimizer=Adam(learning_rate=1e-5),
        budget=Budget(steps_per_stage=60),
        training=Training(look_every=6),
        tuning=replace(tuning, **settings),
    )


def stuck(tiny: Experiment) -> Experiment:
    return tuned(tiny, mode="stuck")


def hopeless(tiny: Experiment) -> Experiment:
    """A search that none of its trials ends, its retune, and an honest stop."""
    one = tuned(tiny, trials=5)
    return one.but(growth=Explicit(lengths=(40,)), budget=Budget(steps_per_stage=7))


def widely_tuned(tiny: Experiment) -> Experiment:
    one = tuned(tiny, also=(Choices(setting="training.batch_size", values=(16, 64)),))
    return one.but(tuning=replace(one.tuning, trials=4))


def words(tiny: Experiment, **changes: Any) -> Experiment:
    """A document that is read in order, by a state that is carried."""
    made = Experiment(
        task=HumanNumbers(),
        model=LanguageModel(net="lstm", hidden_size=4, carries_state=True),
        growth=Explicit(lengths=(10, 20), vocab_sizes=(38, 38)),
        criterion=Mastery(
            threshold=0.15, target_threshold=0.9, metric="symbol_accuracy", least_steps=7
        ),
        optimizer=Adam(learning_rate=3e-2),
        training=Training(batch_size=16, look_every=5),
        budget=Budget(steps_per_stage=18),
        stuck=Stuck(half_steps=0, demotions=0),
        name="words",
    )
    return made.but(**changes)


def direct(tiny: Experiment) -> Experiment:
    return tiny.but(
        growth=Explicit(lengths=(2, 3, 12)),
        pacing=Direct(),
        budget=Budget(steps=40),
        criterion=Mastery(threshold=1.0),
        training=Training(look_every=6, schedule="one_cycle"),
    )


def direct_words(tiny: Experiment) -> Experiment:
    return words(tiny, pacing=Direct(), budget=Budget(steps=30))


def growing(tiny: Experiment) -> Experiment:
    """A model that gets symbols only as its stages need them."""
    return Experiment(
        task=Reverse(),
        model=Recurrent(cell="gru", hidden_size=12, embedding_size=6),
        growth=Explicit(lengths=(2, 2, 2), vocab_sizes=(2, 3, 4)),
        criterion=Mastery(threshold=0.4, metric="symbol_accuracy", least_steps=9),
        optimizer=Adam(learning_rate=2e-2),
        training=Training(sized_for="stage", look_every=7),
        budget=Budget(steps_per_stage=60),
        name="growing",
    )


def demoted(tiny: Experiment) -> Experiment:
    """One that tries a half step and a demotion, and stops."""
    return tiny.but(
        growth=Explicit(lengths=(2, 60)),
        budget=Budget(steps_per_stage=30),
        optimizer=Adam(learning_rate=2e-2),
        stuck=Stuck(consolidation_steps=9),
        training=Training(look_every=7),
    )


def drawing(tiny: Experiment) -> Experiment:
    """One that draws at random as it trains: what is dropped, and what the decoder is shown."""
    return Experiment(
        task=Reverse(),
        model=Seq2Seq(hidden_size=8, embedding_size=4, dropout=0.2, teacher_forcing=0.5),
        growth=Explicit(lengths=(2, 4), vocab_sizes=(3, 3)),
        criterion=Mastery(threshold=0.5, metric="symbol_accuracy", least_steps=8),
        optimizer=SGD(learning_rate=0.1, momentum=0.9),
        training=Training(look_every=5, distinct_examples=64, batch_size=16),
        budget=Budget(steps_per_stage=20),
        stuck=Stuck(demotions=0),
        name="drawing",
    )


def online(tiny: Experiment) -> Experiment:
    return tiny.but(
        growth=Explicit(lengths=(2, 3)),
        training=Training(online=True, batch_size=4, look_every=9),
        optimizer=Adam(learning_rate=1e-2),
        budget=Budget(steps_per_stage=45),
    )


class After(Stop):
    """Asks a run to stop once it has been looked at so often: before a step, or between visits."""

    def __init__(self, count: int) -> None:
        self._left = count
        super().__init__()

    @property
    def requested(self) -> bool:
        self._left -= 1
        return self._left < 0

    @requested.setter
    def requested(self, value: bool) -> None: ...


class KilledHere(BaseException):
    """Ends a run on the spot, as a kill would: nothing is saved or noted any more."""


def kill_at(count: int) -> Callable[[Record], None]:
    """A listener that kills the run once it has heard of so many records."""
    left = iter(range(count - 1))

    def listener(_: Record) -> None:
        if next(left, None) is None:
            raise KilledHere

    return listener


def run(experiment: Experiment, store: Path, **more: Any) -> Result:
    return curriculum.run(experiment, 1, store=store, mirror=False, **more)


def killed(experiment: Experiment, store: Path, count: int, **more: Any) -> RunFolder:
    with pytest.raises(KilledHere):
        run(experiment, store, listener=kill_at(count), **more)
    return Store(store).find("last")


def told(folder: RunFolder) -> list[Record]:
    """What the journal holds, its clock apart."""
    return [
        {key: value for key, value in record.items() if key != "clock"}
        for record, _ in read_journal(folder.journal)
    ]


def same(store: Path, whole: Path) -> bool:
    """Whether the last runs of two stores end the same: in records, weights and optimizer."""
    one, other = Store(store).find("last"), Store(whole).find("last")
    assert told(one) == told(other)
    for name in ("model.safetensors", "optimizer.safetensors"):
        ours, theirs = ((folder.saved[-1] / name).read_bytes() for folder in (one, other))
        assert ours == theirs
    loaded = weights_sha256(curriculum.load("last", store=store))
    return bool(loaded == told(other)[-1]["weights_sha256"])


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


EXPERIMENTS = {
    "plain": plain,
    "tuned": tuned,
    "stuck": stuck,
    "hopeless": hopeless,
    "widely tuned": widely_tuned,
    "words": words,
    "direct": direct,
    "direct words": direct_words,
    "growing": growing,
    "demoted": demoted,
    "drawing": drawing,
    "online": online,
}


@pytest.fixture(autouse=True)
def _no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked out may change while tests run."""
    monkeypatch.setattr("curriculum.record.circumstances.git_commit", lambda _: None)


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Experiment], Path]:
    """The store of each experiment's run without a stop."""
    found: dict[str, Path] = {}

    def whole(name: str, experiment: Experiment) -> Path:
        if name not in found:
            found[name] = tmp_path_factory.mktemp("whole") / "store"
            run(experiment, found[name], saving=NEVER_AMID_A_VISIT)
        return found[name]

    return whole


@pytest.fixture(params=EXPERIMENTS)
def named(request: pytest.FixtureRequest, tiny: Experiment) -> tuple[str, Experiment]:
    return request.param, EXPERIMENTS[request.param](tiny)


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


def contents(folder: RunFolder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder.path)): path.read_bytes()
        for path in folder.path.rglob("*")
        if path.is_file()
    }


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


def stopped_on_the_way(
    experiment: Experiment, store: Path, visit: int = 1, *, looks: int = 2, **more: Any
) -> RunFolder:
    """A run that was stopped at that look of a visit."""

    def tired(record: Record) -> None:
        if record["kind"] == "look" and record["visit"] == visit:
            heard.append(record)
        if len(heard) == looks:
            stop.request()

    heard: list[Record] = []
    stop = Stop()
    assert run(experiment, store, listener=tired, stop=stop, **more).status == "interrupted"
    return Store(store).find("last")


def test_other_settings_are_refused_by_name_and_taken_where_that_is_insisted_on(
    tiny: Experiment, store: Path
) -> None:
    folder = stopped_on_the_way(plain(tiny), store)
    other = plain(tiny).but(
        budget=Budget(steps_per_stage=500), growth=Geometric(start=Stage(2), until=Stage(8))
    )
    before = contents(folder)
    with pytest.raises(UsageError) as caught:
        run(other, store, resume=True)
    said = str(caught.value)
    assert "budget.steps_per_stage was 400, and is 500" in said
    assert "growth.until.length was 5, and is 8" in said
    assert "--force" in said
    assert "\n" not in said
    assert contents(folder) == before
    result = run(other, store, resume=True, force=True)
    assert (result.status, result.reach) == ("reached", Stage(8))
    assert result.run_id == folder.id
    [change] = [record for record in told(folder) if record["kind"] == "change"]
    assert change["changes"]["budget.steps_per_stage"] == [400, 500]
    assert change["dropped"] == 0
    assert folder.description()["settings"]["growth.until.length"] == 8
    assert curriculum.resume("last", store=store, mirror=False) == result


@pytest.mark.parametrize("by", ["resume", "run"])
def test_other_versions_are_refused_by_name_and_taken_where_that_is_insisted_on(
    tiny: Experiment, store: Path, by: str, monkeypatch: pytest.MonkeyPatch, wholes: Any
) -> None:
    def go_on(**more: Any) -> Result:
        if by == "run":
            return run(plain(tiny), store, resume=True, **more)
        return curriculum.resume("last", store=store, mirror=False, **more)

    folder = stopped_on_the_way(plain(tiny), store)
    versions = folder.description()["environment"] | {"torch": "9.9", "numpy": "0.1"}
    with monkeypatch.context() as patch:
        patch.setattr("curriculum.record.circumstances.environment", lambda: versions)
        with pytest.raises(UsageError, match=r"torch was \S+, and is 9\.9; numpy was"):
            go_on()
        result = go_on(force=True)
    assert result.status == "reached"
    [change] = [record for record in told(folder) if record["kind"] == "change"]
    assert set(change["changes"]) == {"torch", "numpy"}
    assert History.of(folder).changes
    whole = Store(wholes("plain", plain(tiny))).find("last")
    assert [r for r in told(folder) if r["kind"] != "change"] == told(whole)


def test_a_path_that_has_changed_below_is_refused_whatever_is_insisted_on(
    tiny: Experiment, store: Path
) -> None:
    folder = stopped_on_the_way(plain(tiny), store, 2)
    before = contents(folder)
    other = plain(tiny).but(growth=Explicit(lengths=(2, 4, 5)))
    with pytest.raises(UsageError, match=r"path has changed up to where run \w+ stands") as caught:
        run(other, store, resume=True, force=True)
    assert "\n" not in str(caught.value)
    assert contents(folder) == before


def test_what_lies_above_may_change(tiny: Experiment, store: Path) -> None:
    """After a demotion, too: the stage that was too hard is another then."""

    def tired(record: Record) -> None:
        if record["kind"] == "visit" and record["entry"] == "demotion":
            stop.request()

    stop = Stop()
    one = demoted(tiny)
    assert run(one, store, listener=tired, stop=stop).status == "interrupted"
    other = one.but(growth=Explicit(lengths=(2, 61, 62)))
    with pytest.raises(UsageError, match=r"growth\.lengths was"):
        run(other, store, resume=True)
    run(other, store, resume=True, force=True)
    stages = [r["stage"] for r in told(Store(store).find("last")) if r["kind"] == "visit"]
    place = stages.index("61x2")
    assert stages[place - 1] == "2x2"
    assert "60x2" in stages[:place]
    assert "60x2" not in stages[place:]


def test_a_model_that_the_change_does_not_fit_is_a_sentence(tiny: Experiment, store: Path) -> None:
    folder = stopped_on_the_way(plain(tiny), store)
    before = contents(folder)
    wider = plain(tiny).but(model=Recurrent(cell="gru", hidden_size=9))
    with pytest.raises(UsageError, match=r"model of run \w+ does not fit the changed experiment"):
        run(wider, store, resume=True, force=True)
    assert contents(folder) == before


def short_and_long(tiny: Experiment, **changes: Any) -> tuple[Experiment, Experiment]:
    """An experiment whose model is sized for its path, and one of a longer path."""
    short = growing(tiny).but(
        growth=Explicit(lengths=(2, 2), vocab_sizes=(2, 3)), training=Training(look_every=7)
    )
    return short, short.but(growth=Explicit(lengths=(2, 2, 3), vocab_sizes=(2, 3, 6)), **changes)


def test_for_a_longer_path_the_model_grows(tiny: Experiment, store: Path) -> None:
    short, long = short_and_long(tiny)
    folder = stopped_on_the_way(short, store)
    result = run(long, store, resume=True, force=True)
    visits = [record["stage"] for record in told(folder) if record["kind"] == "visit"]
    assert visits[:3] == ["2x2", "2x3", "3x6"]
    assert result.run_id == folder.id
    model = curriculum.load("last", store=store)
    assert {len(value) for name, value in model.state_dict().items() if "head" in name} == {6}


def test_for_a_longer_path_the_model_that_a_visit_goes_back_to_grows(
    tiny: Experiment, store: Path
) -> None:
    never = Mastery(threshold=0.99, metric="symbol_accuracy")
    short, long = short_and_long(tiny, criterion=never, stuck=Stuck(demotions=0, half_steps=0))
    folder = stopped_on_the_way(short, store)
    result = run(long, store, resume=True, force=True)
    assert (result.status, result.reach) == ("stopped", Stage(2, 2))
    assert [r["verdict"] for r in told(folder) if r["kind"] == "verdict"][1:] == ["exhausted"]
    model = curriculum.load("last", store=store)
    assert {len(value) for name, value in model.state_dict().items() if "head" in name} == {6}


@pytest.mark.parametrize("saving", [EACH_STEP, NEVER_AMID_A_VISIT])
def test_what_is_insisted_on_holds_for_what_the_visit_goes_back_to(
    tiny: Experiment, store: Path, saving: Saving
) -> None:
    folder = stopped_on_the_way(demoted(tiny), store, saving=saving)
    slower = demoted(tiny).but(optimizer=Adam(learning_rate=1e-3))
    run(slower, store, resume=True, force=True)
    records = told(folder)
    [place] = [n for n, record in enumerate(records) if record["kind"] == "change"]
    rates = [r["learning_rate"] for r in records[place:] if r["kind"] == "visit"]
    assert len(rates) > 1
    assert set(rates) == {1e-3}


def test_a_forced_run_that_is_killed_again_goes_on_by_itself(tiny: Experiment, store: Path) -> None:
    folder = stopped_on_the_way(plain(tiny), store)
    other = plain(tiny).but(growth=Geometric(start=Stage(2), until=Stage(8)))
    before = len(told(folder))
    for count in range(before + 1, before + 4):  # right after the change, and a little later
        force = count == before + 1
        with pytest.raises(KilledHere):
            run(
                other,
                store,
                listener=kill_at(count),
                resume=True,
                force=force,
                saving=NEVER_AMID_A_VISIT,
            )
    assert "change" in [record["kind"] for record in told(folder)]
    assert curriculum.resume("last", store=store, mirror=False).reach == Stage(8)
    assert [record["kind"] for record in told(folder)].count("change") == 1


def spoiled(folder: RunFolder, place: int, old: bytes, new: bytes) -> None:
    """Change a record of the journal, and give it a check that says it is right."""
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    body = lines[place].rpartition(b',"check":')[0]
    assert body.count(old) >= 1
    assert len(old) == len(new)
    body = body.replace(old, new, 1)
    offset = sum(map(len, lines[:place]))
    lines[place] = body + b',"check":"%08x"}\n' % zlib.crc32(body, offset)
    folder.journal.write_bytes(b"".join(lines))


def test_what_is_computed_again_and_differs_stops_the_run_with_a_sentence(
    tiny: Experiment, store: Path, wholes: Any
) -> None:
    experiment = plain(tiny)
    folder = killed(experiment, store, 8, saving=NEVER_AMID_A_VISIT)
    before = told(folder)
    kinds = [record["kind"] for record in before]
    assert kinds[-4:] == ["verdict", "visit", "look", "look"]
    loss = str(before[-1]["loss"]).encode()
    spoiled(
        folder, 7, b'"loss":' + loss, b'"loss":' + loss[:-1] + (b"1" if loss[-1:] != b"1" else b"2")
    )
    journal = folder.journal.read_bytes()
    for _ in range(2):  # as often as it is tried
        with pytest.raises(RunFailed) as caught:
            curriculum.resume("last", store=store, mirror=False)
        said = str(caught.value)
        assert "computes again differs from its journal: in a look of visit 1, loss is" in said
        assert f"'resume {folder.id} --force'" in said
        assert "drops the 1 records" in said
        assert "\n" not in said
        assert folder.journal.read_bytes() == journal
    assert History.of(folder).status() == "failed"
    assert History.of(folder).ending == said
    result = curriculum.resume("last", store=store, mirror=False, force=True)
    assert result.status == "reached"
    [change] = [record for record in told(folder) if record["kind"] == "change"]
    assert change["changes"] == {}
    whole = Store(wholes("plain", experiment)).find("last")
    assert change["dropped"] == len(folder.dropped.read_bytes().splitlines()) == 3
    assert [r for r in told(folder) if r["kind"] != "change"] == told(whole)


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (5, ('"stage":"3x2"', '"stage":"4x2"'), "in a visit of visit 1, stage is 3x2 and was 4x2"),
        (5, ('"entry":"step"', '"entry":"steb"'), "entry is step and was steb"),
        (5, ('"retuning":false', '"retuning":0    '), "retuning is False and was 0"),
        (6, ('"kind":"look"', '"kind":"book"'), "kind is look and was book"),
        (6, ('"loss":null', '"lozz":null'), "form is None and was None"),
        (7, ('"cleared":', '"Cleared":'), "decision is"),
    ],
)
def test_any_difference_is_found_and_named(
    tiny: Experiment, store: Path, place: int, change: tuple[str, str], said: str
) -> None:
    folder = killed(plain(tiny), store, 9, saving=NEVER_AMID_A_VISIT)
    old, new = change
    spoiled(folder, place, old.encode(), new.encode())
    with pytest.raises(RunFailed, match=said):
        curriculum.resume("last", store=store, mirror=False)


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
