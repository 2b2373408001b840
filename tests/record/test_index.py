"""The index of a store: what holds is not read again, and what has changed is."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from indexed_runs import as_read, change, overviews, problems

from curriculum import UsageError
from curriculum.record import (
    Lock,
    RunDescription,
    RunOverview,
    Store,
    file_state,
    read_journal,
)
from curriculum.record.journal import read_lines


def test_what_it_tells_is_what_the_runs_tell(many: Store) -> None:
    for _ in range(3):
        assert problems(many) == {}
        assert overviews(many) == as_read(many)
    found = overviews(many)
    assert [each.description.id for each in found] == [f"copy{n}" for n in range(4)]
    assert [each.status for each in found] == ["interrupted"] * 3 + ["reached"]


def test_what_holds_is_not_read_again(many: Store, opened: Callable[[], list[str]]) -> None:
    many.overviews()
    assert opened().count("run.json") == 4
    many.overviews()
    many.runs()
    again = opened()
    # Whether it is running, and the check of the last record.
    assert set(again) == {"lease-000001.json", "journal.jsonl"}
    assert again.count("journal.jsonl") == 4


def test_finding_a_run_by_its_full_id_opens_no_other(
    many: Store, opened: Callable[[], list[str]]
) -> None:
    assert many.find("copy1").description().seed == 1
    assert opened() == ["run.json"]


def test_the_last_run_and_an_earlier_one_take_from_it(
    many: Store, opened: Callable[[], list[str]]
) -> None:
    many.runs()
    opened()
    assert many.find("last").id == "copy3"
    assert [run_id for run_id, _ in many.descriptions("stopped", 2)] == ["copy2"]
    assert many.descriptions("other") == []
    assert opened() == []


@pytest.mark.parametrize("name", ["journal.jsonl", "run.json", "stopped.json"])
def test_what_has_changed_is_read_again(many: Store, name: str) -> None:
    before = overviews(many)
    folder = many.folder("copy1")
    if name == "journal.jsonl":
        change(folder.journal, lambda content: content.__setitem__(100, content[100] ^ 1))
    elif name == "run.json":
        folder.describe(replace(folder.description(), seed=99))
    else:
        folder.note_stop("failed", "why")
    found = overviews(many)
    assert found == as_read(many)
    differing = [
        one.description.id for one, other in zip(found, before, strict=True) if one != other
    ]
    assert differing == ["copy1"]
    if name == "journal.jsonl":
        assert found[1].totals.damaged


def test_a_changed_description_has_its_totals_anew(many: Store) -> None:
    many.overviews()
    folder = many.folder("copy3")
    described = folder.description()
    folder.describe(replace(described, path=described.path[:1]))
    overview = overviews(many)[3]
    assert overview == RunOverview.of(folder)
    assert list(overview.totals.mastered) == [described.path[0]]


@pytest.mark.parametrize("least", [0, 10**6])
def test_a_long_journal_that_has_grown_is_read_on(
    many: Store, monkeypatch: pytest.MonkeyPatch, least: int
) -> None:
    monkeypatch.setattr("curriculum.record.index.LEAST_READ_ON", least)
    folder = many.folder("copy3")
    whole = folder.journal.read_bytes()
    ends = [end for _, end in read_journal(folder.journal)]
    shutil.rmtree(folder.checkpoints)  # which know of more
    folder.journal.write_bytes(whole[: ends[9]])
    many.overviews()
    folder.journal.write_bytes(whole)
    read = []

    def noting(path: Path, offset: int = 0) -> Iterator[tuple[bytes, int]]:
        read.append(offset)
        return read_lines(path, offset)

    with monkeypatch.context() as patch:
        patch.setattr("curriculum.record.thinned_journal.read_lines", noting)
        found = overviews(many)
    assert read == ([ends[9]] if least == 0 else [0])
    assert found == as_read(many)


@pytest.mark.parametrize("what", ["cut", "other", "longer"])
def test_a_journal_that_is_another_is_read_whole(many: Store, what: str) -> None:
    many.overviews()
    journal = many.folder("copy2").journal
    if what == "cut":
        change(journal, lambda content: content.__delitem__(slice(-300, None)))
    elif what == "other":
        journal.write_bytes(many.folder("copy3").journal.read_bytes())
    else:
        change(journal, lambda content: content.__setitem__(slice(40, 40), b"more"))
    assert overviews(many) == as_read(many)


def test_what_is_gone_is_forgotten_and_what_comes_back_is_there(
    many: Store, tmp_path: Path
) -> None:
    many.overviews()
    away = tmp_path / "away"
    shutil.move(many.folder("copy1").path, away)
    assert [folder.id for folder in many.runs()] == ["copy0", "copy2", "copy3"]
    assert len(overviews(many)) == 3
    shutil.copytree(away, many.folder("copy1").path)
    assert overviews(many) == as_read(many)
    assert len(many.runs()) == 4


def test_a_run_that_was_over_and_runs_again_is_running(many: Store) -> None:
    assert overviews(many)[3].status == "reached"
    folder = many.folder("copy3")
    with Lock(folder.writer) as writer:
        assert writer.acquire()
        ends = [end for _, end in read_journal(folder.journal)]
        os.truncate(folder.journal, ends[-2])
        assert overviews(many)[3].status == "running"


def test_a_run_that_is_running_is_told_from_one_that_was_killed(many: Store) -> None:
    many.overviews()
    folder = many.folder("copy0")
    with Lock(folder.writer) as writer:
        assert writer.acquire()
        assert overviews(many)[0].status == "running"
    assert overviews(many)[0].status == "interrupted"


def test_files_that_may_change_within_a_tick_of_the_clock_are_read_again(
    many: Store, monkeypatch: pytest.MonkeyPatch, opened: Callable[[], list[str]]
) -> None:
    monkeypatch.setattr(file_state, "SETTLED_SECONDS", 3600.0)
    many.overviews()
    opened()
    many.overviews()
    assert opened().count("run.json") == 4
    monkeypatch.setattr(file_state, "SETTLED_SECONDS", 0.0)
    time.sleep(0.02)
    many.overviews()
    opened()
    many.overviews()
    assert "run.json" not in opened()


def test_a_store_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    assert store.runs() == []
    assert store.overviews() == []
    assert not (tmp_path / "none").exists()
    with pytest.raises(UsageError, match="holds no runs yet"):
        store.check_not_empty()


def test_seeds_may_be_larger_than_a_database_holds(
    store: Path, description: RunDescription
) -> None:
    seed = 10**30
    folder = Store(store).create(replace(description, seed=seed))
    ((run_id, found),) = Store(store).descriptions("first", seed)
    assert isinstance(found, RunDescription)
    assert (run_id, found.seed) == (folder.id, seed)
