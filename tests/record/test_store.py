import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from interrupted_runs import (
    contents,
)

from curriculum import Stage, UsageError
from curriculum.record import (
    FORMAT,
    RunDescription,
    RunExists,
    RunFolder,
    Store,
    checkpoint_name,
    encode,
)
from curriculum.record.journal import Journal


def create_named(store: Store, description: RunDescription, name: str, when: int) -> None:
    folder = store.create(replace(description, created=float(when)))
    folder.path.rename(folder.path.with_name(name))


@pytest.fixture
def three(store: Path, description: RunDescription) -> Store:
    found = Store(store)
    for when, name in ((3, "bbbb3333"), (1, "aaaa1111"), (2, "aaaa2222")):
        create_named(found, description, name, when)
    return found


@pytest.mark.parametrize(
    ("name", "found"),
    [("aaaa1111", "aaaa1111"), ("aaaa2", "aaaa2222"), ("b", "bbbb3333"), ("last", "bbbb3333")],
)
def test_a_run_is_found_by_id_beginning_or_last(three: Store, name: str, found: str) -> None:
    assert three.find(name).id == found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aaaa", "'aaaa' is the beginning of 2 run ids: aaaa1111, aaaa2222; type more of it"),
        ("cccc", "there is no run 'cccc'"),
        ("", "there is no run ''"),
        ("../runs/aaaa1111", "there is no run"),
        ("/etc", "there is no run"),
    ],
)
def test_a_name_that_finds_no_single_run_is_an_error(three: Store, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        three.find(name)


def test_an_empty_store_says_so(store: Path) -> None:
    with pytest.raises(UsageError, match="holds no runs yet"):
        Store(store).find("last")


def test_a_store_that_cannot_be_written_is_an_error(
    tmp_path: Path, description: RunDescription
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"can't be written .*; choose another with --store"):
        Store(tmp_path / "file").create(description)


def test_a_run_that_nobody_holds_is_not_running(folder: RunFolder) -> None:
    assert not folder.is_running


def test_other_files_in_the_folder_are_no_runs(three: Store) -> None:
    (three.runs_folder / "notes").mkdir()
    (three.runs_folder / "deadbeef").mkdir()
    assert [folder.id for folder in three.runs()] == ["aaaa1111", "aaaa2222", "bbbb3333"]
    assert isinstance(three.runs()[0], RunFolder)


def test_names_are_in_the_order_of_the_run() -> None:
    places = [(0, 0), (0, 70), (1, None), (1, 150), (1, 1000), (2, None), (10, None), (10, 5)]
    names = [checkpoint_name(*place) for place in places]
    assert names == sorted(names)
    assert len(set(names)) == len(names)


def test_other_files_among_the_checkpoints_are_none(folder: RunFolder) -> None:
    for name in ("000002", "000001-00000150", "000001", ".000003.new", "notes", "1", "000004x"):
        (folder.checkpoints / name).mkdir()
    names = [path.name for path in folder.checkpoint_folders()]
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
    folder: RunFolder, content: str
) -> None:
    (folder.path / "run.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(
        UsageError, match=r"run.json is damaged; 'rm \w+' deletes the run"
    ) as caught:
        folder.description()
    assert "\n" not in str(caught.value)


OMITTED = ("id", "axis_names", "data_digest", "weights_digest")
"""Usual names, and digests of files that there are none of, are left out."""


def test_every_part_of_a_description_is_under_its_check(
    folder: RunFolder, description: RunDescription
) -> None:
    described = folder.description()
    assert described == replace(description, id=folder.id)
    path = folder.path / "run.json"
    whole = json.loads(path.read_text())
    # The id is the folder's name, so that a copy of the folder is another run.
    parts = [name for name in RunDescription.__slots__ if name not in OMITTED]
    assert list(whole) == ["format", *parts, "check"]
    for name in whole:
        for other in (None, "other", whole["path"][:1], {"more": 1}, 3):
            if whole[name] != other:
                path.write_text(json.dumps(whole | {name: other}))
                with pytest.raises(UsageError, match="is damaged"):
                    folder.description()
        path.write_text(json.dumps({key: whole[key] for key in whole if key != name}))
        with pytest.raises(UsageError, match="is damaged"):
            folder.description()
    path.write_text(json.dumps(whole, indent=3))  # white space says nothing
    assert folder.description() == described


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "0"},
        {"seed": 1.5},
        {"created": None},
        {"path": "2x2"},
        {"path": ["2x"]},
        {"settings": []},
        {"overrides": [3]},
        {"threads": True},
        {"flush_denormal": 0},
        {"environment": {"torch": None}},
        {"stranger": 1},
        {"studies": None},
    ],
)
def test_a_description_of_another_form_is_damaged_whatever_its_check_says(
    folder: RunFolder, change: dict[str, object]
) -> None:
    path = folder.path / "run.json"
    content = {"format": FORMAT, **encode(folder.description()), **change}
    check = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**content, "check": check}))
    with pytest.raises(UsageError, match=r"run\.json is damaged; 'rm \w+' deletes the run"):
        folder.description()


def test_a_description_can_be_replaced(folder: RunFolder) -> None:
    changed = replace(folder.description(), seed=5, path=(Stage(7, 3),))
    folder.describe(changed)
    assert folder.description() == changed
    assert sorted(path.name for path in folder.path.iterdir()) == ["checkpoints", "run.json"]


