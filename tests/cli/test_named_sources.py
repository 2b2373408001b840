"""A user's file is named once for a store: later commands find it, as long as it is what was named."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from command_line import TINY, call

import curriculum
from curriculum import UsageError
from curriculum.record import Store

ROOT = Path(__file__).parents[2]
NEEDED = "code is only run from a file that you name"


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curriculum.tracking.start_mirror", lambda *_: None)


@dataclass(frozen=True)
class Made:
    """A user's file, a store with a run of it that is over, and where sources are remembered."""

    file: Path
    store: Path
    memory: Path

    def kept(self) -> Path:
        """The one file that is kept."""
        (found,) = self.memory.glob("sources/*")
        return found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()):
        patch.setattr("curriculum.tracking.start_mirror", lambda *_: None)
        (folder / "mine.py").write_text(TINY)
        assert call("run", folder / "mine.py", "--store", folder / "store") == 0
    return folder


@pytest.fixture
def made(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """The file was named for the store, by `show`."""
    monkeypatch.setenv("CURRICULUM_CACHE_DIR", str(tmp_path / "memory"))
    shutil.copytree(template / "store", tmp_path / "store")
    file = shutil.copy(template / "mine.py", tmp_path)
    found = Made(Path(file), tmp_path / "store", tmp_path / "memory")
    assert call("show", "last", "--store", found.store, "--source", file) == 0
    return found


def test_every_command_finds_the_file_that_was_named_before(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for command in (("show", "last"), ("certify", "last"), ("resume", "last")):
        assert call(*command, "--store", made.store) in (0, 3)
        out, err = capsys.readouterr()
        line = (
            f"curriculum: task or model are those of {made.file}, which was named for this store\n"
        )
        assert err.count(line) == 1
        assert out
    assert curriculum.load("last", store=made.store)
    assert curriculum.resume("last", store=made.store, mirror=False).status == "reached"
    assert list(made.store.rglob("sources")) == []


def test_to_run_a_file_names_it(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    assert call("run", "mine.py", "--store", store, "--budget.steps", 1) == 3
    monkeypatch.chdir("/")
    assert call("show", "last", "--store", store) == 0
    assert f"those of {tmp_path / 'mine.py'}, which was named" in capsys.readouterr().err


def test_a_copied_store_asks_once_again(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    copy = made.store.with_name("copy")
    shutil.copytree(made.store, copy)
    assert call("show", "last", "--store", copy) == 2
    assert NEEDED in capsys.readouterr().err
    assert call("show", "last", "--store", copy, "--source", made.file) == 0
    assert call("show", "last", "--store", copy) == 0


def test_a_linked_store_is_the_same_store(made: Made, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(made.store)
    assert call("show", "last", "--store", tmp_path / "link") == 0


def test_a_path_within_a_store_makes_nothing_run(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also in the place of a store for which another file was named."""
    trap, sprung = tmp_path / "trap.py", tmp_path / "sprung"
    trap.write_text(f"open({str(sprung)!r}, 'w').close()\n" + TINY)
    run = Store(made.store).find("last")
    run.describe(replace(run.description(), source=str(trap)))
    assert call("show", "last", "--store", made.store) == 2
    assert NEEDED in capsys.readouterr().err
    assert not sprung.exists()


def test_a_file_that_has_changed_is_to_be_named_again(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    made.file.write_text(TINY + "# changed\n")
    capsys.readouterr()
    assert call("show", "last", "--store", made.store) == 2
    err = capsys.readouterr().err
    assert f"{made.file} has changed since it was named for this store; " in err
    assert err.endswith(f"name it again: --source {made.file}\n")
    assert call("show", "last", "--store", made.store, "--source", made.file) == 0
    assert call("show", "last", "--store", made.store) == 0


def test_a_file_that_was_moved_is_to_be_named_again(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = made.file.rename(tmp_path / "moved.py")
    capsys.readouterr()
    assert call("certify", "last", "--store", made.store) == 2
    assert f"{made.file}, which was named for this store, can't be read" in capsys.readouterr().err
    assert call("show", "last", "--store", made.store, "--source", moved) == 0
    assert call("show", "last", "--store", made.store) == 0
    assert f"those of {moved}, which was named" in capsys.readouterr().err


def test_what_somebody_else_may_have_written_is_not_believed(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    made.kept().chmod(0o666)
    assert call("show", "last", "--store", made.store) == 2
    assert NEEDED in capsys.readouterr().err
    made.kept().chmod(0o644)
    assert call("show", "last", "--store", made.store) == 0


@pytest.mark.parametrize("text", ["", "[]", '{"sources": 3}', '{"sources": {"a": {"path": 1}}}'])
def test_a_damaged_memory_is_none(
    text: str, made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    made.kept().write_text(text)
    assert call("show", "last", "--store", made.store) == 2
    assert NEEDED in capsys.readouterr().err
    assert call("show", "last", "--store", made.store, "--source", made.file) == 0
    assert call("show", "last", "--store", made.store) == 0


def test_where_nothing_can_be_remembered_all_works_as_well(
    made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CURRICULUM_CACHE_DIR", "/proc/nowhere")
    assert call("show", "last", "--store", made.store, "--source", made.file) == 0
    assert call("show", "last", "--store", made.store) == 2
    assert NEEDED in capsys.readouterr().err


def test_a_file_that_is_no_source_of_the_run_is_not_remembered(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = made.kept().read_text()
    (tmp_path / "other.py").write_text("")
    assert call("show", "last", "--store", made.store, "--source", tmp_path / "other.py") == 2
    assert "there is no settings class Mine" in capsys.readouterr().err
    assert made.kept().read_text() == before


def test_of_the_packages_own_classes_nothing_is_remembered(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURRICULUM_CACHE_DIR", str(tmp_path / "memory"))
    assert call("run", "gru_firstbit", "--budget.steps", 1, "--store", store) == 3
    assert call("show", "last", "--store", store) == 0
    assert not (tmp_path / "memory" / "sources").exists()


def cut_last_record(store: Path) -> None:
    """As if the last run had been killed before its end."""
    journal = Store(store).find("last").journal
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))


SIBLING = """\
from dataclasses import dataclass
from curriculum.tasks import FirstBit

@dataclass(frozen=True)
class Mine(FirstBit):
    '''Defined beside the file.'''

@dataclass(frozen=True)
class OnlyByItsModule(FirstBit):
    '''Not imported by name.'''
"""
FILE = """\
import beside_the_file
import numpy
assert numpy.array([1]).sum() == 1  # what is installed comes first
""" + TINY.replace(
    "@dataclass(frozen=True)\nclass Mine(FirstBit):\n    pass\n",
    "from beside_the_file import Mine\n",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of a user's, one of which has the name of a library; no other test's are imported."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "beside_the_file", raising=False)
    found = tmp_path / "files"
    found.mkdir()
    (found / "beside_the_file.py").write_text(SIBLING)
    (found / "numpy.py").write_text("raise ImportError('this is no library')\n")
    (found / "mine.py").write_text(FILE)
    by_module = FILE.replace("task=Mine()", "task=beside_the_file.OnlyByItsModule()")
    (found / "by_module.py").write_text(by_module)
    return found


@pytest.mark.slow
def test_what_lies_beside_a_file_is_imported_from_any_folder_and_in_workers(
    folder: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the processes of a search, and by a new one that resumes the run from elsewhere."""
    monkeypatch.chdir(tmp_path)
    search = ("--tuning.mode", "each", "--tuning.trials", 2, "--jobs", 2, "--budget.steps", 4)
    assert call("run", folder.name + "/mine.py", *search, "--store", store) == 3
    cut_last_record(store)
    command = [sys.executable, "-P", "-m", "curriculum", "resume", "last", "--store", str(store)]
    done = subprocess.run(
        command,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert f"those of {folder / 'mine.py'}, which was named for this store" in done.stderr


def test_a_class_beside_a_file_need_not_be_imported_by_name(folder: Path, store: Path) -> None:
    file = folder / "by_module.py"
    assert call("run", file, "--store", store, "--budget.steps", 1) == 3
    cut_last_record(store)
    assert call("resume", "last", "--store", store) == 3


def test_a_module_elsewhere_gives_no_class(folder: Path, store: Path) -> None:
    """What a store names is looked for in the named file, and in what it imports from its own folder."""
    result = curriculum.run(
        str(folder / "mine.py"), store=store, mirror=False, overrides=["--budget.steps", "1"]
    )
    run = Store(store).find(result.run_id)
    config = json.dumps(run.description().config)
    config = config.replace("beside_the_file:Mine", "command_line:Path")
    run.describe(replace(run.description(), config=json.loads(config)))
    with pytest.raises(UsageError, match="there is no settings class Path in command_line"):
        curriculum.load("last", store=store, source=folder / "mine.py")
