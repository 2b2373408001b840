"""A run that can't be read, for whatever reason, hides no other, keeps its place, and is told as what it is."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from indexed_runs import as_read, cache_file, change, overviews, problems

from curriculum import UsageError
from curriculum.record import (
    FORMAT,
    OtherFormat,
    RunFolder,
    RunOverview,
    Store,
    Unreadable,
    encode,
    file_state,
)
from curriculum.record.description import _check
from curriculum.record.provenance import earlier_run


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


def test_a_pipe_in_the_place_of_a_lock_is_told_whatever_is_known(many: Store) -> None:
    many.overviews()
    writer = many.folder("copy3").writer
    writer.unlink()
    os.mkfifo(writer)
    assert "is a named pipe" in str(problems(many)["copy3"])


@pytest.mark.parametrize("number", [None, 0, 1, FORMAT + 1, "2", 1.5])
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
