"""Records that somebody made up, their checks right: reported as damage, and never a traceback."""

import copy
import hashlib
import json
import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    StoppedRun,
    contents,
)
from stopped_experiments import (
    tuned,
)

import curriculum
from curriculum import Experiment, Stage
from curriculum.cli.main import main
from curriculum.plan import ArmReport, Cost
from curriculum.record import (
    FORMAT,
    ArmEvaluated,
    ArmSelected,
    Evaluated,
    FavouritesChanged,
    History,
    OtherFormat,
    ProvenanceChanged,
    RaceStarted,
    Record,
    RolledBack,
    RunFolder,
    Store,
    TargetEvaluated,
    TargetScreened,
    VisitEnded,
    encode,
    intact_records,
    read_journal,
)
from curriculum.record.codec import Malformed
from curriculum.record.events import (
    KINDS,
    NAMES,
    OF_A_VISIT,
    Clock,
    event_json,
    record_from_json,
)
from curriculum.record.journal import DamagedJournal
from curriculum.record.trial_record import CompletedTrial, TrialReport
from curriculum.report import explain_run, run_line
from curriculum.tune.search import Search

OTHERS: tuple[Any, ...] = (None, True, -1, 3, 0.5, 10**400, float("inf"), "", "x", [], ["x"], {})

Content = dict[str, Any]


def as_json(record: Record) -> Content:
    """What the journal holds of a record, without its check."""
    content = {**event_json(record.event), "clock": encode(record.clock)}
    return json.loads(json.dumps(content))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def searched(
    stopped_run: StoppedRun, wholes: Callable[[str, Experiment], Path]
) -> tuple[Content, ...]:
    """The records of a run with a search, forced to resume, that rolled back and tested its target ahead."""
    folder = Store(wholes("tuned", tuned(stopped_run.experiment))).find("last")
    records = [record for record, _ in read_journal(folder.journal)]
    place = next(n for n, r in enumerate(records) if isinstance(r.event, VisitEnded)) + 1
    made_up = (
        ProvenanceChanged(changes={"torch": ("1", "2")}, dropped=0),
        RolledBack(
            visit=0,
            number=1,
            step=9,
            score=0.5,
            best_step=3,
            best_score=0.9,
            learning_rate=1e-3,
        ),
        RaceStarted(
            first_costs={"gated": 5.0, "direct": 7.0}, left_out={"look_back": "it is long"}
        ),
        ArmEvaluated(
            arm="gated",
            stage=Stage(5),
            reach=Stage(4),
            report=ArmReport(
                compute=9.0,
                stages=2,
                score=0.5,
                target_score=0.25,
                target_loss=0.7,
                ending="its budget",
            ),
            cost=Cost(compute=9.0),
        ),
        FavouritesChanged(arms=("gated",), remaining={"gated": 5.0, "direct": None}),
        ArmSelected(
            arm="gated", mastered=True, ending="it is first", cost=Cost(), discarded_cost=Cost()
        ),
        TargetScreened(visit=1, stage=Stage(9), evaluation=4, score=0.25, examples=64, loss=0.7),
        TargetEvaluated(
            visit=0,
            stage=Stage(5),
            evaluation=1,
            score=0.5,
            examples=8,
            cleared=False,
            mastered=False,
            reason="0.5 < 1",
        ),
    )
    more = [Record(event, records[place].clock) for event in made_up]
    return tuple(map(as_json, (*records[:place], *more, *records[place:])))


def write(folder: RunFolder, records: Sequence[Content]) -> None:
    """Put a journal in place of what is there, each line with a check that says it is right."""
    content = b""
    for record in records:
        body = json.dumps(record).encode()[:-1]
        content += body + b',"check":"%08x"}\n' % zlib.crc32(body, len(content))
    folder.journal.write_bytes(content)


