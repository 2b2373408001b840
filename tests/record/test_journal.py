import json
import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import Cost, Stage
from curriculum.plan import Decision
from curriculum.record import Evaluated, Event, ProvenanceChanged, intact_records, read_journal
from curriculum.record.events import Record, event_json
from curriculum.record.journal import DamagedJournal, Journal


def note(step: int) -> ProvenanceChanged:
    """An event that may come first, with a number to know it by."""
    return ProvenanceChanged(changes={"torch": ("1", "2")}, dropped=step)


def evaluated(loss: float | None = None, examples: int = 3) -> Evaluated:
    decision = Decision(
        mastered=False, cleared=False, reason="0 < 1", metric="exact_match", threshold=1.0
    )
    return Evaluated(
        visit=0,
        stage=Stage(2),
        train_loss=loss,
        decision=decision,
        examples_by_stage={Stage(2): examples},
        cost=Cost(),
        discarded_cost=Cost(),
    )


def write(path: Path, *events: Event) -> list[Record]:
    journal = Journal(path)
    records = [journal.write(event, seconds=1.0) for event in events]
    journal.close()
    return records


def steps(path: Path) -> list[int]:
    return [step_of(record) for record, _ in intact_records(path)[0]]


def step_of(record: Record) -> int:
    assert isinstance(record.event, ProvenanceChanged)
    return record.event.dropped


def test_written_records_are_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written = write(path, note(1), note(2))
    records = [record for record, _ in read_journal(path)]
    assert [record.event for record in records] == [note(1), note(2)]
    assert records == written
    assert records[0].clock.seconds == 1.0
    assert records[0].clock.time > 1e9
    assert [record for record, _ in intact_records(path)[0]] == records
    assert not intact_records(path)[1]


def test_every_line_is_json_with_its_kind_a_clock_and_a_check(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, note(1), note(2))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["dropped"] for line in lines] == [1, 2]
    assert [line["kind"] for line in lines] == 2 * ["provenance_change"]
    assert all(set(line["clock"]) == {"time", "seconds"} for line in lines)
    assert all(len(line["check"]) == 8 for line in lines)


def test_a_missing_journal_has_no_records(tmp_path: Path) -> None:
    assert intact_records(tmp_path / "journal.jsonl") == ([], False)


def test_a_record_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.write(note(0), seconds=0)
    assert len(list(read_journal(journal.path))) == 1
    journal.close()


def test_reading_continues_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, note(1), note(2))
    _, offset = next(read_journal(path))
    assert [step_of(record) for record, _ in read_journal(path, offset)] == [2]


def test_a_line_without_its_end_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, note(1), note(2))
    path.write_bytes(path.read_bytes()[:-1])
    assert [step_of(record) for record, _ in read_journal(path)] == [1]


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_numbers_that_json_lacks_become_their_names(tmp_path: Path, value: float) -> None:
    path = tmp_path / "journal.jsonl"
    changes = {"deep": ([{"deeper": value}], value)}
    write(path, replace(note(0), changes=changes), evaluated(value))
    first, second = map(json.loads, path.read_text().splitlines())
    assert first["changes"]["deep"] == [[{"deeper": str(value)}], str(value)]
    assert second["train_loss"] == str(value)


STEPS = 4


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The content of a journal of four records."""
    path = tmp_path_factory.mktemp("four") / "journal.jsonl"
    write(path, *map(note, range(STEPS)))
    return path.read_bytes()


@given(data=st.data())
def test_a_changed_byte_is_detected_and_what_comes_before_is_intact(
    data: st.DataObject, four: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = data.draw(st.integers(0, len(four) - 1))
    bit = data.draw(st.integers(0, 7))
    content = bytearray(four)
    content[place] ^= 1 << bit
    path = tmp_path_factory.mktemp("flipped") / "journal.jsonl"
    path.write_bytes(content)
    line = four[:place].count(b"\n")
    assert steps(path) == list(range(line))
    last = line == STEPS - 1 and place == len(four) - 1  # its end, so that it isn't whole yet
    assert intact_records(path)[1] != last
    if not last:
        with pytest.raises(DamagedJournal, match=r"is damaged at byte [\d,]+; 'resume'"):
            list(read_journal(path))


@pytest.mark.parametrize("cut", range(1, 140, 7))
def test_a_journal_cut_anywhere_is_intact_up_to_there(
    four: bytes, tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(four[:-cut])
    records, damaged = intact_records(path)
    assert not damaged
    assert len(records) == four[:-cut].count(b"\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [lines[1], *lines[1:]],
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[0], *lines[1:]],
    ],
    ids=["swapped", "replaced", "missing", "doubled"],
)
def test_a_line_counts_in_its_own_place_alone(
    change: Callable[[list[bytes]], list[bytes]], four: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(change(four.splitlines(keepends=True))))
    assert intact_records(path)[1]
    assert steps(path) in ([], [0])


@pytest.mark.parametrize(
    "body",
    [
        b"[1",
        b"[" * 100_000,
        b'{"step":1,"step',
        b"3",
        b"",
        b'{"step":\xff',
        b'{"kind":"provenance_change","changes":{},"dropped":1',
        b'{"kind":"note","clock":{"time":1,"seconds":1}',
        b'{"kind":"provenance_change","changes":{},"dropped":NaN,"clock":{"time":1,"seconds":1}',
        b'{"kind":"provenance_change","changes":{},"dropped":' + b"9" * 5000,
    ],
)
def test_a_line_that_is_no_record_is_damage_whatever_its_check_says(
    body: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(body + b',"check":"%08x"}\n' % zlib.crc32(body))
    assert intact_records(path) == ([], True)


def test_bytes_behind_the_end_are_cut_off(four: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(four + b"half a li")
    records, _ = intact_records(path)
    journal = Journal(path, end=records[1][1])
    assert journal.bytes == records[1][1]
    journal.write(note(9), seconds=1)
    assert journal.bytes == path.stat().st_size
    journal.close()
    assert steps(path) == [0, 1, 9]


def test_nothing_stays_of_a_record_that_the_disk_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_to = os.write

    def full(file: int, content: bytes) -> int:
        if len(content) > 20:
            return write_to(file, content[:20])
        raise OSError(28, "No space left on device")

    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.write(note(0), seconds=1)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("curriculum.record.journal.os.write", full)
        with pytest.raises(OSError, match="No space"):
            journal.write(note(1), seconds=2)
    assert path.read_bytes() == before
    journal.write(note(2), seconds=3)
    journal.close()
    assert steps(path) == [0, 2]


def test_a_write_that_is_taken_in_pieces_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_to = os.write
    monkeypatch.setattr(
        "curriculum.record.journal.os.write", lambda file, content: write_to(file, content[:7])
    )
    write(tmp_path / "journal.jsonl", note(0), note(1))
    assert steps(tmp_path / "journal.jsonl") == [0, 1]


@pytest.mark.parametrize("loss", [0.1, 1 / 3, 1e-320, -0.0, float("nan"), float("inf"), None])
def test_an_event_that_is_read_again_is_the_one_that_was_written(
    tmp_path: Path, loss: float | None
) -> None:
    """Whenever it is: its clock is no part of it."""
    event, path = evaluated(loss), tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.write(event, seconds=1)
    journal.write(event, seconds=4.5)
    journal.close()
    first, second = (record for record, _ in read_journal(path))
    assert repr(first.event) == repr(second.event) == repr(event)
    assert event_json(first.event) == event_json(second.event) == event_json(event)
    assert event_json(first.event) != event_json(evaluated(loss, examples=4))
    assert first.clock.seconds == 1
    assert second.clock.seconds == 4.5
