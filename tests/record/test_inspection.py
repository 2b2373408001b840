"""Whatever is damaged of a run is found, and nothing is found of one that is whole."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from interrupted_runs import (
    Change,
    StoppedRun,
)

from curriculum.record import Lock, Store, foreign_files, inspect_run
from curriculum.record.inspection import Finding


def kinds(found: list[Finding]) -> list[str]:
    return [each.kind for each in found]


@pytest.fixture
def ended(run: StoppedRun) -> StoppedRun:
    run.resume()
    return run


def test_of_a_run_that_is_whole_and_over_nothing_is_said(ended: StoppedRun) -> None:
    assert inspect_run(ended.folder) == []


def test_one_that_was_stopped_can_be_resumed(run: StoppedRun) -> None:
    (found,) = inspect_run(run.folder)
    assert found.kind == "unfinished"
    assert found.what == (
        f"interrupted at a reach of length 3, vocabulary 2; 'resume {run.folder.id}' continues it"
    )


def test_of_one_that_is_running_nothing_is_said(run: StoppedRun) -> None:
    with Lock(run.folder.writer) as writer:
        assert writer.acquire()
        assert inspect_run(run.folder) == []


def test_a_changed_byte_is_found_in_every_file(ended: StoppedRun) -> None:
    paths = [path for path in ended.folder.path.rglob("*") if path.is_file()]
    names = {path.name for path in paths} - {ended.folder.writer.name, "stopped.json"}
    assert {"run.json", "journal.jsonl", "state.json", "digest.json"} < names
    for path in paths:
        whole = path.read_bytes()
        if path.name not in names or not whole:
            continue
        for place in (len(whole) // 3, len(whole) // 2):
            content = bytearray(whole)
            content[place] ^= 1
            path.write_bytes(content)
            found = inspect_run(ended.folder)
            assert kinds(found) == ["damaged"], path
            assert path.name in found[0].what or path.parent.name in found[0].what
        path.write_bytes(whole)
    assert inspect_run(ended.folder) == []


def test_a_record_that_the_list_passes_over_is_read(run: StoppedRun) -> None:
    lines = run.folder.journal.read_bytes().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if line.startswith(b'{"kind":"evaluation"'))
    assert lines[number + 1].startswith(b'{"kind":"evaluation"')
    from curriculum.record.journal import CHECK_BYTES, _checked

    bodies = [line[:-CHECK_BYTES] for line in lines]
    bodies[number] = bodies[number].replace(b'"train_loss":', b'"loss":')
    content = b""
    for body in bodies:
        content += _checked(body, len(content))
    run.folder.journal.write_bytes(content)
    found = inspect_run(run.folder)
    assert kinds(found) == ["damaged"]
    assert "is damaged at byte" in found[0].what


def test_a_journal_shorter_than_a_checkpoint_knows_is_found(run: StoppedRun) -> None:
    run.folder.journal.write_bytes(b"")
    found = inspect_run(run.folder)
    assert kinds(found) == ["damaged"]
    assert "ends at byte 0, and was longer" in found[0].what
    run.folder.journal.unlink()
    assert kinds(inspect_run(run.folder)) == ["damaged"]


def test_each_damaged_checkpoint_is_found(
    ended: StoppedRun, forge: Callable[[Path, Change], None]
) -> None:
    first, *_, last = ended.folder.checkpoint_folders()
    (first / "model.safetensors").unlink()
    forge(last, lambda content: content.pop("learner"))
    found = inspect_run(ended.folder)
    assert kinds(found) == ["damaged", "damaged"]
    assert [first.name in found[0].what, last.name in found[1].what] == [True, True]


@pytest.mark.parametrize("name", ["journal.jsonl", "checkpoints", "run.json", "lease-000009.json"])
def test_what_no_run_writes_is_found(ended: StoppedRun, name: str) -> None:
    folder = ended.folder
    path = folder.path / name
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    os.mkfifo(path)
    found = inspect_run(folder)
    assert set(kinds(found)) == {"damaged"}
    assert all(f"{path} is a named pipe" in each.what for each in found)


@pytest.mark.parametrize("name", ["run.json", "journal.jsonl", "model.safetensors"])
def test_what_the_system_keeps_from_being_read_is_not_called_damaged(
    ended: StoppedRun, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.open

    def refusing(path: Path, *arguments: int, **more: int) -> int:
        if Path(path).name == name:
            raise PermissionError(errno.EACCES, "Permission denied")
        return original(path, *arguments, **more)

    monkeypatch.setattr(os, "open", refusing)
    assert set(kinds(inspect_run(ended.folder))) == {"unreadable"}


def test_what_lies_among_the_runs_and_is_none_is_foreign(run: StoppedRun) -> None:
    store = Store(run.root)
    assert foreign_files(store) == []
    (store.runs_folder / "notes.txt").write_text("mine")
    (store.runs_folder / "abc").mkdir()
    (store.runs_folder / ".abcd1234.new").mkdir()
    (store.runs_folder / "\x1b[31mred\nx").mkdir()
    found = foreign_files(store)
    assert {each.kind for each in found} == {"foreign"}
    assert [each.name for each in found] == ["?[31mred?x", "abc", "notes.txt"]
    assert foreign_files(Store(run.root / "none")) == []
