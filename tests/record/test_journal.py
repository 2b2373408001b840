import json
from pathlib import Path

import pytest

from curriculum.record.journal import Journal, read_journal


def written(path: Path, *contents: dict[str, object]) -> None:
    journal = Journal(path)
    for content in contents:
        journal.write("look", content, seconds=1.0)
    journal.close()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, {"step": 1}, {"step": 2})
    records = [record for record, _ in read_journal(path)]
    assert [record["step"] for record in records] == [1, 2]
    assert records[0]["kind"] == "look"
    assert set(records[0]["clock"]) == {"time", "seconds"}


def test_a_record_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.write("look", {}, seconds=0)
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
