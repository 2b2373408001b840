"""What a run was begun under, and whether what is there now is still that."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

import curriculum
from curriculum import Experiment, Explicit, UsageError
from curriculum.record.circumstances import (
    changes_between,
    check_unchanged,
    circumstances,
    earlier_run,
)
from curriculum.record.store import RunFolder, Store

CPU = torch.device("cpu")


@pytest.fixture
def begun(tiny: Experiment) -> dict[str, Any]:
    found = circumstances(tiny, 3, CPU, overrides=["--growth.until", "5"])
    return found | {"git_commit": "0123456789abcdef"}


def test_it_is_as_it_will_be_read_again(begun: dict[str, Any]) -> None:
    assert json.loads(json.dumps(begun)) == begun
    assert begun["path"] == ["2x2", "3x2", "5x2"]
    assert begun["threads"] == torch.get_num_threads()
    assert begun["flush_denormal"] is False


def test_nothing_has_changed_where_nothing_has(begun: dict[str, Any], tiny: Experiment) -> None:
    now = circumstances(tiny, 3, CPU) | {"git_commit": None}  # an installed package has none
    assert changes_between(begun, begun) == {}
    assert changes_between(begun, now) == {}
    check_unchanged(RunFolder(Path("0000abcd")), {})


def test_another_directory_host_or_mlflow_changes_no_number(begun: dict[str, Any]) -> None:
    other = begun | {"created": 0, "source": "/elsewhere", "tracking_uri": "x", "studies": "y"}
    other |= {"environment": begun["environment"] | {"mlflow": "9.9", "safetensors": "9.9"}}
    assert changes_between(begun, other) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"threads": 9}, {"threads": 9}),
        ({"flush_denormal": True}, {"flush_denormal": True}),
        ({"device": "cuda"}, {"device": "cuda"}),
        ({"seed": 4}, {"seed": 4}),
        ({"environment": {"torch": "9.9"}}, {"torch": "9.9"}),
        ({"environment": {"python": "4.0.0"}}, {"python": "4.0.0"}),
        ({"environment": {"optuna": None}}, {"optuna": None}),
        ({"settings": {"growth.factor": 3.0}}, {"growth.factor": 3.0}),
        ({"settings": {"tuning.trials": 3}}, {"tuning.trials": 3}),
        ({"settings": {"task.brand_new": 1}}, {"task.brand_new": 1}),
        ({"git_commit": "9876543210fedcba"}, {"git_commit": "9876543210"}),
        (
            {"git_commit": "0123456789abcdef+changes"},
            {"git_commit": "0123456789+changes"},
        ),
    ],
)
def test_all_that_numbers_depend_on_is_compared(
    begun: dict[str, Any], change: dict[str, Any], said: dict[str, Any]
) -> None:
    now = dict(begun)
    for name, value in change.items():
        now[name] = begun[name] | value if isinstance(value, dict) else value
    found = changes_between(begun, now)
    assert {name: after for name, (_, after) in found.items()} == said
    assert all(was != after for was, after in found.values())


def test_a_users_file_is_compared_where_both_know_it(
    begun: dict[str, Any], tiny: Experiment, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("one")
    one = circumstances(tiny, 3, CPU, source=path)
    assert one["source"] == str(path)
    path.write_text("other")
    other = circumstances(tiny, 3, CPU, source=path)
    assert list(changes_between(one, other)) == ["source_sha256"]
    unknown = one | {"source_sha256": None}
    assert changes_between(one, unknown) == changes_between(unknown, one) == {}


def test_other_classes_with_the_same_settings_are_a_change(begun: dict[str, Any]) -> None:
    other = json.loads(json.dumps(begun))
    other["config"]["task"]["type"] = "mine:FirstBit"
    assert list(changes_between(begun, other)) == ["config"]


def test_what_changed_is_said_in_one_sentence_with_the_way_out(begun: dict[str, Any]) -> None:
    now = begun | {"threads": 9, "settings": begun["settings"] | {"growth.factor": 3.0}}
    with pytest.raises(UsageError) as caught:
        check_unchanged(RunFolder(Path("0000abcd")), changes_between(begun, now))
    said = str(caught.value)
    assert "run 0000abcd was begun under other circumstances" in said
    assert "growth.factor was 1.5, and is 3.0; threads was" in said
    assert "with --force it goes on from its last checkpoint" in said
    assert "\n" not in said


def run_of(store: Path, description: dict[str, Any], when: int, *records: str) -> str:
    folder = Store(store).create(description)
    os.utime(folder.path / "run.json", (when, when))
    from curriculum.record.journal import Journal

    journal = Journal(folder.journal)
    for kind in records:
        end = {"status": "reached", "ending": "", "reach": None, "weights_sha256": ""}
        journal.write(kind, end, seconds=1)
    journal.close()
    return folder.id


def test_the_newest_run_of_the_same_experiment_is_the_one_that_is_meant(
    begun: dict[str, Any], store: Path
) -> None:
    assert earlier_run(Store(store), begun) is None
    run_of(store, begun, 1)
    second = run_of(store, begun, 2, "end")
    run_of(store, begun | {"seed": 4}, 3)
    run_of(store, begun | {"experiment": "other"}, 4)
    found = earlier_run(Store(store), begun)
    assert found is not None
    assert found.id == second  # though it is over


def changed(begun: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The same words, which have come to mean something else."""
    other = json.loads(json.dumps(begun))
    other["config"]["budget"]["steps_per_stage"] = 7
    return dict(other | more)


