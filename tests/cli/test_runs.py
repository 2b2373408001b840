"""The commands `runs`, `rm` and `prune`: the list of runs, and which of them are deleted."""

import errno
import io
import json
import os
import shutil
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from command_line import call
from rich.console import Console

from curriculum import Stage
from curriculum.record import History, Lock, RunFolder, Store, intact_records
from curriculum.record.journal import CHECK_BYTES
from curriculum.report import RunLine, print_runs, run_line, select_runs
from curriculum.report.runs import runs_table

NOW = 1_000_000.0


@pytest.fixture
def folder(recorded: Path, store: Path) -> RunFolder:
    """The same, free to be changed."""
    return RunFolder(shutil.copytree(recorded, store / "runs" / recorded.name))


def cut_last_record(folder: RunFolder) -> None:
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(lines[:-1]))


def line(**differences: object) -> RunLine:
    values: dict[str, object] = {
        "folder": RunFolder(Path("runs/1a2b3c4d")),
        "experiment": "tiny",
        "seed": 0,
        "state": "reached",
        "reach": Stage(5),
        "steps": 80,
        "last_written": NOW,
        "command": None,
    }
    return RunLine(**(values | differences))  # type: ignore[arg-type]


def test_a_run_that_is_over_needs_no_command(folder: RunFolder) -> None:
    found = run_line(folder)
    assert (found.run_id, found.experiment, found.seed) == (folder.id, "tiny", 3)
    assert (found.state, found.reach, found.command) == ("reached", Stage(5), None)
    assert found.reach_words == "length 5"
    (*_, (last, _)), damaged = intact_records(folder.journal)
    assert not damaged
    assert found.last_written == last.clock.time
    assert found.steps
    folder.journal.write_bytes(folder.journal.read_bytes() + b"nonsense\n")
    assert run_line(folder).state == "reached"  # nothing of the run is behind its end


@pytest.mark.parametrize("status", ["interrupted", "failed", "killed"])
def test_a_run_that_stopped_can_be_resumed(
    folder: RunFolder, status: Literal["interrupted", "failed", "killed"]
) -> None:
    cut_last_record(folder)
    if status != "killed":
        folder.note_stop(status, "why")
    found = run_line(folder)
    assert (found.state, found.command) == (status, f"resume {folder.id}")


def test_a_run_that_was_killed_before_its_first_record_is_as_old_as_its_start(
    folder: RunFolder,
) -> None:
    folder.journal.unlink()
    shutil.rmtree(folder.checkpoints)
    found = run_line(folder)
    assert (found.state, found.reach, found.steps) == ("killed", None, 0)
    assert found.last_written == folder.description().created


def test_a_run_that_is_running_needs_no_command(folder: RunFolder) -> None:
    cut_last_record(folder)
    with Lock(folder.writer) as writer:
        assert writer.acquire()
        assert (run_line(folder).state, run_line(folder).command) == ("running", None)
        (folder.path / "run.json").write_text("{}")
        assert (run_line(folder).state, run_line(folder).command) == ("running", None)


def test_a_damaged_journal_counts_up_to_the_damage(folder: RunFolder) -> None:
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    lines[-2] = lines[-2].replace(b":", b";", 1)
    folder.journal.write_bytes(b"".join(lines))
    found = run_line(folder)
    assert (found.state, found.command) == ("damaged", f"resume {folder.id}")
    assert found.reach is not None


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"id": 3, "check": "0"}', "\0"])
def test_a_damaged_description_leaves_the_id(folder: RunFolder, content: str) -> None:
    (folder.path / "run.json").write_text(content)
    found = run_line(folder)
    assert (found.run_id, found.state, found.command) == (
        folder.id,
        "damaged",
        f"rm {folder.id}",
    )
    assert (found.experiment, found.seed, found.reach, found.steps) == (None, None, None, None)


def test_records_of_an_unknown_form_are_damage(folder: RunFolder) -> None:
    first = folder.journal.read_bytes().splitlines()[0]
    content = first[: -CHECK_BYTES + 1].replace(b'"visit_started"', b'"surprise"')
    assert content != first[: -CHECK_BYTES + 1]
    line = b'%s,"check":"%08x"}\n' % (content, zlib.crc32(content, 0))
    folder.journal.write_bytes(line)
    found = run_line(folder)
    assert (found.state, found.experiment, found.steps) == ("damaged", "tiny", 0)


def test_a_run_that_the_system_keeps_from_being_read_is_not_damaged_and_never_pruned(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refusing)
        found = run_line(folder)
    assert (found.state, found.command, found.experiment) == ("unreadable", None, None)
    assert select_runs([found], NOW) == []
    assert run_line(folder).state == "reached"


