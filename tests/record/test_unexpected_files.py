"""What is no file of a run's is neither read nor changed, and nothing outside of the store is."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from interrupted_runs import (
    StoppedRun,
)

import curriculum
from curriculum import UsageError
from curriculum.cli.main import main
from curriculum.record import Lock, RunFolder, Store, UnexpectedFileType
from curriculum.record.files import opened, read_bytes, remove, write_new

COMMANDS = ("resume", "explain", "show", "runs", "certify", "rm")
FILES = ("run.json", "journal.jsonl", "stopped.json", "lease-000001.json")
UNREAD = {"show": ("lease-000001.json",), "certify": ("lease-000001.json",)}
"""What a command does not ask for."""


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A folder outside of the store, with files and folders named as a run might name its own."""
    found = tmp_path / "canary"
    (found / "000001").mkdir(parents=True)
    (found / ".hidden").mkdir()
    (found / ".000002.new").mkdir()
    for path in ("mine", "000001/state.json", ".hidden/mine", ".000002.new/mine"):
        (found / path).write_text(f"keep {path}")
    return found


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def call(command: str, run: StoppedRun, *more: str) -> int:
    """The exit code of a command about a run's folder."""
    name = () if command == "runs" else (run.folder.id,)
    yes = ("--yes",) if command == "rm" else ()
    return main([command, *name, *yes, *more, "--store", str(run.root)])


def link(path: Path, target: Path) -> None:
    remove(path)
    path.symlink_to(target)


def linked_file(name: str) -> Callable[[RunFolder, Path], Path]:
    def change(folder: RunFolder, canary: Path) -> Path:
        link(folder.path / name, canary / "mine")
        return folder.path / name

    return change


def linked_checkpoints(folder: RunFolder, canary: Path) -> Path:
    link(folder.checkpoints, canary)
    return folder.checkpoints


def linked_run(folder: RunFolder, canary: Path) -> Path:
    shutil.move(folder.path, canary / "run")
    folder.path.symlink_to(canary / "run")
    return folder.path


LINKS = {name: linked_file(name) for name in FILES} | {
    "checkpoints": linked_checkpoints,
    "run": linked_run,
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", LINKS)
def test_a_link_in_a_run_is_refused_by_name_and_never_followed(
    run: StoppedRun,
    canary: Path,
    kind: str,
    command: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    changed = LINKS[kind](run.folder, canary)
    before = contents(canary)
    code = call(command, run)
    out, err = capsys.readouterr()
    assert contents(canary) == before
    assert "Traceback" not in err
    if command == "runs":
        assert code == 0
        assert "damaged" in out
    elif command == "rm" and kind in FILES[:3]:
        assert code == 0  # which deletes the link
        assert not changed.is_symlink()
    elif kind in UNREAD.get(command, ()):
        assert code in (0, 3)
    else:
        assert code == 2
        assert f"{changed} is a symbolic link, which no run writes" in err
        assert changed.is_symlink()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", FILES)
def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(
    run: StoppedRun, name: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run.folder.path / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    code = call(command, run)
    out, err = capsys.readouterr()
    if command == "runs":
        assert (code, "damaged" in out) == (0, True)
    elif command == "rm" and name in FILES[:3]:
        assert code == 0
    elif name in UNREAD.get(command, ()):
        assert code in (0, 3)
    else:
        assert code == 2
        assert f"{path} is a named pipe, which no run writes" in err


@pytest.mark.parametrize("name", [".run.json.new", ".stopped.json.new", ".journal.jsonl.new"])
def test_what_is_written_aside_is_not_written_through_a_link(
    run: StoppedRun, canary: Path, name: str
) -> None:
    (run.folder.path / name).symlink_to(canary / "mine")
    before = contents(canary)
    folder = run.folder
    folder.note_stop("interrupted", "by a test")
    folder.describe(folder.description())
    curriculum.resume("last", store=run.root, mirror=False, threads=2, force=True)
    assert contents(canary) == before


def test_a_resume_deletes_what_it_has_named_and_nothing_else(run: StoppedRun) -> None:
    checkpoints = run.folder.checkpoints
    names = (".000009.new", ".000001.old", ".target.new", ".notes", ".9.new", "x000009")
    for name in names:
        (checkpoints / name).mkdir()
    run.resume()
    left = {path.name for path in checkpoints.iterdir()} & set(names)
    assert left == {".notes", ".9.new", "x000009"}


def test_a_store_that_is_a_link_is_fine(run: StoppedRun, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(run.root, elsewhere)
    run.root.symlink_to(elsewhere)
    shutil.move(elsewhere / "runs", tmp_path / "runs")
    (elsewhere / "runs").symlink_to(tmp_path / "runs")
    result = curriculum.resume("last", store=run.root, mirror=False)
    assert result.weights_sha256 == run.weights_sha256


def test_a_device_is_no_file() -> None:
    with pytest.raises(UnexpectedFileType, match="/dev/zero is a device, which no run writes"):
        read_bytes(Path("/dev/zero"), 10)


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # with nothing in it
    with pytest.raises(ValueError, match="longer than 1,000 bytes"):
        read_bytes(path, 1000)


def test_new_files_are_ours_alone_to_write(tmp_path: Path) -> None:
    write_new(tmp_path / "one", b"1")
    write_new(tmp_path / "one", b"2")
    assert (tmp_path / "one").read_bytes() == b"2"
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) & 0o022 == 0
    with pytest.raises(OSError, match="No such file"):
        opened(tmp_path / "none", os.O_RDONLY)


def test_a_held_lock_of_any_bytes_is_one_sentence(run: StoppedRun) -> None:
    folder = run.folder
    with Lock(folder.writer) as lock:
        assert lock.acquire()
        folder.writer.write_bytes(
            b'{"process": 3, "host": "\xff\x1b[31m", "machine": "", "token": ""}'
        )
        with (
            pytest.raises(UsageError, match="is running in another process") as caught,
            folder.held(),
        ):
            pass
    text = str(caught.value)
    assert text.isprintable()


def test_a_copy_of_a_runs_folder_is_a_run_of_its_own(run: StoppedRun) -> None:
    first = run.folder
    shutil.copytree(first.path, first.path.with_name("second-try"))
    store = Store(run.root)
    assert [folder.id for folder in store.runs()] == sorted([first.id, "second-try"])
    second = store.find("second-try")
    assert second.description().id == "second-try"
    assert store.find("second").id == "second-try"
    result = curriculum.resume("second-try", store=run.root, mirror=False)
    assert (result.run_id, result.weights_sha256) == ("second-try", run.weights_sha256)
    assert curriculum.resume(first.id, store=run.root, mirror=False).run_id == first.id


def test_the_last_run_is_the_one_started_last_whatever_was_copied_since(
    run: StoppedRun, tmp_path: Path
) -> None:
    last = curriculum.run(run.experiment, 7, store=run.root, mirror=False).run_id
    copy = tmp_path / "restored"
    shutil.copytree(run.root, copy)
    for number, path in enumerate(sorted(copy.rglob("*"), reverse=True)):
        os.utime(path, (number, number))
    assert Store(copy).find("last").id == last
    assert Store(run.root).find("last").id == last


def test_a_store_whose_database_could_have_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has a '\?' in its path"):
        Store(tmp_path / "what?")
