"""The list of runs that one mirror copies."""

from pathlib import Path

import pytest

from curriculum import UsageError
from curriculum.tracking import RunsFile
from curriculum.tracking.runs_file import RunsReader


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sweeps" / "s1.runs"


def test_what_is_added_is_read_once_and_in_order(path: Path) -> None:
    with RunsFile(path) as runs:
        reader = RunsReader(path)
        assert reader.read_new(whole=False) == []
        runs.add("aa", "bb")
        assert reader.read_new(whole=False) == ["aa", "bb"]
        runs.add("cc")
        runs.add("aa")
        assert reader.read_new(whole=False) == ["cc", "aa"]
        assert reader.read_new(whole=False) == []


def test_it_is_complete_once_nobody_writes_it(path: Path) -> None:
    with RunsFile(path) as runs:
        runs.add("aa")
        assert not RunsReader(path).is_complete
    assert RunsReader(path).is_complete
    with RunsFile(path) as runs:  # the same sweep, started again
        runs.add("bb")
        assert not RunsReader(path).is_complete
    assert RunsReader(path).read_new(whole=True) == ["aa", "bb"]


def test_one_process_writes_it_at_a_time(path: Path) -> None:
    with RunsFile(path), pytest.raises(UsageError, match="only one can at a time"):
        RunsFile(path).__enter__()


def test_half_a_line_is_waited_for(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("aa\nb")
    reader = RunsReader(path)
    assert reader.read_new(whole=False) == ["aa"]
    with path.open("a") as file:
        file.write("b\ncc")
    assert reader.read_new(whole=False) == ["bb"]
    assert reader.read_new(whole=True) == ["cc"]
    assert reader.read_new(whole=True) == []


def test_what_names_no_run_is_skipped(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"../elsewhere\n\n/etc\n\xff\xfe\naa \n.hidden\n")
    assert RunsReader(path).read_new(whole=True) == ["aa"]


def test_a_list_that_is_missing_is_a_sentence(path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file of runs"):
        RunsReader(path)
