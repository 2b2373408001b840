"""The index of a store: what holds is not read again, what has changed is, and it may be anything at all."""

import errno
import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from interrupted_runs import StoppedRun

from curriculum import UsageError
from curriculum.record import (
    Lock,
    OtherFormat,
    RunDescription,
    RunFolder,
    RunOverview,
    Store,
    Unreadable,
    encode,
    file_state,
    index_cache,
    read_journal,
)
from curriculum.record.description import _check
from curriculum.record.index import Problem
from curriculum.record.index_cache import (
    IndexCache,
    KnownDescription,
    KnownTotals,
    cache_path,
)
from curriculum.record.journal import read_lines
from curriculum.record.provenance import earlier_run


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache, and files that count as settled at once: each test waits for the clock itself."""
    monkeypatch.setattr(file_state, "SETTLED_SECONDS", -1.0)
    monkeypatch.setenv("CURRICULUM_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Which of a run's files were opened since it was last asked."""
    paths: list[str] = []
    original = os.open

    def noting(path: str, *arguments: int, **more: int) -> int:
        paths.append(str(path))
        return original(path, *arguments, **more)

    monkeypatch.setattr(os, "open", noting)

    def taken() -> list[str]:
        found = [Path(path).name for path in paths if "/runs/" in path]
        paths.clear()
        return found

    return taken


@pytest.fixture
def many(run: StoppedRun) -> Store:
    """Four copies of a run that was stopped, each started a second later, and one that is over."""
    store = Store(run.root)
    original = run.folder
    for number in range(4):
        copy = shutil.copytree(original.path, original.path.with_name(f"copy{number}"))
        described = replace(original.description(), created=1000.0 + number, seed=number)
        RunFolder(copy).describe(described)
    shutil.rmtree(original.path)
    run.resume()
    cache_file(store).unlink()
    return store


def change(path: Path, change: Callable[[bytearray], object]) -> None:
    """Change a file's bytes, and see to it that its time of change is another."""
    content, before = bytearray(path.read_bytes()), path.stat().st_mtime_ns
    change(content)
    path.write_bytes(content)
    os.utime(path, ns=(before + 1, before + 1))


def cache_file(store: Store) -> Path:
    """Where what is known of a store is kept."""
    name = hashlib.sha256(os.fsencode(store.runs_folder.resolve())).hexdigest()[:24]
    found = cache_path(name)
    assert found is not None
    return found


def as_read(store: Store) -> list[RunOverview]:
    return [RunOverview.of(folder) for folder in store.runs()]


def overviews(store: Store) -> list[RunOverview]:
    return [each for _, each in store.overviews() if isinstance(each, RunOverview)]


def problems(store: Store) -> dict[str, Problem]:
    found = store.overviews()
    return {run_id: each for run_id, each in found if not isinstance(each, RunOverview)}


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
    assert set(again) == {"writer.lock", "journal.jsonl"}
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


def test_one_run_that_cannot_be_read_hides_no_other(many: Store) -> None:
    many.overviews()
    (many.folder("copy0").path / "run.json").write_text("{}")
    stopped = many.folder("copy1").path / "stopped.json"
    stopped.unlink(missing_ok=True)
    stopped.symlink_to("/dev/zero")
    for _ in range(2):
        assert [each.description.id for each in overviews(many)] == ["copy2", "copy3"]
        assert problems(many).keys() == {"copy0", "copy1"}
        assert [folder.id for folder in many.runs()] == ["copy0", "copy1", "copy2", "copy3"]


def test_a_damaged_run_stays_in_its_place_if_it_says_when_it_began(many: Store) -> None:
    for name in ("copy1", "copy3"):
        change(many.folder(name).path / "run.json", lambda content: content.__setitem__(-6, 63))
    for _ in range(2):
        assert [run_id for run_id, _ in many.overviews()] == [f"copy{n}" for n in range(4)]
        assert many.find("last").id == "copy3"
    with pytest.raises(UsageError, match="is damaged"):
        many.find("last").description()