@pytest.mark.parametrize(
    ("runs", "meant"),
    [
        # the same settings come first, wherever they stand
        ([("same", "unfinished"), ("changed", "unfinished")], 0),
        ([("same", "over"), ("changed", "unfinished")], 0),
        ([("changed", "unfinished"), ("same", "over")], 1),
        # then the newest that isn't over, if it was asked for in the same words
        ([("changed", "unfinished"), ("changed", "unfinished")], 1),
        ([("changed", "unfinished"), ("changed", "over")], 0),
        ([("changed", "over")], None),
        ([("otherwise", "unfinished")], None),
        ([("damaged", "unfinished")], None),
        ([("same", "unfinished"), ("damaged", "unfinished")], 0),
    ],
)
def test_which_run_is_gone_on_with(
    begun: dict[str, Any], store: Path, runs: list[tuple[str, str]], meant: int | None
) -> None:
    descriptions = {
        "same": begun,
        "damaged": begun,
        "changed": changed(begun),
        "otherwise": changed(begun, overrides=["--growth.until", "6"]),
    }
    ids = []
    for when, (kind, state) in enumerate(runs, 1):
        ids.append(run_of(store, descriptions[kind], when, *(["end"] if state == "over" else [])))
        if kind == "damaged":
            (Store(store).runs_folder / ids[-1] / "run.json").write_text("{}")
            os.utime(Store(store).runs_folder / ids[-1] / "run.json", (when, when))
    found = earlier_run(Store(store), begun)
    assert (None if found is None else found.id) == (None if meant is None else ids[meant])


SECRETS = [
    "http://user:hunter2@mlflow.example.org",
    "https://hunter2@mlflow.example.org/path",
    "postgresql://optuna:hunter2@db/studies",
    "http://mlflow.example.org/?token=hunter2",
    "postgresql://db/studies?user=me&password=hunter2",
]


@pytest.mark.parametrize("uri", SECRETS)
def test_a_secret_is_never_recorded(tiny: Experiment, store: Path, uri: str) -> None:
    described = circumstances(tiny, 0, CPU, tracking_uri=uri, studies=uri)
    assert described["tracking_uri"] is None
    assert described["studies"] is None
    short = tiny.but(growth=Explicit(lengths=(2,)))
    curriculum.run(short, store=store, tracking_uri=uri, studies=uri, mirror=False)
    for path in Store(store).find("last").path.rglob("*"):
        assert path.is_dir() or b"hunter2" not in path.read_bytes(), path


@pytest.mark.parametrize("uri", ["http://mlflow.example.org:5000", "sqlite:////tmp/my.db", "/a/b"])
def test_an_uri_without_a_secret_is_recorded(tiny: Experiment, uri: str) -> None:
    described = circumstances(tiny, 0, CPU, tracking_uri=uri, studies=uri)
    assert (described["tracking_uri"], described["studies"]) == (uri, uri)


def test_an_address_that_held_a_secret_is_asked_for_again(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.running.start_mirror", lambda *_: None)
    uri = "http://user:secret@127.0.0.1:9"
    run = curriculum.run(tiny, store=store, tracking_uri=uri)
    assert "secret" not in (Store(store).find("last").path / "run.json").read_text()
    with pytest.raises(UsageError, match=r"held a secret.*--tracking-uri") as caught:
        curriculum.resume(run.run_id, store=store)
    assert "user" not in str(caught.value)
    assert curriculum.resume(run.run_id, store=store, tracking_uri=uri).status == "reached"
    assert curriculum.resume(run.run_id, store=store, mirror=False).status == "reached"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert curriculum.resume(run.run_id, store=store).status == "reached"
