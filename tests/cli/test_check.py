"""The command `check`."""

import json
import shutil
from pathlib import Path

import pytest
from command_line import call
from mlflow_copies import sync

from curriculum.record import Lock, RunFolder, Store


@pytest.fixture
def folder(recorded: Path, mlflow_store: Path) -> RunFolder:
    """A run that is over, in a store with a database of MLflow's."""
    return RunFolder(shutil.copytree(recorded, mlflow_store / "runs" / recorded.name))


def test_a_store_that_is_whole_is_said_to_be(
    folder: RunFolder, mlflow_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sync(Store(mlflow_store), folder)
    for words in (["--store", mlflow_store], [mlflow_store]):
        assert call("check", *words) == 0
        assert capsys.readouterr() == ("1 run: whole, over, and copied into MLflow\n", "")
    assert call("check", mlflow_store, "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_run_that_mlflow_lacks_is_found_though_it_was_copied(
    folder: RunFolder, mlflow_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"{folder.id}  not copied  not whole in MLflow; 'sync {folder.id}' copies it\n"
    assert call("check", mlflow_store) == 0
    assert capsys.readouterr().out == f"{line}1 run: 1 not copied\n"
    sync(Store(mlflow_store), folder)
    assert call("check", mlflow_store) == 0
    assert "whole, over" in capsys.readouterr().out
    (mlflow_store / "mlflow.db").unlink()
    assert call("check", mlflow_store) == 0
    assert capsys.readouterr().out == f"{line}1 run: 1 not copied\n"


def test_damage_is_one_line_and_an_exit_code(
    folder: RunFolder, mlflow_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(folder.journal.read_bytes())
    content[500] ^= 1
    folder.journal.write_bytes(content)
    (mlflow_store / "runs" / "notes").mkdir()
    assert call("check", mlflow_store) == 3
    stranger, damaged, last = capsys.readouterr().out.splitlines()
    assert stranger.startswith("notes     foreign     ")
    assert damaged.startswith(f"{folder.id}  damaged     {folder.journal} is damaged at byte ")
    assert last == "1 run: 1 foreign, 1 damaged"
    assert call("check", mlflow_store, "--json") == 3
    found = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in found] == ["foreign", "damaged"]
    assert [*found[0]] == ["name", "kind", "what"]


def test_a_run_that_is_running_is_passed_over(
    folder: RunFolder, mlflow_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.journal.write_bytes(b"")
    with Lock(folder.writer) as writer:
        assert writer.acquire()
        assert call("check", mlflow_store) == 0
    assert capsys.readouterr().out == "1 run: 1 running, and passed over\n"
    shutil.rmtree(folder.path)
    assert call("check", mlflow_store) == 0
    assert capsys.readouterr().out == "0 runs: nothing to check\n"


def test_many_alike_are_one_line(
    folder: RunFolder, mlflow_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(8):
        shutil.copytree(folder.path, folder.path.with_name(f"copy{number}"))
    assert call("check", mlflow_store) == 0
    one, last = capsys.readouterr().out.splitlines()
    assert one.startswith("9 of them  not copied  not whole in MLflow; 'sync RUN' copies it")
    assert one.endswith(", …)")
    assert last == "9 runs: 9 not copied"


def test_a_foreign_run_is_said_once_by_the_list_too(
    folder: RunFolder, mlflow_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from curriculum.record.description import _check

    content = json.loads((folder.path / "run.json").read_text())
    content = {name: value for name, value in content.items() if name != "check"} | {"format": 7}
    (folder.path / "run.json").write_text(json.dumps(content | {"check": _check(content)}))
    assert call("check", mlflow_store) == 3
    assert "is recorded in format 7, as another version" in capsys.readouterr().out
    assert call("runs", "--store", mlflow_store) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split()[:4] == [folder.id, "-", "-", "foreign"]
    assert err == (
        "1 run recorded by another version of this package, in a format that this one doesn't read\n"
    )
    assert call("compare", "tiny", "--store", mlflow_store) == 2
    assert "is recorded in format 7" in capsys.readouterr().err
    assert call("prune", "--state", "foreign", "--yes", "--store", mlflow_store) == 0
    assert Store(mlflow_store).runs() == []


def test_a_store_that_is_not_there_is_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("check", tmp_path / "none") == 2
    assert "holds no runs yet" in capsys.readouterr().err
    assert call("check", tmp_path / "none", "--store", tmp_path) == 2
    assert "the store is given twice" in capsys.readouterr().err
    assert call("check", tmp_path, "more") == 2
    assert list(tmp_path.iterdir()) == []
