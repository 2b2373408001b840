"""What MLflow shows of a run besides its metrics, and that copying it again changes none of it."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from journals_by_hand import describe
from mlflow_copies import client_of, copy_of, sync

import curriculum
from curriculum import Budget, Experiment, Explicit, FinalEvaluation
from curriculum.record import MlflowSettings, RunFolder, Store
from curriculum.tracking.run_fields import is_kept, run_params, run_tags

LONG = 7_500


def copied(experiment: Experiment, root: Path, **more: Any) -> tuple[Store, RunFolder]:
    result = curriculum.run(experiment, store=root, mirror=False, **more)
    store = Store(root)
    folder = store.find(result.run_id)
    sync(store, folder)
    return store, folder


def test_a_param_that_mlflow_cuts_is_kept() -> None:
    whole = "1" * LONG
    assert is_kept(whole, whole)
    assert is_kept(whole, whole[:6000])
    assert is_kept(whole, whole[:500])
    assert not is_kept(whole, "2" * 6000)
    assert not is_kept("0.25", "0.2")
    (value,) = {
        value
        for name, value in run_params(describe(settings={"growth.lengths": whole})).items()
        if name == "growth.lengths"
    }
    assert value == whole[:6000]


def test_runs_are_searched_by_user_source_commit_and_version() -> None:
    described = replace(
        describe(),
        user="ada",
        user_git_commit="abc+changes",
        git_commit="def",
        source="/my/task.py",
    )
    tags = run_tags(described)
    assert tags["mlflow.user"] == "ada"
    assert tags["mlflow.source.name"] == "/my/task.py"
    assert tags["mlflow.source.git.commit"] == "abc"
    assert tags["curriculum.git_commit"] == "def"
    assert tags["mlflow.source.type"] == "LOCAL"
    bare = run_tags(replace(described, user="", user_git_commit=None, source=None))
    assert not {"mlflow.user", "mlflow.source.git.commit"} & bare.keys()
    assert bare["mlflow.source.name"] == described.experiment


@pytest.mark.slow
def test_copying_a_run_of_a_long_setting_again_deletes_nothing(
    tiny: Experiment, mlflow_store: Path
) -> None:
    lengths = tuple(range(2, 1_800))
    assert len(", ".join(map(str, lengths))) > LONG
    long = tiny.replace(
        growth=Explicit(lengths=lengths),
        budget=Budget(steps_per_stage=1, steps=1),
        final_evaluation=FinalEvaluation(mode="off"),
    )
    store, folder = copied(long, mlflow_store)
    parent, children = copy_of(store, folder)
    client = client_of(store)
    client.set_tag(parent.info.run_id, "mine", "by hand")
    client.set_tag(parent.info.run_id, "mlflow.note.content", "my own words")
    for _ in range(2):
        (mlflow_store / "mirrors" / f"{folder.id}.json").unlink(missing_ok=True)
        sync(store, folder)
    again, same = copy_of(store, folder)
    assert again.info.run_id == parent.info.run_id
    assert [child.info.run_id for child in same] == [child.info.run_id for child in children]
    assert again.data.tags["mine"] == "by hand"
    assert again.data.tags["mlflow.note.content"] == "my own words"
    assert len(client.get_run(again.info.run_id).inputs.dataset_inputs) == 3
    experiments = [each.experiment_id for each in client.search_experiments()]
    from mlflow.entities import ViewType

    deleted = client.search_runs(experiments, run_view_type=ViewType.DELETED_ONLY)
    assert list(deleted) == []


@pytest.mark.slow
def test_the_children_of_a_deleted_parent_go_to_the_new_one(
    tiny: Experiment, mlflow_store: Path
) -> None:
    store, folder = copied(tiny, mlflow_store)
    parent, children = copy_of(store, folder)
    client_of(store).delete_run(parent.info.run_id)
    sync(store, folder)
    again, same = copy_of(store, folder)
    assert again.info.run_id != parent.info.run_id
    assert [child.info.run_id for child in same] == [child.info.run_id for child in children]
    links = {child.data.tags["mlflow.parentRunId"] for child in same}
    assert links == {again.info.run_id}


@pytest.mark.slow
def test_visits_may_be_a_table_of_the_one_run(tiny: Experiment, mlflow_store: Path) -> None:
    settings = MlflowSettings(visits_as_table=True)
    store, folder = copied(tiny, mlflow_store, mlflow=settings)
    client = client_of(store)
    parent, children = copy_of(store, folder)
    assert children == []
    assert parent.data.metrics["by_step/reach_length"] == 5
    path = client.download_artifacts(parent.info.run_id, "visits.json", str(mlflow_store))
    table = json.loads(Path(path).read_text())
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [(row["length"], row["verdict"]) for row in rows] == [
        (2, "mastered"),
        (3, "mastered"),
        (5, "mastered"),
    ]
    assert sum(row["steps"] for row in rows) == parent.data.metrics["progress/steps"]


@pytest.mark.slow
def test_data_sets_say_what_was_trained_and_evaluated_on(
    tiny: Experiment, mlflow_store: Path
) -> None:
    store, folder = copied(tiny, mlflow_store)
    parent, children = copy_of(store, folder)

    def datasets(run: Any) -> dict[str, Any]:
        found = client_of(store).get_run(run.info.run_id).inputs.dataset_inputs
        return {each.tags[0].value: each.dataset for each in found}

    whole = datasets(parent)
    assert set(whole) == {"training", "validation", "test"}
    assert whole["training"].name == "FirstBit, length 2, vocabulary 2 to length 5, vocabulary 2"
    assert whole["training"].digest != whole["validation"].digest
    names = [datasets(child)["training"].name for child in children]
    assert names == [f"FirstBit, length {length}, vocabulary 2" for length in (2, 3, 5)]
    source = json.loads(whole["training"].source)["tags"]
    assert (source["seed"], source["stream"]) == ("0", "train")
    assert json.loads(source["task"]) == {"task": "FirstBit", "task.zeros": "mixture"}


@pytest.mark.slow
def test_an_experiment_is_described_once(tiny: Experiment, mlflow_store: Path) -> None:
    store, _ = copied(tiny, mlflow_store)
    client = client_of(store)
    experiment = client.get_experiment_by_name("tiny")
    assert experiment.tags["mlflow.note.content"].startswith(
        "**FirstBit × Recurrent**, from length 2"
    )
    client.set_experiment_tag(experiment.experiment_id, "mlflow.note.content", "mine")
    copied(tiny.replace(optimizer=tiny.optimizer), mlflow_store)
    assert client.get_experiment_by_name("tiny").tags["mlflow.note.content"] == "mine"


@pytest.mark.slow
def test_the_machines_load_is_logged_while_a_run_is_running(
    tiny: Experiment, mlflow_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functools import partial

    from mlflow.system_metrics import system_metrics_monitor
    from mlflow_copies import destinations_in

    from curriculum.tracking.mirror import Mirror

    quick = partial(system_metrics_monitor.SystemMetricsMonitor, sampling_interval=0.05)
    monkeypatch.setattr(system_metrics_monitor, "SystemMetricsMonitor", quick)
    settings = MlflowSettings(system_metrics=True)
    result = curriculum.run(tiny, store=mlflow_store, mirror=False, mlflow=settings)
    store = Store(mlflow_store)
    folder = store.find(result.run_id)
    presentation = destinations_in(store).presentation
    mirror = Mirror(folder, client_of(store), artifacts=None, presentation=presentation)
    with folder.held():  # as if it were still running
        mirror.copy()
        for _ in range(200):
            metrics = copy_of(store, folder)[0].data.metrics
            if any(name.startswith("system/") for name in metrics):
                break
            time.sleep(0.1)
    mirror.close("reached")
    metrics = copy_of(store, folder)[0].data.metrics
    assert metrics["system/system_memory_usage_megabytes"] > 0


@pytest.mark.slow
def test_addresses_are_made_absolute_when_they_are_given(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    short = tiny.replace(budget=Budget(steps_per_stage=1, steps=1))
    result = curriculum.run(
        short,
        store="store",
        mirror=False,
        tracking_uri="sqlite:///here.db",
        optuna_storage="studies.journal",
    )
    described = result.history.description
    assert described.tracking_uri == f"sqlite:///{tmp_path}/here.db"
    assert described.optuna_storage == str(tmp_path / "studies.journal")
