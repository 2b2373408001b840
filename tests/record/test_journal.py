import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum.record.journal import (
    DamagedJournal,
    Journal,
    content_of,
    read_journal,
    whole_records,
)


def written(path: Path, *contents: Mapping[str, object]) -> None:
    journal = Journal(path)
    for content in contents:
        journal.write("note", content, seconds=1.0)
    journal.close()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, {"step": 1}, {"step": 2})
    records = [record for record, _ in read_journal(path)]
    assert [record["step"] for record in records] == [1, 2]
    assert records[0]["kind"] == "note"
    assert set(records[0]["clock"]) == {"time", "seconds"}
    assert [record for record, _ in whole_records(path)[0]] == records
    assert not whole_records(path)[1]


def test_every_line_is_json_with_a_check(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, {"step": 1}, {"step": 2})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    assert all(len(line["check"]) == 8 for line in lines)


def test_a_journal_that_is_not_there_has_no_records(tmp_path: Path) -> None:
    assert whole_records(tmp_path / "journal.jsonl") == ([], False)


def test_a_record_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.write("note", {}, seconds=0)
    assert len(list(read_journal(journal.path))) == 1
    journal.close()


def test_reading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, {"step": 1}, {"step": 2})
    _, offset = next(read_journal(path))
    assert [record["step"] for record, _ in read_journal(path, offset)] == [2]


def test_a_line_without_its_end_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, {"step": 1}, {"step": 2})
    path.write_bytes(path.read_bytes()[:-1])
    assert [record["step"] for record, _ in read_journal(path)] == [1]


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_numbers_that_json_lacks_become_their_names(tmp_path: Path, value: float) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, {"loss": value, "nested": [{"deep": value}]})
    record = json.loads(path.read_text())
    assert record["loss"] == record["nested"][0]["deep"] == str(value)


STEPS = 4


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("four") / "journal.jsonl"
    written(path, *({"step": step, "loss": 0.1 * step} for step in range(STEPS)))
    return path.read_bytes()


def told(path: Path) -> list[int]:
    return [record["step"] for record, _ in whole_records(path)[0]]


@given(data=st.data())
def test_a_changed_byte_is_seen_and_what_comes_before_is_whole(
    data: st.DataObject, four: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = data.draw(st.integers(0, len(four) - 1))
    bit = data.draw(st.integers(0, 7))
    content = bytearray(four)
    content[place] ^= 1 << bit
    path = tmp_path_factory.mktemp("flipped") / "journal.jsonl"
    path.write_bytes(content)
    line = four[:place].count(b"\n")
    assert told(path) == list(range(line))
    last = line == STEPS - 1 and place == len(four) - 1  # its end, so that it isn't whole yet
    assert whole_records(path)[1] != last
    if not last:
        with pytest.raises(DamagedJournal, match=r"is damaged at byte [\d,]+, .*'resume'"):
            list(read_journal(path))


@pytest.mark.parametrize("cut", range(1, 140, 7))
def test_a_journal_cut_anywhere_is_whole_up_to_there(four: bytes, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(four[:-cut])
    records, damaged = whole_records(path)
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
def test_a_line_counts_in_its_own_place_alone(change: object, four: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert callable(change)
    lines = four.splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))
    records, damaged = whole_records(path)
    assert damaged
    assert [record["step"] for record, _ in records] in ([], [0])


@pytest.mark.parametrize(
    "body", [b"[1", b"[" * 100_000, b'{"step":1,"step', b"3", b"", b'{"step":\xff']
)
def test_a_line_that_is_no_record_is_damage_whatever_its_check_says(
    body: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(body + b',"check":"%08x"}\n' % zlib.crc32(body))
    assert whole_records(path) == ([], True)


def test_what_lies_behind_the_beginning_is_cut_off(four: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(four + b"half a li")
    records, _ = whole_records(path)
    journal = Journal(path, begin=records[1][1])
    assert journal.bytes == records[1][1]
    journal.write("note", {"step": 9}, seconds=1)
    assert journal.bytes == path.stat().st_size
    journal.close()
    assert told(path) == [0, 1, 9]


def test_of_a_record_that_the_disk_refuses_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(file: int, content: bytes) -> int:
        if len(content) > 20:
            return write(file, content[:20])
        raise OSError(28, "No space left on device")

    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.write("note", {"step": 0}, seconds=1)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("curriculum.record.journal.os.write", full)
        with pytest.raises(OSError, match="No space"):
            journal.write("note", {"step": 1}, seconds=2)
    assert path.read_bytes() == before
    journal.write("note", {"step": 2}, seconds=3)
    journal.close()
    assert told(path) == [0, 2]


def test_a_write_that_is_taken_in_pieces_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(
        "curriculum.record.journal.os.write", lambda file, content: write(file, content[:7])
    )
    written(tmp_path / "journal.jsonl", {"step": 0}, {"step": 1})
    assert told(tmp_path / "journal.jsonl") == [0, 1]


@pytest.mark.parametrize("loss", [0.1, 1 / 3, 1e-320, -0.0, float("nan"), float("inf")])
def test_a_record_that_is_read_again_has_the_content_that_was_written(
    tmp_path: Path, loss: float
) -> None:
    content = {"loss": loss, "nested": {"tuple": (1, 2), "none": None}}
    written(tmp_path / "journal.jsonl", content)
    [(record, _)] = read_journal(tmp_path / "journal.jsonl")
    assert content_of(record) == content_of({"kind": "note", **content})
    assert content_of(record) == content_of(record | {"clock": {"time": 3, "seconds": 4}})
    other = {"loss": loss, "nested": {"tuple": (1, 3), "none": None}}
    assert content_of(record) != content_of({"kind": "note", **other})