def test_the_note_of_a_stop_is_written_and_removed(folder: RunFolder) -> None:
    assert folder.stop_note() is None
    folder.note_stop("failed", "no room")
    note = folder.stop_note()
    assert note is not None
    assert (note.status, note.reason) == ("failed", "no room")
    assert note.time > 1e9
    folder.remove_stop_note()
    folder.remove_stop_note()
    assert folder.stop_note() is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "3",
        '{"status": "failed"}',
        '{"status": "reached", "reason": "", "time": 1}',
        '{"status": "failed", "reason": 3, "time": 1}',
        '{"status": "failed", "reason": "", "time": 1, "more": 1}',
        "[" * 100_000,
    ],
)
def test_a_note_that_cannot_be_read_is_none(folder: RunFolder, content: str) -> None:
    (folder.path / "stopped.json").write_text(content)
    assert folder.stop_note() is None


def test_half_of_a_removed_checkpoint_does_not_get_in_the_way(folder: RunFolder) -> None:
    for name in ("000001", ".000001.old"):  # a process was killed as it deleted an earlier one
        (folder.checkpoints / name).mkdir()
        (folder.checkpoints / name / "state.json").write_text("{}")
    folder.remove_checkpoint("000001")
    folder.remove_checkpoint("000001")
    assert list(folder.checkpoints.iterdir()) == []


def test_a_run_that_is_created_outlasts_the_machine(
    tmp_path: Path, description: RunDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    fsync, os_replace = os.fsync, os.replace

    def noted(file: int) -> None:
        synced.add(os.fstat(file).st_ino)
        fsync(file)

    def after_its_content(source: Path, target: Path) -> None:
        assert source.stat().st_ino in synced
        os_replace(source, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "replace", after_its_content)
    store = Store(tmp_path / "new" / "store")
    folder = store.create(description)
    places = (folder.path / "run.json", folder.path, store.runs_folder, store.root)
    assert {path.stat().st_ino for path in (*places, tmp_path)} <= synced
    synced.clear()
    folder.describe(replace(description, seed=1))
    assert {path.stat().st_ino for path in places[:2]} <= synced
    synced.clear()
    Journal(folder.journal).close()
    assert folder.path.stat().st_ino in synced


@pytest.mark.parametrize("run_id", ["reverse-gated-3", "a" * 64, "0.5"])
def test_a_run_may_be_given_its_id(store: Path, description: RunDescription, run_id: str) -> None:
    found = Store(store).create(description, run_id)
    assert (found.id, Store(store).find(run_id).description().id) == (run_id, run_id)
    before = contents(found)
    with pytest.raises(RunExists, match=rf"there is a run {run_id} in .*; 'resume {run_id}'"):
        Store(store).create(replace(description, seed=7), run_id)
    assert contents(found) == before
    assert [path.name for path in Store(store).runs_folder.iterdir()] == [run_id]


@pytest.mark.parametrize("run_id", ["", "last", ".hidden", "a/b", "..", "a b", "a" * 65, "é"])
def test_what_is_no_id_is_refused(store: Path, description: RunDescription, run_id: str) -> None:
    with pytest.raises(UsageError, match=r"a run's id is up to 64 letters"):
        Store(store).create(description, run_id)
    assert not store.exists()


def test_of_several_that_create_one_run_at_once_one_does(
    store: Path, description: RunDescription
) -> None:
    def create(seed: int) -> int | None:
        together.wait()
        try:
            Store(store).create(replace(description, seed=seed), "one")
        except RunExists:
            return None
        return seed

    together = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        (seed,) = (found for found in pool.map(create, range(8)) if found is not None)
    assert Store(store).find("one").description().seed == seed
    assert [path.name for path in Store(store).runs_folder.iterdir()] == ["one"]


@pytest.mark.parametrize(
    "address",
    ["s3://bucket/runs", "gs://bucket", "hdfs://name/a", "http://host/a", "https://host/a"],
)
def test_an_address_is_no_store_and_the_way_out_is_told(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        Store(Path(address))
    message = str(caught.value)
    assert f"got {address}; record runs in a folder" in message
    assert f"--artifacts-destination {address}'" in message


def test_a_path_is_not_given_as_an_address() -> None:
    with pytest.raises(UsageError, match="got file:///scratch/runs; take --store /scratch/runs"):
        Store(Path("file:///scratch/runs"))


@pytest.mark.parametrize("path", ["s3", "s3:", "a/s3:/b", "./gs:x", "http"])
def test_a_folder_may_be_called_so(path: str) -> None:
    assert Store(Path(path)).root.is_absolute()


def test_what_a_kill_left_of_a_run_that_was_being_created_is_deleted_an_hour_later(
    folder: RunFolder,
) -> None:
    names = {"old": ".0123456789abcdef.new", "young": ".0123456789abcde0.new", "other": ".mine.new"}
    paths = {name: folder.path.with_name(names[name]) for name in names}
    for name, path in paths.items():
        (path / "checkpoints").mkdir(parents=True)
        if name != "young":
            os.utime(path, (1e9, 1e9))
    Store(folder.path.parents[1]).remove_leftovers()
    assert [name for name, path in paths.items() if path.exists()] == ["young", "other"]
    assert folder.path.exists()


def test_what_a_kill_left_of_files_of_a_run_is_deleted_by_who_writes_it_next(
    folder: RunFolder,
) -> None:
    for name in (".run.json.new", ".stopped.json.new", ".journal.jsonl.new"):
        (folder.path / name).write_text("{")
    (folder.checkpoints / ".000001.3.new").mkdir()
    with folder.held():
        folder.remove_leftovers()
    assert [*folder.path.rglob(".*")] == []
