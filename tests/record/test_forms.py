"""Records that somebody made up, their checks right: told as damage, and never a traceback."""

import copy
import json
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stopping import tuned

from curriculum.cli import main
from curriculum.record.forms import FORMS, OF_A_VISIT, is_well_formed
from curriculum.record.history import History
from curriculum.record.journal import Record, read_journal, whole_records
from curriculum.record.store import RunFolder, Store
from curriculum.report.explain import explain
from curriculum.report.runs import run_line
from curriculum.tune.search import Search

OTHERS: tuple[Any, ...] = (None, True, -1, 3, 0.5, 10**400, float("inf"), "", "x", [], ["x"], {})


@pytest.fixture
def run(stopped_run: Any, tmp_path: Path) -> Any:
    return stopped_run.copied(tmp_path / "copy")


@pytest.fixture(scope="module")
def searched(stopped_run: Any, wholes: Any) -> list[Record]:
    """The records of a run with a search, made to go on under other circumstances, and looking ahead."""
    folder = Store(wholes("tuned", tuned(stopped_run.experiment))).find("last")
    records = [record for record, _ in read_journal(folder.journal)]
    change = {"kind": "change", "changes": {"torch": ["1", "2"]}, "dropped": 0}
    place = next(n for n, record in enumerate(records) if record["kind"] == "verdict") + 1
    ahead = {
        "kind": "ahead", "visit": 0, "stage": "5x2", "look": 1, "score": 0.5, "examples": 8,
        "cleared": False, "mastered": False, "reason": "0.5 < 1",
    }  # fmt: skip
    made_up = [one | {"clock": records[place]["clock"]} for one in (change, ahead)]
    return [*records[:place], *made_up, *records[place:]]


def write(folder: RunFolder, records: list[Record]) -> None:
    """Put a journal in place of what is there, each line with a check that says it is right."""
    content = b""
    for record in records:
        body = json.dumps({k: v for k, v in record.items() if k != "check"}).encode()[:-1]
        content += body + b',"check":"%08x"}\n' % zlib.crc32(body, len(content))
    folder.journal.write_bytes(content)


def places(value: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of all that an object holds, those in its parts as well."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield (*before, name)
            yield from places(part, (*before, name))


def spoiled(record: Record, place: tuple[str, ...], *other: Any) -> Record:
    """The record with something else in that place, or without it."""
    found = copy.deepcopy(record)
    inner = found
    for name in place[:-1]:
        inner = inner[name]
    del inner[place[-1]]
    if other:
        inner[place[-1]] = other[0]
    return found


def say_all(folder: RunFolder) -> None:
    history = History.of(folder)
    for sentence in explain(history):
        assert "\n" not in sentence
    assert history.result().as_json()
    assert run_line(folder).as_json()
    Search.of_records(record for record, _ in whole_records(folder.journal)[0])


def test_every_kind_of_record_that_is_written_is_well_formed(searched: list[Record]) -> None:
    assert {record["kind"] for record in searched} == set(FORMS)
    assert all(map(is_well_formed, searched))


@pytest.mark.parametrize("kind", list(FORMS))
def test_no_record_is_so_odd_that_it_cannot_be_told_of(
    run: Any, searched: list[Record], kind: str
) -> None:
    number = next(n for n, record in enumerate(searched) if record["kind"] == kind)
    missing = []
    for place in places(searched[number]):
        for other in ((), *((value,) for value in OTHERS)):
            records = [*searched]
            records[number] = spoiled(searched[number], place, *other)
            if is_well_formed(records[number]):
                write(run.folder, records)
                say_all(run.folder)
            elif not other:
                missing.append(".".join(place))
    assert {"clock", "clock.time", "clock.seconds", "kind"} < set(missing)


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [
        ("look", "decision"),
        ("look", "spent"),
        ("visit", "stage"),
        ("verdict", "reach"),
        ("verdict", "next"),
        ("choice", "won"),
        ("advance", "spent"),
        ("trial", "outcome"),
        ("round", "axes"),
        ("change", "changes"),
        ("end", "ending"),
        ("end", "clock"),
    ],
)
def test_a_record_that_lacks_what_is_read_is_damage_from_there_on(
    run: Any, searched: list[Record], kind: str, lacking: str
) -> None:
    number = max(n for n, record in enumerate(searched) if record["kind"] == kind)
    write(run.folder, [*searched[:number], spoiled(searched[number], (lacking,)), *searched])
    records, damaged = whole_records(run.folder.journal)
    assert damaged
    assert len(records) == number
    assert run_line(run.folder).state == "damaged"
    assert run_line(run.folder).command == f"resume {run.folder.id}"
    told = [sentence for sentence in explain(History.of(run.folder)) if "damaged" in sentence]
    assert len(told) == 1
    assert f"'resume {run.folder.id}'" in told[0]


@pytest.mark.parametrize("kind", sorted(FORMS.keys() & OF_A_VISIT))
def test_a_record_of_a_visit_before_there_is_any_is_damage(
    run: Any, searched: list[Record], kind: str
) -> None:
    write(run.folder, [record for record in searched if record["kind"] == kind])
    assert whole_records(run.folder.journal) == ([], True)
    say_all(run.folder)


def made_up(run: Any, place: int) -> None:
    """Take the reason of a decision away."""
    records = [record for record, _ in read_journal(run.folder.journal)]
    number = [n for n, record in enumerate(records) if record["kind"] == "look"][place]
    records[number] = spoiled(records[number], ("decision", "reason"))
    write(run.folder, records)


@pytest.mark.parametrize("place", [0, 2, -1])
def test_a_resume_says_it_and_computes_the_rest_again(
    run: Any, place: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.record.circumstances.git_commit", lambda _: None)
    made_up(run, place)
    with caplog.at_level(logging.WARNING):
        assert run.resume().weights_sha256 == run.weights_sha256
    assert "is damaged at byte" in caplog.messages[0]
    assert run.records() == run.journal


@pytest.mark.parametrize("command", ["runs", "explain", "show"])
def test_a_command_says_it_in_a_sentence(
    run: Any, command: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    made_up(run, 2)
    about = [] if command == "runs" else ["last"]
    assert main([command, *about, "--store", str(run.root)]) == 0
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    said = [line for line in (*out.splitlines(), *caplog.messages) if "damaged" in line]
    assert len(said) == 1
    assert f"resume {run.folder.id}" in said[0]