def test_runs_that_cannot_be_read_are_not_read_again_either(
    many: Store, opened: Callable[[], list[str]]
) -> None:
    for number in range(4):
        (many.folder(f"copy{number}").path / "run.json").write_text("{}")
    first = many.overviews()
    opened()
    again = many.overviews()
    assert opened() == []
    assert [str(each) for _, each in again] == [str(each) for _, each in first]


def test_one_that_the_system_keeps_from_being_read_may_be_the_run_that_is_resumed(
    many: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = many.folder("copy2").description()
    found = earlier_run(many, wanted)
    assert found is not None
    assert found.id == "copy2"
    cache_file(many).unlink()

    def refusing(path: Path, *_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(Unreadable, match="can't be read"):
        earlier_run(many, wanted)


@pytest.mark.parametrize(
    "forged",
    [{"created": 2**100}, {"created": 1}, {"config": [[[[]]]]}, {"seed": 10**30}],
    ids=str,
)
def test_a_forged_description_hides_no_other_run(many: Store, forged: dict[str, object]) -> None:
    sign(many.folder("copy1"), forged)
    for _ in range(2):
        assert overviews(many) == as_read(many)
        assert len(overviews(many)) == 4


def test_a_description_nested_deeply_hides_no_other_run(many: Store) -> None:
    nested: list[object] = []
    for _ in range(700):
        nested = [nested]
    sign(many.folder("copy1"), {"config": nested})
    for _ in range(2):
        found = many.overviews()
        assert len(found) == 4
        assert all(isinstance(each, RunOverview) for run_id, each in found if run_id != "copy1")


def sign(folder: RunFolder, changes: dict[str, object]) -> None:
    """Change what `run.json` says, with a check that says it is right."""
    content = json.loads((folder.path / "run.json").read_text())
    del content["check"]
    content |= changes
    (folder.path / "run.json").write_text(json.dumps(content | {"check": _check(content)}))


def test_a_linked_run_is_none_though_its_files_are_the_same(many: Store, tmp_path: Path) -> None:
    many.overviews()
    folder = many.folder("copy1")
    shutil.move(folder.path, tmp_path / "elsewhere")
    folder.path.symlink_to(tmp_path / "elsewhere")
    for _ in range(2):
        assert "is a symbolic link" in str(problems(many)["copy1"])


def test_a_link_is_no_run_though_the_run_was_changing_before(
    many: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_state, "SETTLED_SECONDS", 3600.0)
    many.overviews()
    folder = many.folder("copy1")
    shutil.move(folder.path, tmp_path / "elsewhere")
    folder.path.symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link" in str(problems(many)["copy1"])


def test_a_run_that_was_over_and_runs_again_is_running(many: Store) -> None:
    assert overviews(many)[3].status == "reached"
    folder = many.folder("copy3")
    with Lock(folder.writer) as writer:
        assert writer.acquire()
        ends = [end for _, end in read_journal(folder.journal)]
        os.truncate(folder.journal, ends[-2])
        assert overviews(many)[3].status == "running"


def test_a_pipe_in_the_place_of_a_lock_is_told_whatever_is_known(many: Store) -> None:
    many.overviews()
    writer = many.folder("copy3").writer
    writer.unlink()
    os.mkfifo(writer)
    assert "is a named pipe" in str(problems(many)["copy3"])


def test_totals_hold_for_the_description_that_they_were_found_for_alone(many: Store) -> None:
    """One process reads a description, another changes it; the first one's totals are kept last."""
    folder = many.folder("copy3")
    described = folder.description()
    path = cache_file(many)
    many.overviews()
    stale = next(iter(IndexCache(path).rows(KnownTotals).values()))
    assert stale.described
    folder.describe(replace(described, path=described.path[:1]))
    expected = overviews(many)
    slow = IndexCache(path)
    slow.put(replace(IndexCache(path).rows(KnownTotals)["copy3"], described=stale.described))
    slow.save()
    assert overviews(many) == expected == as_read(many)


def test_forgetting_many_runs_takes_no_longer_than_reading_them(many: Store) -> None:
    path = cache_file(many)
    many.runs()
    cache = IndexCache(path)
    for number in range(5000):
        cache.put(KnownDescription(f"{number:08x}", "1/2/3", 0.0, "x", "0", "none"))
    cache.save()
    assert len(IndexCache(path).rows(KnownDescription)) == 5004
    assert len(many.runs()) == 4
    assert len(IndexCache(path).rows(KnownDescription)) == 4


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


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no database"),
        lambda path: path.write_bytes(path.read_bytes()[:3000]),
        lambda path: path.unlink(),
        lambda path: execute(path, "UPDATE SharedContent SET content = '{}'"),
        lambda path: execute(path, "UPDATE SharedContent SET key = NULL"),
        lambda path: execute(path, "DELETE FROM SharedContent"),
        lambda path: execute(path, "UPDATE KnownDescription SET seed = 'x'"),
        lambda path: execute(path, "UPDATE KnownDescription SET created = 'x'"),
        lambda path: execute(path, "DELETE FROM KnownDescription"),
        lambda path: execute(path, "UPDATE KnownTotals SET content = '[]'"),
        lambda path: execute(path, "UPDATE KnownTotals SET lines = NULL, position = 10"),
        lambda path: execute(path, "UPDATE KnownTotals SET state = CAST(x'ff' AS TEXT)"),
        lambda path: execute(path, "ALTER TABLE KnownTotals ADD COLUMN more"),
        lambda path: execute(path, "DROP TABLE KnownTotals"),
        lambda path: in_its_place(path, Path.mkdir),
        lambda path: in_its_place(path, lambda path: path.symlink_to("/dev/zero")),
        lambda path: in_its_place(path, os.mkfifo),
        lambda path: in_its_place(path.parent, Path.touch),
    ],
)
def test_whatever_is_kept_the_same_is_told(many: Store, spoil: Callable[[Path], object]) -> None:
    many.overviews()
    path = cache_file(many)
    assert path.is_file()
    spoil(path)
    for _ in range(2):
        assert overviews(many) == as_read(many)