def places(value: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of all that an object holds, those in its parts as well."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield (*before, name)
            yield from places(part, (*before, name))


def changed(record: Content, place: tuple[str, ...], *other: Any) -> Content:
    """The record with something else in that place, or without it."""
    found = copy.deepcopy(record)
    inner = found
    for name in place[:-1]:
        inner = inner[name]
    del inner[place[-1]]
    if other:
        inner[place[-1]] = other[0]
    return found


def is_well_formed(record: Content) -> bool:
    """Whether it is read; what isn't is refused as malformed, and in no other way."""
    try:
        record_from_json(json.loads(json.dumps(record)))
    except Malformed:
        return False
    return True


def describe(folder: RunFolder) -> None:
    """Describe a run in every way that there is."""
    history = History.of(folder)
    for sentence in explain_run(history):
        assert "\n" not in sentence
    assert history.result().as_json()
    assert run_line(folder).as_json()
    Search.of_events(record.event for record, _ in intact_records(folder.journal)[0])


def test_a_run_writes_every_kind_of_event_and_each_is_well_formed(
    searched: tuple[Content, ...],
) -> None:
    assert {record["kind"] for record in searched} == set(KINDS)
    assert all(map(is_well_formed, searched))
    assert all(as_json(record_from_json(record)) == record for record in searched)


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_record_is_so_odd_that_it_cannot_be_described(
    run: StoppedRun, searched: tuple[Content, ...], kind: str
) -> None:
    number = next(n for n, record in enumerate(searched) if record["kind"] == kind)
    missing = []
    for place in places(searched[number]):
        for other in ((), *((value,) for value in OTHERS)):
            records = [*searched]
            records[number] = changed(searched[number], place, *other)
            if is_well_formed(records[number]):
                write(run.folder, records)
                describe(run.folder)
            elif not other:
                missing.append(".".join(place))
    assert {"clock", "clock.time", "clock.seconds", "kind"} < set(missing)


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [
        ("evaluation", "decision"),
        ("evaluation", "cost"),
        ("visit_started", "stage"),
        ("visit_ended", "reach"),
        ("visit_ended", "next_stage"),
        ("selection", "cost"),
        ("trial_evaluation", "report"),
        ("trial", "trial"),
        ("round", "parameters"),
        ("provenance_change", "changes"),
        ("run_ended", "ending"),
        ("run_ended", "clock"),
    ],
)
def test_a_record_that_lacks_a_field_is_damage_from_there_on(
    run: StoppedRun, searched: tuple[Content, ...], kind: str, lacking: str
) -> None:
    number = max(n for n, record in enumerate(searched) if record["kind"] == kind)
    write(run.folder, [*searched[:number], changed(searched[number], (lacking,)), *searched])
    records, damaged = intact_records(run.folder.journal)
    assert damaged
    assert len(records) == number
    assert run_line(run.folder).state == "damaged"
    assert run_line(run.folder).command == f"resume {run.folder.id}"
    damage = [line for line in explain_run(History.of(run.folder)) if "damaged" in line]
    assert len(damage) == 1
    assert f"'resume {run.folder.id}'" in damage[0]


@pytest.mark.parametrize("kind", sorted(NAMES[kind] for kind in OF_A_VISIT))
def test_a_record_of_a_visit_before_there_is_any_is_damage(
    run: StoppedRun, searched: tuple[Content, ...], kind: str
) -> None:
    write(run.folder, [record for record in searched if record["kind"] == kind])
    assert intact_records(run.folder.journal) == ([], True)
    describe(run.folder)


def test_all_kinds_but_those_of_runs_and_races_are_of_a_visit() -> None:
    whole_run = {"training_ended", "final_evaluation", "run_ended"}
    race = {"race", "arm_evaluation", "favourites", "arm_selection"}
    others = {"visit_started", "provenance_change", *race, *whole_run}
    assert {NAMES[kind] for kind in OF_A_VISIT} == KINDS.keys() - others


def make_up(run: StoppedRun, place: int) -> None:
    """Take the reason of a decision away."""
    records = [record for record, _ in read_journal(run.folder.journal)]
    number = [n for n, r in enumerate(records) if isinstance(r.event, Evaluated)][place]
    content = [as_json(record) for record in records]
    content[number] = changed(content[number], ("decision", "reason"))
    write(run.folder, content)


