"""A run under a changed provenance is refused, with what changed, and resumed by force.

Provenance is all that a run's numbers depend on: its settings, versions, device and code.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    EACH_STEP,
    NEVER_WITHIN_A_VISIT,
    KilledHere,
    contents,
    events,
    interrupted_run,
    kill_at,
    run,
)
from recorded_events import kinds, of_kind, recorded
from stopped_experiments import (
    demoted,
    growing,
    per_stage,
    plain,
)

import curriculum
from curriculum import (
    Adam,
    Backtracking,
    Budget,
    CheckpointPolicy,
    Experiment,
    Explicit,
    Galloping,
    Geometric,
    Mastery,
    RunResult,
    Shape,
    Stage,
    StopRequest,
    UsageError,
    Verdict,
)
from curriculum.learn import Learner
from curriculum.models import Recurrent
from curriculum.plan import Growth, VisitReason
from curriculum.record import (
    History,
    ProvenanceChanged,
    Record,
    RunFolder,
    Store,
    VisitEnded,
    VisitStarted,
)
from curriculum.report import explain_run

Wholes = Callable[[str, Experiment], Path]


def test_other_settings_are_refused_by_name_and_taken_by_force(
    tiny: Experiment, store: Path
) -> None:
    folder = interrupted_run(plain(tiny), store)
    other = plain(tiny).replace(
        budget=Budget(steps_per_stage=500), growth=Geometric(start=Stage(2), end=Stage(8))
    )
    before = contents(folder)
    with pytest.raises(UsageError) as caught:
        run(other, store, resume=True)
    message = str(caught.value)
    assert "budget.steps_per_stage was 400 and is 500" in message
    assert "growth.end.length was 5 and is 8" in message
    assert "--force" in message
    assert "\n" not in message
    assert contents(folder) == before
    result = run(other, store, resume=True, force=True)
    assert (result.status, result.reach) == ("reached", Stage(8))
    assert result.run_id == folder.id
    [change] = of_kind(ProvenanceChanged, events(folder))
    assert change.changes["budget.steps_per_stage"] == (400, 500)
    assert change.dropped == 0
    assert folder.description().settings["growth.end.length"] == 8
    assert curriculum.resume("last", store=store, mirror=False) == result


def test_another_threshold_of_a_single_stage_is_refused(tiny: Experiment, store: Path) -> None:
    interrupted_run(per_stage(tiny), store)
    other = per_stage(tiny)
    other = other.replace(criterion=other.criterion.replace(per_stage={2: 0.6, "3x2": 0.8}))
    with pytest.raises(UsageError, match=r"criterion.per_stage was .*0.7.* and is .*0.8"):
        run(other, store, resume=True)
    assert run(per_stage(tiny), store, resume=True).status == "reached"


@pytest.mark.parametrize("by", ["resume", "run"])
def test_a_run_is_resumed_with_the_threads_that_it_was_started_with(
    tiny: Experiment, store: Path, by: str, wholes: Wholes
) -> None:
    folder = interrupted_run(plain(tiny), store, threads=2)
    if by == "run":
        run(plain(tiny), store, resume=True)
    else:
        curriculum.resume("last", store=store, mirror=False)
    assert History.of(folder).status() == "reached"
    other = interrupted_run(plain(tiny), store / "other", threads=2)
    with pytest.raises(
        UsageError, match=r"threads was 2 and is 1 \(--threads 2 gives it as many\)"
    ):
        run(plain(tiny), store / "other", resume=True, threads=1)
    assert History.of(other).status() == "interrupted"


@pytest.mark.parametrize(
    ("name", "before", "remedy"),
    [
        ("cpu_capability", "AVX2", "ATEN_CPU_CAPABILITY=avx2 in the environment has torch use it"),
        ("gpu", "NVIDIA H200", "resume it on a machine with that GPU"),
        ("dtype", "float64", ""),
    ],
)
def test_another_machine_is_refused_and_told_how_to_be_the_same(
    tiny: Experiment, store: Path, name: str, before: str, remedy: str
) -> None:
    folder = interrupted_run(plain(tiny), store)
    changed: dict[str, Any] = {name: before}
    folder.describe(replace(folder.description(), **changed))
    with pytest.raises(UsageError, match=f"{name} was {before} and is .*{remedy}"):
        curriculum.resume("last", store=store, mirror=False)
    assert curriculum.resume("last", store=store, mirror=False, force=True).status == "reached"


@pytest.mark.parametrize("by", ["resume", "run"])
def test_other_versions_are_refused_by_name_and_taken_by_force(
    tiny: Experiment, store: Path, by: str, monkeypatch: pytest.MonkeyPatch, wholes: Wholes
) -> None:
    def resume(**more: Any) -> RunResult:
        if by == "run":
            return run(plain(tiny), store, resume=True, **more)
        return curriculum.resume("last", store=store, mirror=False, **more)

    folder = interrupted_run(plain(tiny), store)
    versions = {**folder.description().environment, "torch": "9.9", "numpy": "0.1"}
    with monkeypatch.context() as patch:
        patch.setattr("curriculum.record.provenance.environment", lambda _=(): versions)
        with pytest.raises(
            UsageError, match=r"torch was (\S+) and is 9\.9 \(pip install torch==\1\); numpy was"
        ):
            resume()
        result = resume(force=True)
    assert result.status == "reached"
    [change] = of_kind(ProvenanceChanged, events(folder))
    assert set(change.changes) == {"torch", "numpy"}
    assert History.of(folder).changes
    rest = [event for event in events(folder) if not isinstance(event, ProvenanceChanged)]
    assert rest == recorded(wholes("plain", plain(tiny)))


def test_a_path_that_has_changed_below_is_refused_even_by_force(
    tiny: Experiment, store: Path
) -> None:
    folder = interrupted_run(plain(tiny), store, 2)
    before = contents(folder)
    other = plain(tiny).replace(growth=Explicit(lengths=(2, 4, 5)))
    with pytest.raises(
        UsageError, match=r"path has changed before the stage that run \w+ has"
    ) as caught:
        run(other, store, resume=True, force=True)
    assert "\n" not in str(caught.value)
    assert contents(folder) == before


def test_what_is_above_may_change(tiny: Experiment, store: Path) -> None:
    """After a demotion, too: the stage that was too hard is another then."""

    def listener(record: Record) -> None:
        event = record.event
        if isinstance(event, VisitStarted) and event.reason is VisitReason.DEMOTION:
            stop.request()

    stop = StopRequest()
    one = demoted(tiny)
    assert run(one, store, listener=listener, stop=stop).status == "interrupted"
    other = one.replace(growth=Explicit(lengths=(2, 61, 62)))
    with pytest.raises(UsageError, match=r"growth\.lengths was"):
        run(other, store, resume=True)
    run(other, store, resume=True, force=True)
    lengths = [event.stage.length for event in of_kind(VisitStarted, recorded(store))]
    place = lengths.index(61)
    assert lengths[place - 1] == 2
    assert 60 in lengths[:place]
    assert 60 not in lengths[place:]


def test_a_model_that_the_change_does_not_fit_is_refused(tiny: Experiment, store: Path) -> None:
    folder = interrupted_run(plain(tiny), store)
    before = contents(folder)
    wider = plain(tiny).replace(model=Recurrent(cell="gru", hidden_size=9))
    with pytest.raises(UsageError, match=r"model of run \w+ does not fit the changed experiment"):
        run(wider, store, resume=True, force=True)
    assert contents(folder) == before


def short_and_long(tiny: Experiment, **changes: Any) -> tuple[Experiment, Experiment]:
    """An experiment whose model is sized for its path, and one of a longer path."""
    short = growing(tiny).replace(
        growth=Explicit(lengths=(2, 2), vocab_sizes=(2, 3)), model_size="path"
    )
    return short, short.replace(
        growth=Explicit(lengths=(2, 2, 3), vocab_sizes=(2, 3, 6)), **changes
    )


def test_for_a_longer_path_the_model_grows(tiny: Experiment, store: Path) -> None:
    short, long = short_and_long(tiny)
    folder = interrupted_run(short, store)
    result = run(long, store, resume=True, force=True)
    stages = [event.stage.key for event in of_kind(VisitStarted, events(folder))]
    assert stages[:3] == ["2x2", "2x3", "3x6"]
    assert result.run_id == folder.id
    model = curriculum.load("last", store=store)
    assert {len(value) for name, value in model.state_dict().items() if "head" in name} == {6}


def test_for_a_longer_path_the_model_that_a_visit_goes_back_to_grows(
    tiny: Experiment, store: Path
) -> None:
    never = Mastery(threshold=0.99, metric="symbol_accuracy")
    short, long = short_and_long(
        tiny,
        criterion=never,
        backtracking=Backtracking(demotions=0, half_steps=0, fresh_starts=0),
    )
    folder = interrupted_run(short, store)
    result = run(long, store, resume=True, force=True)
    assert (result.status, result.reach) == ("stopped", Stage(2, 2))
    ends = of_kind(VisitEnded, events(folder))
    assert [event.verdict for event in ends][1:] == [Verdict.EXHAUSTED]
    model = curriculum.load("last", store=store)
    assert {len(value) for name, value in model.state_dict().items() if "head" in name} == {6}


@pytest.mark.parametrize("checkpoints", [EACH_STEP, NEVER_WITHIN_A_VISIT])
def test_forced_settings_hold_for_what_the_visit_goes_back_to(
    tiny: Experiment, store: Path, checkpoints: CheckpointPolicy
) -> None:
    folder = interrupted_run(demoted(tiny), store, checkpoints=checkpoints)
    slower = demoted(tiny).replace(optimizer=Adam(learning_rate=1e-3))
    run(slower, store, resume=True, force=True)
    found = events(folder)
    assert kinds(found).count(ProvenanceChanged) == 1
    after = found[kinds(found).index(ProvenanceChanged) :]
    rates = [event.learning_rate for event in of_kind(VisitStarted, after)]
    assert len(rates) > 1
    assert set(rates) == {1e-3}


def test_a_forced_run_that_is_killed_again_is_resumed_without_force(
    tiny: Experiment, store: Path
) -> None:
    folder = interrupted_run(plain(tiny), store)
    other = plain(tiny).replace(growth=Geometric(start=Stage(2), end=Stage(8)))
    before = len(events(folder))
    for count in range(before + 1, before + 4):  # right after the change, and a little later
        force = count == before + 1
        with pytest.raises(KilledHere):
            run(
                other,
                store,
                listener=kill_at(count),
                resume=True,
                force=force,
                checkpoints=NEVER_WITHIN_A_VISIT,
            )
    assert ProvenanceChanged in kinds(events(folder))
    assert curriculum.resume("last", store=store, mirror=False).reach == Stage(8)
    assert kinds(events(folder)).count(ProvenanceChanged) == 1


def test_each_change_stays_on_record_when_a_run_is_forced_again_before_it_is_saved(
    tiny: Experiment, store: Path
) -> None:
    folder = interrupted_run(plain(tiny), store)
    for steps, more in ((500, 3), (600, 2), (700, 4)):
        other = plain(tiny).replace(budget=Budget(steps_per_stage=steps))
        with pytest.raises(KilledHere):
            run(
                other,
                store,
                listener=kill_at(len(events(folder)) + more),
                resume=True,
                force=True,
                checkpoints=NEVER_WITHIN_A_VISIT,
            )
    assert curriculum.resume("last", store=store, mirror=False).status == "reached"
    changes = [event.changes for event in of_kind(ProvenanceChanged, events(folder))]
    assert changes == [
        {"budget.steps_per_stage": pair} for pair in ((400, 500), (500, 600), (600, 700))
    ]
    lines = [line for line in explain_run(History.of(folder)) if "changed provenance" in line]
    assert len(lines) == 3


def test_what_changed_is_on_record_even_if_a_kill_comes_right_then(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = interrupted_run(plain(tiny), store)
    other = plain(tiny).replace(budget=Budget(steps_per_stage=500))

    def kill(*_: object) -> None:
        raise KilledHere

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "describe", kill)
        with pytest.raises(KilledHere):
            run(other, store, resume=True, force=True)
    with pytest.raises(UsageError, match="steps_per_stage was 400 and is 500"):
        run(other, store, resume=True)
    assert run(other, store, resume=True, force=True).status == "reached"
    [change] = of_kind(ProvenanceChanged, events(folder))
    assert change.changes == {"budget.steps_per_stage": (400, 500)}


def four_stages(tiny: Experiment) -> Experiment:
    return plain(tiny).replace(growth=Explicit(lengths=(2, 3, 4, 5)))


@pytest.mark.parametrize(
    ("growth", "end"),
    [
        (Explicit(lengths=(2, 3)), "length 3"),
        (Explicit(lengths=(2, 3, 4)), "length 4"),
        (Geometric(start=Stage(2), end=Stage(4)), "length 4"),
        (Galloping(start=Stage(2), end=Stage(3)), "length 3"),
    ],
)
def test_a_shorter_path_is_refused_with_both_ends_named(
    tiny: Experiment, store: Path, growth: Growth, end: str
) -> None:
    folder = interrupted_run(four_stages(tiny), store, 1)
    before = contents(folder)
    with pytest.raises(UsageError) as caught:
        run(four_stages(tiny).replace(growth=growth), store, resume=True, force=True)
    message = str(caught.value)
    assert message.startswith("the path ended at length 5, vocabulary 2, and would end at " + end)
    assert "not whole" not in message
    assert "Shape" not in message
    assert "\n" not in message
    assert contents(folder) == before
    assert run(four_stages(tiny), store, resume=True).status == "reached"


def test_a_path_that_ends_before_the_stage_of_the_run_is_refused(
    tiny: Experiment, store: Path
) -> None:
    one = four_stages(tiny)
    folder = interrupted_run(one, store, 2)
    before = contents(folder)
    with pytest.raises(UsageError, match=r"path has changed before .* has come to .length 4,"):
        run(one.replace(growth=Explicit(lengths=(2, 3))), store, resume=True, force=True)
    assert contents(folder) == before


def test_a_shorter_path_is_taken_where_the_model_grows_with_its_stages(
    tiny: Experiment, store: Path
) -> None:
    interrupted_run(growing(tiny), store)
    short = growing(tiny).replace(growth=Explicit(lengths=(2, 2), vocab_sizes=(2, 3)))
    result = run(short, store, resume=True, force=True)
    assert (result.status, result.reach) == ("reached", Stage(2, 3))


@pytest.mark.parametrize("lengths", [(2, 3), (2, 3, 5, 6)])
def test_the_path_of_a_run_that_only_lacks_its_last_record_cannot_change(
    tiny: Experiment, store: Path, lengths: tuple[int, ...]
) -> None:
    experiment = plain(tiny)
    result = run(experiment, store)
    folder = Store(store).find("last")
    folder.journal.write_bytes(b"".join(folder.journal.read_bytes().splitlines(True)[:-1]))
    before = contents(folder)
    with pytest.raises(UsageError, match=r"path has changed, and run \w+ is over"):
        run(experiment.replace(growth=Explicit(lengths=lengths)), store, resume=True, force=True)
    assert contents(folder) == before
    again = run(experiment, store, resume=True)
    assert (again.status, again.reach) == (result.status, result.reach)


@pytest.mark.parametrize("error", [UsageError("no room"), ValueError("no room")])
def test_a_model_that_cannot_grow_for_a_longer_path_is_refused_with_both_ends_named(
    tiny: Experiment, store: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_small(self: Learner, shape: Shape, **more: Any) -> Learner:
        if shape.length > self.shape.length:
            raise error
        return grown(self, shape, **more)

    grown = Learner.grown
    folder = interrupted_run(plain(tiny), store)
    before = contents(folder)
    longer = plain(tiny).replace(growth=Geometric(start=Stage(2), end=Stage(8)))
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "grown", too_small)
        with pytest.raises(UsageError) as caught:
            run(longer, store, resume=True, force=True)
    assert "whose path ended at length 5, vocabulary 2 and would end at length 8" in str(
        caught.value
    )
    assert "no room" in str(caught.value)
    assert contents(folder) == before
