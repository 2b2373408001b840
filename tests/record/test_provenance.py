"""What a run was started under, and whether what is there now is still that."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import curriculum
from curriculum import Experiment, Explicit, Stage, UsageError
from curriculum.record import (
    RunDescription,
    RunEnded,
    RunFolder,
    Store,
    changes_between,
    check_unchanged,
    decode,
    describe_run,
    earlier_run,
    encode,
)
from curriculum.record.journal import Journal

CPU = torch.device("cpu")


@pytest.fixture
def started(tiny: Experiment) -> RunDescription:
    found = describe_run(tiny, 3, CPU, overrides=["--growth.end", "5"])
    return replace(found, git_commit="0123456789abcdef")


def test_a_description_is_as_it_will_be_read_again(started: RunDescription) -> None:
    assert decode(RunDescription, json.loads(json.dumps(encode(started)))) == started
    assert RunDescription.from_json(started.to_json()) == started
    assert started.path == (Stage(2), Stage(3), Stage(5))
    assert started.threads == torch.get_num_threads()
    assert started.flush_denormal is False


def test_the_number_of_a_gpu_is_none_of_what_a_run_depends_on(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"of {device}")
    described = describe_run(tiny, 3, torch.device("cuda", 1))
    assert (described.device, described.gpu) == ("cuda", "of cuda:1")


def test_nothing_has_changed_where_nothing_has(started: RunDescription, tiny: Experiment) -> None:
    now = replace(describe_run(tiny, 3, CPU), git_commit=None)  # an installed package has none
    assert changes_between(started, started) == {}
    assert changes_between(started, now) == {}
    check_unchanged(RunFolder(Path("0000abcd")), {})


def test_another_directory_host_or_mlflow_changes_no_number(started: RunDescription) -> None:
    other = replace(
        started,
        created=0,
        source="/elsewhere",
        tracking_uri="x",
        optuna_storage="y",
        environment={**started.environment, "mlflow": "9.9", "safetensors": "9.9"},
    )
    assert changes_between(started, other) == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"threads": 9}, {"threads": 9}),
        ({"flush_denormal": True}, {"flush_denormal": True}),
        ({"device": "cuda"}, {"device": "cuda"}),
        ({"cpu_capability": "NO AVX"}, {"cpu_capability": "NO AVX"}),
        ({"gpu": "another"}, {"gpu": "another"}),
        ({"dtype": "float64"}, {"dtype": "float64"}),
        ({"seed": 4}, {"seed": 4}),
        ({"data_digest": "0123456789abcdef"}, {"data_digest": "0123456789"}),
        ({"weights_digest": "0123456789abcdef"}, {"weights_digest": "0123456789"}),
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
    started: RunDescription, change: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    fields: dict[str, Any] = {
        name: {**getattr(started, name), **value} if isinstance(value, dict) else value
        for name, value in change.items()
    }
    found = changes_between(started, replace(started, **fields))
    assert {name: after for name, (_, after) in found.items()} == expected
    assert all(before != after for before, after in found.values())


def test_a_users_file_is_compared_where_both_know_it(
    started: RunDescription, tiny: Experiment, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("one")
    one = describe_run(tiny, 3, CPU, source=path)
    assert one.source == str(path)
    path.write_text("other")
    other = describe_run(tiny, 3, CPU, source=path)
    assert list(changes_between(one, other)) == ["source_sha256"]
    unknown = replace(one, source_sha256=None)
    assert changes_between(one, unknown) == changes_between(unknown, one) == {}


def changed(started: RunDescription, *place: str, value: object, **more: Any) -> RunDescription:
    """The same words, which have come to mean something else in that place of the experiment."""
    config = json.loads(json.dumps(started.config))
    inner = config
    for name in place[:-1]:
        inner = inner[name]
    assert place[-1] in inner
    inner[place[-1]] = value
    return replace(started, config=config, **more)


def test_other_classes_with_the_same_settings_are_a_change(started: RunDescription) -> None:
    other = changed(started, "task", "type", value="mine:FirstBit")
    assert list(changes_between(started, other)) == ["config"]


def test_changes_are_said_in_one_sentence_with_the_way_out(started: RunDescription) -> None:
    now = replace(started, threads=9, settings={**started.settings, "growth.factor": 3.0})
    with pytest.raises(UsageError) as caught:
        check_unchanged(RunFolder(Path("0000abcd")), changes_between(started, now))
    message = str(caught.value)
    assert "run 0000abcd can't be resumed to the same result" in message
    assert "growth.factor was 1.5 and is 3.0; threads was" in message
    assert "--force resumes it all the same, from its last checkpoint" in message
    assert "\n" not in message


def create(store: Path, description: RunDescription, when: int, *, over: bool = False) -> str:
    """A run of that description, created then; its id."""
    folder = Store(store).create(replace(description, created=float(when)))
    if over:
        journal = Journal(folder.journal)
        end = RunEnded(
            status="reached",
            ending="",
            reach=None,
            held=(),
            retained=None,
            extrapolated=None,
            steps=0,
            tokens=0,
            weights_sha256="",
        )
        journal.write(end, seconds=1)
        journal.close()
    return folder.id


def test_the_earlier_run_is_the_newest_of_the_same_experiment(
    started: RunDescription, store: Path
) -> None:
    assert earlier_run(Store(store), started) is None
    create(store, started, 1)
    second = create(store, started, 2, over=True)
    create(store, replace(started, seed=4), 3)
    create(store, replace(started, experiment="other"), 4)
    found = earlier_run(Store(store), started)
    assert found is not None
    assert found.id == second  # though it is over


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        # the same settings come first, whenever they were run
        ([("same", "unfinished"), ("changed", "unfinished")], 0),
        ([("same", "over"), ("changed", "unfinished")], 0),
        ([("changed", "unfinished"), ("same", "over")], 1),
        # then the newest that isn't over, if its overrides were the same
        ([("changed", "unfinished"), ("changed", "unfinished")], 1),
        ([("changed", "unfinished"), ("changed", "over")], 0),
        ([("changed", "over")], None),
        ([("other overrides", "unfinished")], None),
        ([("damaged", "unfinished")], None),
        ([("same", "unfinished"), ("damaged", "unfinished")], 0),
    ],
)
def test_the_run_that_is_resumed(
    started: RunDescription, store: Path, runs: list[tuple[str, str]], expected: int | None
) -> None:
    place, value = ("budget", "steps_per_stage"), 7
    descriptions = {
        "same": started,
        "damaged": started,
        "changed": changed(started, *place, value=value),
        "other overrides": changed(started, *place, value=value, overrides=("--growth.end", "6")),
    }
    ids = []
    for when, (kind, state) in enumerate(runs, 1):
        ids.append(create(store, descriptions[kind], when, over=state == "over"))
        if kind == "damaged":
            path = Store(store).runs_folder / ids[-1] / "run.json"
            path.write_text("{}")
    found = earlier_run(Store(store), started)
    assert (None if found is None else found.id) == (None if expected is None else ids[expected])


SECRETS = [
    "http://user:hunter2@mlflow.example.org",
    "https://hunter2@mlflow.example.org/path",
    "postgresql://optuna:hunter2@db/studies",
    "http://mlflow.example.org/?token=hunter2",
    "postgresql://db/studies?user=me&password=hunter2",
]


@pytest.mark.parametrize("uri", SECRETS)
def test_a_secret_is_never_recorded(tiny: Experiment, store: Path, uri: str) -> None:
    described = describe_run(tiny, 0, CPU, tracking_uri=uri, optuna_storage=uri)
    assert described.tracking_uri is None
    assert described.optuna_storage is None
    assert described.withheld == ("tracking_uri", "optuna_storage")
    short = tiny.replace(growth=Explicit(lengths=(2,)))
    curriculum.run(short, store=store, tracking_uri=uri, optuna_storage=uri, mirror=False)
    for path in Store(store).find("last").path.rglob("*"):
        assert path.is_dir() or b"hunter2" not in path.read_bytes(), path


@pytest.mark.parametrize("uri", ["http://mlflow.example.org:5000", "sqlite:////tmp/my.db", "/a/b"])
def test_a_uri_without_a_secret_is_recorded(tiny: Experiment, uri: str) -> None:
    described = describe_run(tiny, 0, CPU, tracking_uri=uri, optuna_storage=uri)
    assert (described.tracking_uri, described.optuna_storage) == (uri, uri)
    assert described.withheld == ()


def test_a_resume_needs_a_withheld_uri_again(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curriculum.tracking.start_mirror", lambda *_: None)
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
