import os
from pathlib import Path

import pytest

from curriculum import UsageError
from curriculum.record.store import RunFolder, Store


def run_named(store: Store, name: str, when: int) -> None:
    folder = store.create({})
    path = folder.path.with_name(name)
    folder.path.rename(path)
    os.utime(path / "run.json", (when, when))


@pytest.fixture
def three(store: Path) -> Store:
    found = Store(store)
    for when, name in enumerate(["aaaa1111", "aaaa2222", "bbbb3333"], start=1):
        run_named(found, name, when)
    return found


@pytest.mark.parametrize(
    ("name", "found"),
    [("aaaa1111", "aaaa1111"), ("aaaa2", "aaaa2222"), ("b", "bbbb3333"), ("last", "bbbb3333")],
)
def test_a_run_is_found_by_id_beginning_or_last(three: Store, name: str, found: str) -> None:
    assert three.find(name).id == found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("aaaa", "the beginning of 2 runs: aaaa1111, aaaa2222"),
        ("cccc", "there is no run 'cccc'"),
        ("", "there is no run ''"),
        ("../runs/aaaa1111", "there is no run"),
        ("/etc", "there is no run"),
    ],
)
def test_a_name_that_finds_no_single_run_is_an_error(three: Store, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        three.find(name)


def test_an_empty_store_says_so(store: Path) -> None:
    with pytest.raises(UsageError, match="holds no runs yet"):
        Store(store).find("last")


def test_a_store_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"can't be written .*; choose another with --store"):
        Store(tmp_path / "file").create({})


def test_a_run_knows_whether_it_goes_on(store: Path) -> None:
    assert not Store(store).create({}).is_running


def test_strangers_in_the_folder_are_no_runs(three: Store) -> None:
    (three.runs_folder / "notes").mkdir()
    (three.runs_folder / "deadbeef").mkdir()
    assert [folder.id for folder in three.runs()] == ["aaaa1111", "aaaa2222", "bbbb3333"]
    assert isinstance(three.runs()[0], RunFolder)