@pytest.mark.parametrize("place", [0, 2, -1])
def test_a_resume_says_so_and_computes_the_rest_again(
    run: StoppedRun, place: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.record.provenance.git_commit", lambda _: None)
    make_up(run, place)
    with caplog.at_level(logging.WARNING):
        assert run.resume().weights_sha256 == run.weights_sha256
    assert "is damaged at byte" in caplog.messages[0]
    assert run.recorded() == run.events


@pytest.mark.parametrize("command", ["runs", "explain", "show"])
def test_a_command_says_so_in_a_sentence(
    run: StoppedRun,
    command: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_up(run, 2)
    name = [] if command == "runs" else ["last"]
    assert main([command, *name, "--store", str(run.root)]) == 0
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    lines = [line for line in (*out.splitlines(), *caplog.messages) if "damaged" in line]
    assert len(lines) == 1
    assert f"resume {run.folder.id}" in lines[0]


EARLIER: tuple[Content, ...] = (
    {
        "kind": "visit", "visit": 0, "stage": "2x2", "entry": "step", "retuning": False,
        "learning_rate": 0.03, "hidden_size": 2, "clock": {"time": 1795598270.658, "seconds": 0.0},
    },
    {
        "kind": "look", "visit": 0, "stage": "2x2", "stream": "gate", "loss": None,
        "test": {"score": 0.0, "examples": 3, "source": "every input"},
        "decision": {
            "mastered": False, "cleared": False, "reason": "exact_match 0 < 1", "score": 0.0,
            "metric": "exact_match", "threshold": 1.0, "examples": 3, "bound": None,
        },
        "spent": {"steps": 0, "tokens": 0, "compute": 100066.0},
        "lost": {"steps": 0, "tokens": 0, "compute": 0.0},
        "clock": {"time": 1795598270.706, "seconds": 0.0484},
    },
    {
        "kind": "retention", "visit": 0, "stage": "2x2", "scores": {"2x2": 1.0, "3x2": 1.0},
        "clock": {"time": 1795598270.878, "seconds": 0.2181},
    },
)  # fmt: skip
"""Records of a journal as an earlier version wrote them; retention was then as it is now."""


def test_a_journal_of_an_earlier_version_is_refused_in_a_sentence(run: StoppedRun) -> None:
    write(run.folder, EARLIER)
    with pytest.raises(DamagedJournal, match="at byte 0; 'resume'") as caught:
        list(read_journal(run.folder.journal))
    assert f"{run.folder.journal} is damaged" in str(caught.value)
    assert "'resume' continues from what comes before" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert intact_records(run.folder.journal) == ([], True)
    describe(run.folder)


@pytest.mark.parametrize("record", EARLIER[:2], ids=lambda record: str(record["kind"]))
def test_a_record_of_an_earlier_version_is_damage_from_there_on(
    run: StoppedRun, searched: tuple[Content, ...], record: Content
) -> None:
    write(run.folder, [*searched[:3], record, *searched[3:]])
    records, damaged = intact_records(run.folder.journal)
    assert damaged
    assert len(records) == 3


def describe_as_before(run: StoppedRun) -> None:
    """Put a `run.json` of an earlier version in place, its check right."""
    path = run.folder.path / "run.json"
    content = json.loads(path.read_text())
    del content["check"], content["format"]
    content["studies"] = content.pop("optuna_storage")
    content["settings"]["training.look_every"] = content["settings"].pop("training.eval_every")
    check = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(content | {"check": check}))


def test_a_run_of_an_earlier_version_is_refused_in_a_sentence_and_left_alone(
    run: StoppedRun,
) -> None:
    describe_as_before(run)
    write(run.folder, EARLIER)
    before = contents(run.folder)
    message = (
        r"run \w+ is recorded in a format without a number, as another version of this package "
        rf"writes it, and this version reads format {FORMAT}; 'rm \w+' deletes the run"
    )
    for use in (
        run.folder.description,
        run.resume,
        lambda: curriculum.load("last", store=run.root),
    ):
        with pytest.raises(OtherFormat, match=message) as caught:
            use()
        assert "\n" not in str(caught.value)
    assert contents(run.folder) == before
    assert run_line(run.folder).state == "foreign"
    assert run_line(run.folder).command == f"rm {run.folder.id}"


@pytest.mark.parametrize("command", ["explain", "show", "resume", "certify", "sync"])
def test_every_command_refuses_a_run_of_an_earlier_version_in_a_sentence(
    run: StoppedRun, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    describe_as_before(run)
    write(run.folder, EARLIER)
    assert main([command, "last", "--store", str(run.root)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("curriculum: ")
    assert f"run {run.folder.id} is recorded in a format without a number" in err
    assert err.count("\n") == 1


def test_a_run_of_an_earlier_version_can_be_deleted(run: StoppedRun) -> None:
    describe_as_before(run)
    assert main(["rm", run.folder.id, "--yes", "--store", str(run.root)]) == 0
    assert not Store(run.root).runs()


@pytest.mark.parametrize("kind", [*KINDS.values(), TrialReport, CompletedTrial, Clock])
def test_what_is_recorded_never_changes_and_is_made_by_names(kind: type[Any]) -> None:
    assert kind.__dataclass_params__.frozen
    assert all(field.kw_only for field in fields(kind))
    assert "__slots__" in vars(kind)