def in_its_place(path: Path, make: Callable[[Path], object]) -> None:
    """Take a file or folder away, and make something else of its name."""
    path.rename(path.with_name("away"))
    make(path)


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)


def test_a_cache_that_is_locked_is_done_without(
    many: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_cache, "BUSY_SECONDS", 0.05)
    many.overviews()
    path = cache_file(many)
    many.folder("copy1").note_stop("failed", "why")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert overviews(many) == as_read(many)
        assert path.is_file()
    assert overviews(many) == as_read(many)


def test_others_cannot_read_it_and_what_is_long_unused_goes(
    many: Store, store: Path, description: RunDescription
) -> None:
    many.overviews()
    kept = cache_file(many)
    assert kept.parent.stat().st_mode & 0o077 == 0
    Store(store).create(description)
    Store(store).runs()
    assert kept.exists()
    os.utime(kept, (0, 0))
    cache_file(Store(store)).unlink()
    Store(store).runs()
    assert not kept.exists()


def test_two_stores_have_each_their_own(many: Store, tmp_path: Path) -> None:
    many.overviews()
    copy = Store(shutil.copytree(many.root, tmp_path / "other", symlinks=True))
    shutil.rmtree(copy.folder("copy0").path)
    assert len(overviews(copy)) == 3
    assert len(overviews(many)) == 4
    link = tmp_path / "link"
    link.symlink_to(many.root)
    assert cache_file(Store(link)) == cache_file(many)


def test_nothing_is_kept_in_the_store(many: Store) -> None:
    before = sorted(path.name for path in many.root.rglob("*"))
    many.overviews()
    assert sorted(path.name for path in many.root.rglob("*")) == before


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


@pytest.mark.parametrize("number", [None, 0, 2, "1", 1.5])
def test_a_record_of_another_format_is_told_from_a_damaged_one(
    folder: RunFolder, store: Path, number: object
) -> None:
    content = {"format": number, **encode(replace(folder.description(), id="")), "news": 1}
    if number is None:
        del content["format"]
    (folder.path / "run.json").write_text(json.dumps(content | {"check": _check(content)}))
    with pytest.raises(OtherFormat, match=r"run \w+ is recorded in a? ?format .*'rm \w+' deletes"):
        folder.description()
    for _ in range(2):
        assert isinstance(problems(Store(store))[folder.id], OtherFormat)
