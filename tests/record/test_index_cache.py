"""Whatever becomes of the file that an index is kept in, and whoever else writes it, the same is told."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from indexed_runs import as_read, cache_file, overviews

from curriculum.plan import Score, Spread
from curriculum.record import (
    RunDescription,
    Store,
    index_cache,
)
from curriculum.record.index_cache import (
    DescriptionRow,
    IndexCache,
    TotalsRow,
)


def test_totals_hold_for_the_description_that_they_were_found_for_alone(many: Store) -> None:
    """One process reads a description, another changes it; the first one's totals are kept last."""
    folder = many.folder("copy3")
    described = folder.description()
    path = cache_file(many)
    many.overviews()
    stale = next(iter(IndexCache(path).rows(TotalsRow).values()))
    assert stale.described
    folder.describe(replace(described, path=described.path[:1]))
    expected = overviews(many)
    slow = IndexCache(path)
    slow.put(replace(IndexCache(path).rows(TotalsRow)["copy3"], described=stale.described))
    slow.save()
    assert overviews(many) == expected == as_read(many)


def test_thousands_of_runs_are_forgotten_at_once(many: Store) -> None:
    path = cache_file(many)
    many.runs()
    cache = IndexCache(path)
    for number in range(5000):
        cache.put(DescriptionRow(f"{number:08x}", "1/2/3", 0.0, "x", "0", "none"))
    cache.save()
    assert len(IndexCache(path).rows(DescriptionRow)) == 5004
    assert len(many.runs()) == 4
    assert len(IndexCache(path).rows(DescriptionRow)) == 4


def test_scores_of_final_models_are_kept_as_long_as_their_runs(many: Store) -> None:
    score = Score(value=2.5, examples=9, source="held_out", spread=Spread(units=3, deviation=0.25))
    many.runs()
    many.keep_scores({"copy3/a": score, "copy3/b": score, "copy30/a": score, "copy1/a": score})
    assert many.scores()["copy3/b"] == score
    shutil.rmtree(many.folder("copy3").path)
    many.runs()
    assert sorted(many.scores()) == ["copy1/a", "copy30/a"]
    cache_file(many).write_bytes(b"no database")
    assert many.scores() == {}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no database"),
        lambda path: path.write_bytes(path.read_bytes()[:3000]),
        lambda path: path.unlink(),
        lambda path: execute(path, "UPDATE SharedRow SET content = '{}'"),
        lambda path: execute(path, "UPDATE SharedRow SET key = NULL"),
        lambda path: execute(path, "DELETE FROM SharedRow"),
        lambda path: execute(path, "UPDATE DescriptionRow SET seed = 'x'"),
        lambda path: execute(path, "UPDATE DescriptionRow SET created = 'x'"),
        lambda path: execute(path, "DELETE FROM DescriptionRow"),
        lambda path: execute(path, "UPDATE TotalsRow SET content = '[]'"),
        lambda path: execute(path, "UPDATE TotalsRow SET lines = NULL, position = 10"),
        lambda path: execute(path, "UPDATE TotalsRow SET state = CAST(x'ff' AS TEXT)"),
        lambda path: execute(path, "ALTER TABLE TotalsRow ADD COLUMN more"),
        lambda path: execute(path, "DROP TABLE TotalsRow"),
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