def test_the_list_is_newest_last_and_plain_in_a_pipe(
    folder: RunFolder, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = Store(store).create(replace(folder.description(), seed=11))
    cut_last_record(folder)
    (damaged.path / "run.json").write_text("{}")
    assert call("runs", "--store", store) == 0
    out, err = capsys.readouterr()
    head, second, first = out.splitlines()  # nobody knows when the damaged one was started
    assert head.split() == ["run", "experiment", "seed", "state", "reach", "age"]
    assert first.split()[:4] == [folder.id, "tiny", "3", "killed"]
    assert first.endswith(f"  resume {folder.id}")
    assert second.split()[:5] == [damaged.id, "-", "-", "damaged", "-"]
    assert second.endswith(f"  rm {damaged.id}")
    assert "\x1b" not in out
    assert not err


@pytest.mark.parametrize("content", [b"", bytes(4000)], ids=["empty", "zeroed"])
def test_a_journal_that_is_shorter_than_its_checkpoints_know_is_damaged(
    folder: RunFolder, store: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.journal.write_bytes(content)
    assert run_line(folder).state == "damaged"
    for command in ("explain", "show"):
        assert call(command, folder.id, "--store", store) in (0, 2)
        out, err = capsys.readouterr()
        assert "damaged" in out + err


def test_a_run_that_saves_its_state_while_it_is_read_is_not_damaged(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = folder.checkpoint_folders()[-1]
    saved = json.loads((newest / "state.json").read_text())["state"]["journal"]
    lines = folder.journal.read_bytes()[:saved].splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(lines[:-1]))
    assert History.of(folder).damaged
    later = newest.rename(folder.path / "later")

    def read_before(path: Path) -> Any:
        found = intact_records(path)
        folder.journal.write_bytes(b"".join(lines))
        later.rename(newest)
        return found

    monkeypatch.setattr("curriculum.record.history.intact_records", read_before)
    assert not History.of(folder).damaged


def test_a_damaged_checkpoint_is_said_where_an_older_one_is_shown(
    folder: RunFolder, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_last_record(folder)
    newest = folder.checkpoint_folders()[-1]
    (newest / "model.safetensors").write_bytes(b"")
    assert call("show", folder.id, "--store", store) == 0
    assert f"{newest} is not whole" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["[/nope]", "[red]x[/red]", "$\\frac{1}$", ":smile:", "=1+1"])
def test_names_are_shown_as_they_are(
    folder: RunFolder, store: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No name is markup, mathematics or a formula."""
    folder.describe(replace(folder.description(), experiment=name, strategy=name))
    for words in (["runs"], ["explain", folder.id]):
        assert call(*words, "--store", store) == 0
        out, err = capsys.readouterr()
        assert name in out + err
        assert "Traceback" not in err
    report = tmp_path / "report.html"
    assert call("compare", name, "--store", store, "--report", report) in (0, 2)


@pytest.mark.parametrize("name", ["\x1b[31mred", "two\nlines", "\x00", "x" * 2000])
def test_what_is_no_name_is_damage(
    folder: RunFolder, store: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.describe(replace(folder.description(), experiment=name))
    assert call("runs", "--store", store) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == [folder.id, "-", "-", "damaged"]


def test_json_is_one_list(
    folder: RunFolder, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("runs", "--store", store, "--json") == 0
    out, _ = capsys.readouterr()
    [found] = json.loads(out)
    assert found == {
        "run_id": folder.id,
        "experiment": "tiny",
        "seed": 3,
        "state": "reached",
        "reach": {"length": 5, "vocab_size": 2, "level": 1},
        "reach_verdict": "mastered",
        "steps": found["steps"],
        "last_written": found["last_written"],
        "command": None,
        "arms": {},
    }
    (folder.path / "run.json").write_text("{}")
    assert call("runs", "--store", store, "--json") == 0
    [found] = json.loads(capsys.readouterr().out)
    assert (found["experiment"], found["reach"]) == (None, None)
    assert found["command"] == f"rm {folder.id}"


def test_eighty_columns_hold_every_id() -> None:
    long = line(
        experiment="gru_subsequence_attention:direct",
        seed=123,
        state="interrupted",
        reach=Stage(1000, 1000),
        reach_words="1,000/1,000",
        last_written=NOW - 59 * 60,
        command="resume 1a2b3c4d",
    )
    console = Console(width=80, file=io.StringIO())
    with console.capture() as printed:
        console.print(runs_table([line(), long], NOW))
    lines = printed.get().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("1a2b3c4d  ")
    assert lines[2].rstrip().endswith("1,000/1,000  59 min  resume 1a2b3c4d")
    assert "".join(row[10:].split("  ")[0].strip() for row in lines[2:]) == long.experiment


def test_a_pipe_gets_one_line_for_each_run_whatever_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    pipe = io.StringIO()
    print_runs([line(experiment="a" * 100), line(state="failed")], pipe)
    lines = pipe.getvalue().splitlines()
    assert len(lines) == 3
    assert f"  {'a' * 100}  " in lines[1]
    assert "\x1b" not in pipe.getvalue()


@pytest.mark.parametrize(
    ("differences", "filters", "expected"),
    [
        ({}, {}, True),
        ({"state": "running"}, {}, False),
        ({"state": "killed"}, {"states": ["killed", "failed"]}, True),
        ({"state": "reached"}, {"states": ["killed", "failed"]}, False),
        ({"last_written": NOW - 61}, {"older_than": 60.0}, True),
        ({"last_written": NOW - 59}, {"older_than": 60.0}, False),
        ({"experiment": "tiny"}, {"experiment": "tiny"}, True),
        ({"experiment": "tiny:direct"}, {"experiment": "tiny"}, False),
        ({"experiment": None}, {"experiment": "tiny"}, False),
        ({"state": "killed"}, {"states": ["killed"], "experiment": "other"}, False),
        ({"state": "killed"}, {"states": ["killed"], "experiment": "tiny"}, True),
    ],
)
def test_the_runs_that_match_all_conditions_are_selected(
    differences: dict[str, object], filters: dict[str, object], expected: bool
) -> None:
    found = select_runs([line(**differences)], NOW, **filters)  # type: ignore[arg-type]
    assert bool(found) is expected


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["--state", "failed"], "no run that has stopped matches all conditions"),
        (["--older-than", "1w"], "no run that has stopped matches all conditions"),
        (["--experiment", "tyni"], "no run is of 'tyni'; did you mean tiny?"),
    ],
)
def test_where_no_run_matches_prune_deletes_nothing_and_gives_the_reason(
    folder: RunFolder,
    store: Path,
    conditions: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("prune", *conditions, "--store", store) == 0
    assert f"Nothing was deleted: {expected}" in capsys.readouterr().out
    assert folder.path.exists()


def test_pruning_an_emptied_store_is_no_mistake(
    folder: RunFolder, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert call("prune", "--all", "--yes", "--store", store) == 0
    deleted, nothing = capsys.readouterr().out.splitlines()
    assert deleted == f"Deleted run {folder.id}"
    assert nothing.startswith("Nothing was deleted: ")


def type_answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    terminal = io.StringIO(text)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)


@pytest.mark.parametrize(
    ("typed", "deleted"),
    [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False), ("why\n", False)],
)
def test_a_run_is_deleted_once_that_is_confirmed(
    folder: RunFolder,
    typed: str,
    deleted: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    type_answer(monkeypatch, typed)
    assert call("rm", folder.id[:4], folder.id, "--store", folder.path.parents[1]) == 0
    out, err = capsys.readouterr()
    assert f"Delete run {folder.id} (tiny, seed 3, reached)," in err
    assert err.count("[y/N]") == 1
    assert folder.path.exists() is not deleted
    assert out == (f"Deleted run {folder.id}\n" if deleted else "Nothing was deleted\n")


def test_several_are_listed_and_confirmed_once(
    folder: RunFolder,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    others = [Store(store).create(replace(folder.description(), seed=seed)) for seed in (4, 5)]
    with Lock(others[1].writer) as writer:
        assert writer.acquire()
        type_answer(monkeypatch, "y\n")
        assert call("prune", "--all", "--store", store) == 0
        out, err = capsys.readouterr()
        assert "Delete these 2 runs, " in err
        assert err.count("[y/N]") == 1
        assert folder.id in err
        assert others[0].id in err
        assert others[1].id not in err
        assert out.count("Deleted run ") == 2
        assert [found.id for found in Store(store).runs()] == [others[1].id]
        assert call("rm", others[1].id, "--yes", "--store", store) == 2
        assert f"run {others[1].id} is running; stop it first" in capsys.readouterr().err


def test_without_a_terminal_yes_is_needed(
    folder: RunFolder,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for nothing in (io.StringIO("y\n"), None):
        monkeypatch.setattr("sys.stdin", nothing)
        assert call("rm", "last", "--store", store) == 2
        assert "no terminal to ask on; --yes deletes without asking" in capsys.readouterr().err
    assert folder.path.exists()
    assert call("rm", "last", "--yes", "--store", store) == 0
    assert not folder.path.exists()


def test_a_name_that_finds_no_run_deletes_none(
    folder: RunFolder, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("rm", folder.id, "zzzz", "--yes", "--store", store) == 2
    assert "there is no run 'zzzz'" in capsys.readouterr().err
    assert folder.path.exists()
