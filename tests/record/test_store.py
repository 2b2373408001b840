import json
import os
from pathlib import Path

import pytest

from curriculum import UsageError
from curriculum.record.journal import Journal
from curriculum.record.store import RunFolder, Store, checkpoint_name


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


def test_names_are_in_the_order_of_the_run() -> None:
    places = [(0, 0), (0, 70), (1, None), (1, 150), (1, 1000), (2, None), (10, None), (10, 5)]
    names = [checkpoint_name(*place) for place in places]
    assert names == sorted(names)
    assert len(set(names)) == len(names)


def test_strangers_among_the_checkpoints_are_none(store: Path) -> None:
    folder = Store(store).create({})
    for name in ("000002", "000001-00000150", "000001", ".000003.new", "notes", "1", "000004x"):
        (folder.checkpoints / name).mkdir()
    (folder.checkpoints / "000005").write_text("a file")
    names = [path.name for path in folder.saved]
    assert names == ["000001", "000001-00000150", "000002"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "3",
        "null",
        '"run"',
        "{",
        "{}",
        '{"seed": 0}',
        '{"seed": 0, "check": null}',
        '{"seed": 0, "check": "0000"}',
        "[" * 100_000 + "]" * 100_000,
        '{"seed": ' + "[" * 900 + "]" * 900 + ', "check": ""}',
        "\udcff",
    ],
)
def test_a_description_that_is_not_what_was_written_is_said_to_be_damaged(
    store: Path, content: str
) -> None:
    folder = Store(store).create({"seed": 0})
    (folder.path / "run.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(
        UsageError, match=r"run.json is damaged, .*'rm \w+' deletes the run"
    ) as caught:
        folder.description()
    assert "\n" not in str(caught.value)


def test_every_part_of_a_description_is_under_its_check(store: Path) -> None:
    folder = Store(store).create({"seed": 0, "config": {"task": "first"}, "path": ["2x2"]})
    described = folder.description()
    assert described == {
        "id": folder.id, "seed": 0, "config": {"task": "first"}, "path": ["2x2"]
    }  # fmt: skip
    path = folder.path / "run.json"
    whole = json.loads(path.read_text())
    for name, other in (("seed", 1), ("config", {"task": "other"}), ("path", []), ("id", "0")):
        path.write_text(json.dumps(whole | {name: other}))
        with pytest.raises(UsageError, match="is damaged"):
            folder.description()
    path.write_text(json.dumps(whole, indent=3))  # blanks say nothing
    assert folder.description() == described


def test_a_description_can_be_replaced(store: Path) -> None:
    folder = Store(store).create({"seed": 0})
    folder.describe({**folder.description(), "seed": 5})
    assert folder.description() == {"id": folder.id, "seed": 5}
    assert sorted(path.name for path in folder.path.iterdir()) == ["checkpoints", "run.json"]


def test_how_a_run_stopped_is_noted_and_forgotten(store: Path) -> None:
    folder = Store(store).create({})
    assert folder.stopped() is None
    folder.note_stop("failed", "no room")
    said = folder.stopped()
    assert said is not None
    assert (said["status"], said["reason"]) == ("failed", "no room")
    assert said["time"] > 1e9
    folder.forget_stop()
    folder.forget_stop()
    assert folder.stopped() is None


@pytest.mark.parametrize("content", ["", "[]", "{}", "3", '{"status": "failed"}', "[" * 100_000])
def test_a_note_that_cannot_be_read_is_none(store: Path, content: str) -> None:
    folder = Store(store).create({})
    (folder.path / "stopped.json").write_text(content)
    assert folder.stopped() is None


def test_half_of_a_removed_checkpoint_is_in_nobodys_way(store: Path) -> None:
    folder = Store(store).create({})
    for name in ("000001", ".000001.old"):  # a process was killed as it deleted an earlier one
        (folder.checkpoints / name).mkdir()
        (folder.checkpoints / name / "state.json").write_text("{}")
    folder.remove_checkpoint("000001")
    folder.remove_checkpoint("000001")
    assert list(folder.checkpoints.iterdir()) == []


def test_a_run_that_is_created_outlasts_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    fsync, replace = os.fsync, os.replace

    def noted(file: int) -> None:
        synced.add(os.fstat(file).st_ino)
        fsync(file)

    def after_its_content(source: Path, target: Path) -> None:
        assert source.stat().st_ino in synced
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "replace", after_its_content)
    store = Store(tmp_path / "new" / "store")
    folder = store.create({"seed": 0})
    places = (folder.path / "run.json", folder.path, store.runs_folder, store.root)
    assert {path.stat().st_ino for path in (*places, tmp_path)} <= synced
    synced.clear()
    folder.describe({"seed": 1})
    assert {path.stat().st_ino for path in places[:2]} <= synced
    synced.clear()
    Journal(folder.journal).close()
    assert folder.path.stat().st_ino in synced
