"""A run whose circumstances have changed is refused by name, and goes on where that is insisted on."""

from pathlib import Path
from typing import Any

import pytest
from stopping import (
    EACH_STEP,
    NEVER_AMID_A_VISIT,
    KilledHere,
    contents,
    demoted,
    growing,
    kill_at,
    plain,
    run,
    stopped_on_the_way,
    told,
)

import curriculum
from curriculum import (
    Adam,
    Budget,
    Experiment,
    Explicit,
    Galloping,
    Geometric,
    Mastery,
    Result,
    Saving,
    Stage,
    Stop,
    Stuck,
    Training,
    UsageError,
)
from curriculum.learn.learner import Learner
from curriculum.learn.shape import Shape
from curriculum.models import Recurrent
from curriculum.plan import Growth
from curriculum.record.history import History
from curriculum.record.journal import Record
from curriculum.record.store import RunFolder, Store
from curriculum.report.explain import explain


@pytest.fixture(autouse=True)
def _no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked out may change while tests run."""
    monkeypatch.setattr("curriculum.record.circumstances.git_commit", lambda _: None)


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


def test_each_change_stays_told_when_a_run_is_forced_again_before_it_is_saved(
    tiny: Experiment, store: Path
) -> None:
    folder = stopped_on_the_way(plain(tiny), store)
    for steps, more in ((500, 3), (600, 2), (700, 4)):
        other = plain(tiny).but(budget=Budget(steps_per_stage=steps))
        with pytest.raises(KilledHere):
            run(
                other,
                store,
                listener=kill_at(len(told(folder)) + more),
                resume=True,
                force=True,
                saving=NEVER_AMID_A_VISIT,
            )
    assert curriculum.resume("last", store=store, mirror=False).status == "reached"
    changes = [record["changes"] for record in told(folder) if record["kind"] == "change"]
    assert changes == [
        {"budget.steps_per_stage": pair} for pair in ([400, 500], [500, 600], [600, 700])
    ]
    said = [line for line in explain(History.of(folder)) if "under other circumstances" in line]
    assert len(said) == 3


def test_what_changed_is_told_even_if_a_kill_comes_right_then(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stopped_on_the_way(plain(tiny), store)
    other = plain(tiny).but(budget=Budget(steps_per_stage=500))

    def killed(*_: object) -> None:
        raise KilledHere

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "describe", killed)
        with pytest.raises(KilledHere):
            run(other, store, resume=True, force=True)
    with pytest.raises(UsageError, match="steps_per_stage was 400, and is 500"):
        run(other, store, resume=True)
    assert run(other, store, resume=True, force=True).status == "reached"
    [change] = [record for record in told(folder) if record["kind"] == "change"]
    assert change["changes"] == {"budget.steps_per_stage": [400, 500]}


def sized_for_its_path(tiny: Experiment) -> Experiment:
    return plain(tiny).but(growth=Explicit(lengths=(2, 3, 4, 5)))


@pytest.mark.parametrize(
    ("growth", "end"),
    [
        (Explicit(lengths=(2, 3)), "length 3"),
        (Explicit(lengths=(2, 3, 4)), "length 4"),
        (Geometric(start=Stage(2), until=Stage(4)), "length 4"),
        (Galloping(start=Stage(2), until=Stage(3)), "length 3"),
    ],
)
def test_a_path_that_ends_before_is_refused_in_a_sentence_about_the_path(
    tiny: Experiment, store: Path, growth: Growth, end: str
) -> None:
    folder = stopped_on_the_way(sized_for_its_path(tiny), store, 1)
    before = contents(folder)
    with pytest.raises(UsageError) as caught:
        run(sized_for_its_path(tiny).but(growth=growth), store, resume=True, force=True)
    said = str(caught.value)
    assert said.startswith("the path ended at length 5, vocabulary 2, and would end at " + end)
    assert "not whole" not in said
    assert "Shape" not in said
    assert "\n" not in said
    assert contents(folder) == before
    assert run(sized_for_its_path(tiny), store, resume=True).status == "reached"


def test_a_path_that_ends_before_where_the_run_stands_is_refused(
    tiny: Experiment, store: Path
) -> None:
    one = sized_for_its_path(tiny)
    folder = stopped_on_the_way(one, store, 2)
    before = contents(folder)
    with pytest.raises(UsageError, match=r"path has changed up to .* stands .length 4,"):
        run(one.but(growth=Explicit(lengths=(2, 3))), store, resume=True, force=True)
    assert contents(folder) == before


def test_a_shorter_path_will_do_where_the_model_grows_with_its_stages(
    tiny: Experiment, store: Path
) -> None:
    stopped_on_the_way(growing(tiny), store)
    short = growing(tiny).but(growth=Explicit(lengths=(2, 2), vocab_sizes=(2, 3)))
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
    with pytest.raises(UsageError, match=r"path has changed, and the walk of run \w+ .* is over"):
        run(experiment.but(growth=Explicit(lengths=lengths)), store, resume=True, force=True)
    assert contents(folder) == before
    again = run(experiment, store, resume=True)
    assert (again.status, again.reach) == (result.status, result.reach)


@pytest.mark.parametrize("error", [UsageError("no room"), ValueError("no room")])
def test_a_model_that_cannot_follow_a_longer_path_is_a_sentence_about_the_path(
    tiny: Experiment, store: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_small(self: Learner, shape: Shape, **more: Any) -> Learner:
        if shape.length > self.shape.length:
            raise error
        return grown(self, shape, **more)

    grown = Learner.grown
    folder = stopped_on_the_way(plain(tiny), store)
    before = contents(folder)
    longer = plain(tiny).but(growth=Geometric(start=Stage(2), until=Stage(8)))
    with monkeypatch.context() as patch:
        patch.setattr(Learner, "grown", too_small)
        with pytest.raises(UsageError) as caught:
            run(longer, store, resume=True, force=True)
    assert "whose path ended at length 5, vocabulary 2 and would end at length 8" in str(
        caught.value
    )
    assert "no room" in str(caught.value)
    assert contents(folder) == before
