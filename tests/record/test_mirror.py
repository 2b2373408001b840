"""The mirror against a real MLflow, on a database of its own."""

import json
import math
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import curriculum
from curriculum import (
    Adam,
    Budget,
    Certificate,
    Direct,
    Experiment,
    Explicit,
    Result,
    Stage,
    Stop,
    Training,
    Tuning,
    UsageError,
)
from curriculum.mirroring import destinations
from curriculum.models import Recurrent
from curriculum.record.history import History
from curriculum.record.journal import Journal, Record, read_journal
from curriculum.record.lock import held
from curriculum.record.mirror import Mirror
from curriculum.record.mirror_process import start_mirror
from curriculum.record.mirrored_metrics import final_metrics, reach_metrics
from curriculum.record.store import RunFolder, Store
from curriculum.record.sync import Destinations, is_synced, sync
from curriculum.record.tracking import database_uri
from curriculum.tune.storage import open_storage
from tasks import Reverse

pytestmark = pytest.mark.slow


def bring(store: Store, folder: RunFolder, uri: str | None = None) -> None:
    sync(store, folder, copies(store, uri))


def copies(store: Store, uri: str | None = None) -> Destinations:
    return destinations(store, uri or database_uri(store))


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Store, RunFolder, Result]:
    """A run of a small path, copied into MLflow."""
    from curriculum import Geometric, Mastery
    from tasks import FirstBit

    experiment = Experiment(
        task=FirstBit(),
        model=Recurrent(cell="gru", hidden_size=8),
        growth=Geometric(start=Stage(2), until=Stage(5)),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=3e-2),
        name="tiny:variant",
    )
    root = tmp_path_factory.mktemp("store")
    result = curriculum.run(experiment, 3, store=root, mirror=False)
    store = Store(root)
    folder = store.find("last")
    bring(store, folder)
    return store, folder, result


def client(store: Store) -> Any:
    from curriculum.record.mirror import connect

    return connect(store, database_uri(store))


def all_runs(store: Store, folder: RunFolder) -> tuple[Any, list[Any]]:
    one = client(store)
    experiments = {e.experiment_id: e.name for e in one.search_experiments()}
    runs = one.search_runs(list(experiments), f"tags.`curriculum.run_id` = '{folder.id}'")
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(parents) == 1
    assert experiments[parents[0].info.experiment_id] == "tiny:variant"
    return parents[0], sorted(children, key=lambda run: int(run.data.tags["curriculum.visit"]))


def test_the_parent_run_says_what_was_run(finished: tuple[Store, RunFolder, Result]) -> None:
    store, folder, result = finished
    parent, _ = all_runs(store, folder)
    assert parent.info.status == "FINISHED"
    assert parent.data.params["optimizer.learning_rate"] == "0.03"
    assert parent.data.params["growth.until.length"] == "5"
    assert parent.data.params["optimizer.betas"] == "0.9, 0.999"
    assert parent.data.params["tuning.also"] == ""
    assert parent.data.params["seed"] == "3"
    assert parent.info.run_name == "tiny:variant seed 3"
    tags = parent.data.tags
    assert (tags["task"], tags["model"], tags["seed"]) == ("FirstBit", "Recurrent", "3")
    assert tags["strategy"] == parent.data.params["strategy"] == "gated"
    assert tags["status"] == "reached"
    assert tags["version.torch"]
    assert "| 5 | 2 | mastered |" in tags["mlflow.note.content"]
    metrics = parent.data.metrics
    assert metrics["reach/length"] == 5
    assert metrics["reach/vocab_size"] == 2
    assert metrics["progress/tokens"] == result.tokens
    assert metrics["gate/exact_match"] == 1.0
    assert metrics["stage/length"] == 5
    assert metrics["train/loss"] > 0
    assert metrics["speed/steps_per_second"] > 0


def test_a_run_that_is_over_says_what_it_came_to_and_cost(
    finished: tuple[Store, RunFolder, Result],
) -> None:
    store, folder, result = finished
    parent, _ = all_runs(store, folder)
    metrics = parent.data.metrics
    expected = {
        "reach_length": 5,
        "reach_vocab_size": 2,
        "reach_place": 3,
        "steps": result.steps,
        "tokens": result.tokens,
        "compute": result.compute,
        "seconds": pytest.approx(result.seconds, abs=1e-3),
    }
    found = {name[6:]: value for name, value in metrics.items() if name.startswith("final/")}
    assert found == expected
    assert min(metrics).startswith("final/")  # these come first in the UI
    retests = {name[7:]: value for name, value in metrics.items() if name.startswith("retest/")}
    assert retests == retested(folder)


def retested(folder: RunFolder) -> dict[str, int]:
    """What the end of a journal says of the final model, as metrics; the path is 2, 3, 5."""
    end = [record for record, _ in read_journal(folder.journal)][-1]
    stage = end["retained"] and Stage.from_key(end["retained"])
    return {
        "held": len(end["held"]),
        "retained_length": stage.length if stage else 0,
        "retained_vocab_size": stage.vocab_size if stage else 0,
        "retained_place": (2, 3, 5).index(stage.length) + 1 if stage else 0,
        "extrapolated_length": end["extrapolated"] or 0,
    }


def test_a_run_that_masters_nothing_has_all_metrics_too(tiny: Experiment, tmp_path: Path) -> None:
    experiment = named(tiny).under("direct").but(budget=Budget(steps=1))
    result = curriculum.run(experiment, 7, store=tmp_path, mirror=False)
    store = Store(tmp_path)
    folder = store.find("last")
    bring(store, folder)
    parent, _ = all_runs(store, folder)
    assert parent.info.run_name == "tiny:variant direct seed 7"
    assert parent.data.tags["mlflow.note.content"].startswith("**tiny:variant**, direct, seed 7, ")
    metrics = parent.data.metrics
    reach = [metrics[f"final/reach_{name}"] for name in ("length", "vocab_size", "place")]
    assert reach == [0, 0, 0]
    assert metrics["final/steps"] == 1
    assert metrics["retest/held"] == metrics["retest/retained_place"] == 0
    assert metrics["retest/extrapolated_length"] == 0
    assert metrics["final/compute"] == result.compute > 0


def test_places_tell_stages_apart_where_the_vocabulary_grows() -> None:
    path = [Stage(2, 4).key, Stage(3, 4).key, Stage(3, 9).key]
    history = History({"path": path, "created": 0.0})
    places = []
    for key in path:
        history.climbed = Stage.from_key(key)
        found = {metric.key: metric.value for metric in reach_metrics(history)}
        places.append(found["reach/place"])
    assert places == [1, 2, 3]


CLOCK = {"time": 1.0, "seconds": 1.0}
SPENT = {"steps": 5, "tokens": 9, "compute": 9.0}
TRAINED_TO_4: list[Record] = [
    {
        "kind": "visit", "visit": 0, "stage": "4x2", "entry": "step", "retuning": False,
        "learning_rate": 0.1, "hidden_size": 8, "clock": CLOCK,
    },
    {
        "kind": "look", "decision": {"reason": ""}, "drawn": {"4x2": 5}, "spent": SPENT,
        "lost": SPENT, "clock": CLOCK,
    },
]  # fmt: skip


@pytest.mark.parametrize(
    ("retests", "reach", "expected"),
    [
        ({}, 4, {}),  # nothing was asked
        (
            {2: True, 3: True, 4: True, 8: True, 16: False},
            4,
            {"held": 3, "length": 4, "place": 3, "extrapolated_length": 8},
        ),
        (
            {2: True, 3: False, 4: True, 8: False},
            4,
            {"held": 2, "length": 2, "place": 1, "extrapolated_length": 0},
        ),
        ({2: False, 3: True}, 4, {"held": 1, "length": 0, "place": 0}),  # nothing beyond was asked
        (
            {2: False, 3: False},
            None,
            {"held": 0, "length": 0, "place": 0, "extrapolated_length": 0},
        ),
    ],
)
def test_what_a_final_model_still_masters_is_numbers(
    retests: dict[int, bool], reach: int | None, expected: dict[str, int]
) -> None:
    path = [Stage(length).key for length in (2, 3, 4)]
    history = History(
        {"path": path, "created": 0.0}, [*TRAINED_TO_4, *map(retest, retests.items())]
    )
    history.climbed = Stage(reach) if reach else None
    found = {metric.key: metric.value for metric in final_metrics(history)}
    for name in ("length", "place"):
        assert found.pop(f"retest/retained_{name}", None) == expected.pop(name, None)
    for name in ("held", "extrapolated_length"):
        assert found.pop(f"retest/{name}", None) == expected.pop(name, None)
    assert not expected


def retest(found: tuple[int, bool]) -> Record:
    length, cleared = found
    return {
        "kind": "retest", "stage": Stage(length).key, "beyond": length > 4, "score": 0.5,
        "examples": 9, "cleared": cleared, "reason": "", "clock": CLOCK,
    }  # fmt: skip


def test_each_visit_is_a_child_run(finished: tuple[Store, RunFolder, Result]) -> None:
    store, folder, result = finished
    _, children = all_runs(store, folder)
    assert len(children) == len(result.stages) == 3
    for child, stage in zip(children, result.stages, strict=True):
        assert child.info.status == "FINISHED"
        assert child.data.params["length"] == str(stage.length)
        assert child.data.params["hidden_size"] == "8"
        assert child.data.tags["verdict"] == stage.verdict
        assert child.data.metrics["cost/steps"] == stage.steps
        assert child.data.metrics["cost/tokens"] == stage.tokens


def test_metrics_carry_the_journals_steps_and_times(
    finished: tuple[Store, RunFolder, Result],
) -> None:
    store, folder, result = finished
    parent, _ = all_runs(store, folder)
    points = client(store).get_metric_history(parent.info.run_id, "progress/tokens")
    looks = [
        json.loads(line)
        for line in folder.journal.read_text().splitlines()
        if '"kind":"look"' in line
    ]
    assert len(points) == len(looks)
    assert {(p.step, p.timestamp) for p in points} == {
        (look["spent"]["steps"], int(look["clock"]["time"] * 1000)) for look in looks
    }
    assert max(p.step for p in points) == result.steps


def plots(store: Store, run: Any) -> list[str]:
    found = client(store).list_artifacts(run.info.run_id, "plots")
    return [Path(info.path).stem for info in found]


def test_checkpoints_plots_and_the_model_are_there(
    finished: tuple[Store, RunFolder, Result], tmp_path: Path
) -> None:
    from matplotlib.image import imread

    store, folder, result = finished
    parent, _ = all_runs(store, folder)
    one = client(store)
    run_id = parent.info.run_id
    checkpoints = [info.path for info in one.list_artifacts(run_id, "checkpoints")]
    assert checkpoints == [f"checkpoints/00000{visit}" for visit in (1, 2, 3)]
    assert plots(store, parent) == ["extrapolation", "reach", "retention", "score_by_stage"]
    for name in plots(store, parent):
        path = one.download_artifacts(run_id, f"plots/{name}.png", str(tmp_path))
        assert imread(path).std() > 0.05, f"{name} is empty"
    models = one.search_logged_models([parent.info.experiment_id])
    assert len(models) == 1
    assert str(models[0].status) == "READY"
    assert models[0].tags["weights_sha256"] == result.weights_sha256
    assert Path(parent.info.artifact_uri.removeprefix("file://")).is_relative_to(store.root)


def dump(store: Store) -> list[str]:
    """All that MLflow holds, apart from the time of a change."""
    with sqlite3.connect(store.root / "mlflow.db") as database:
        tables = ["runs", "params", "tags", "metrics", "latest_metrics", "logged_models"]
        found = [
            f"{table} {row}"
            for table in tables
            for row in sorted(map(str, database.execute(f"select * from {table}")))
        ]
    database.close()
    return found


def test_copying_again_adds_nothing(finished: tuple[Store, RunFolder, Result]) -> None:
    store, folder, _ = finished
    before = dump(store)
    assert is_synced(store, folder, copies(store))
    bring(store, folder)
    assert dump(store) == before


def test_a_copy_cut_short_is_completed(
    finished: tuple[Store, RunFolder, Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from mlflow.tracking import MlflowClient

    def fail(*_: object, **__: object) -> None:
        raise OSError("gone")

    store, folder, _ = finished
    elsewhere = f"sqlite:///{tmp_path}/other.db"
    monkeypatch.chdir(tmp_path)
    for method in ("log_batch", "log_artifacts", "log_model_artifacts", "set_terminated"):
        with monkeypatch.context() as patch:
            patch.setattr(MlflowClient, method, fail)
            with pytest.raises(UsageError, match="gone"):
                bring(store, folder, elsewhere)
    bring(store, folder, elsewhere)
    with sqlite3.connect(tmp_path / "other.db") as copied:
        counts = {
            table: copied.execute(f"select count(*) from {table}").fetchone()[0]
            for table in ("runs", "params", "metrics", "logged_models")
        }
    copied.close()
    with sqlite3.connect(store.root / "mlflow.db") as original:
        for table, count in counts.items():
            (expected,) = original.execute(f"select count(*) from {table}").fetchone()
            assert count == expected, table
    original.close()


def test_mlflow_away_is_a_sentence_and_costs_nothing(
    tiny: Experiment, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uri = f"http://user:secret@127.0.0.1:{port}"
    mirrors = []

    def started(*arguments: Any) -> Any:
        mirrors.append(start_mirror(*arguments))
        return mirrors[-1]

    monkeypatch.setattr("curriculum.running.start_mirror", started)
    result = curriculum.run(tiny, store=store, tracking_uri=uri)
    mirrors[0].kill()
    mirrors[0].wait()
    assert result.status == "reached"
    undisturbed = curriculum.run(tiny, store=store / "other", mirror=False)
    assert result.weights_sha256 == undisturbed.weights_sha256
    folder = Store(store).find("last")
    with pytest.raises(UsageError, match="can't be brought up to date") as caught:
        bring(Store(store), folder, uri)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not is_synced(Store(store), folder, copies(Store(store), uri))
    bring(Store(store), folder)
    assert is_synced(Store(store), folder, copies(Store(store)))


def mirrored(store: Path, condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def test_a_killed_run_is_marked_so(tmp_path: Path) -> None:
    root = tmp_path / "store"
    command = ["run", "lstm_firstbit", "--store", str(root), "--criterion.least-steps", "90000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "curriculum", *command, "--budget.steps-per-stage", "100000"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    store = Store(root)
    assert mirrored(root, lambda: bool(store.runs()) and store.runs()[0].journal.exists())
    folder = store.find("last")
    assert mirrored(root, lambda: folder.journal.stat().st_size > 2000)
    os.kill(process.pid, 9)
    process.wait()
    assert mirrored(root, lambda: is_synced(store, folder, copies(store)))
    one = client(store)
    runs = one.search_runs([e.experiment_id for e in one.search_experiments()])
    parent = next(run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    assert parent.info.status == "KILLED"
    children = [run for run in runs if run is not parent]
    assert [run.data.tags["verdict"] for run in children] == ["learning"]
    assert [run.info.status for run in children] == ["KILLED"]


def stopped_and_copied(tiny: Experiment, root: Path) -> tuple[Store, RunFolder]:
    """A run that was asked to stop amid its first stage, as MLflow has it."""
    stop = Stop()

    def impatient(record: Record) -> None:
        late = record["kind"] == "look" and record["spent"]["steps"] >= 20
        if late and not record["decision"]["mastered"]:
            stop.request()

    curriculum.run(tiny, store=root, mirror=False, listener=impatient, stop=stop)
    store = Store(root)
    folder = store.find("last")
    bring(store, folder)
    return store, folder


def named(tiny: Experiment) -> Experiment:
    return tiny.but(name="tiny:variant")


def tokens(store: Store, run: Any) -> list[tuple[int, int]]:
    points = client(store).get_metric_history(run.info.run_id, "progress/tokens")
    return [(point.step, point.timestamp) for point in points]


def test_a_resumed_run_goes_on_in_the_same_run_of_mlflow(tiny: Experiment, tmp_path: Path) -> None:
    store, folder = stopped_and_copied(named(tiny), tmp_path)
    parent, children = all_runs(store, folder)
    assert parent.info.status == "KILLED"
    assert parent.data.tags["status"] == "interrupted"
    assert children[-1].info.status == "KILLED"
    curriculum.resume(folder.id, store=tmp_path, mirror=False)
    with held(folder):  # as if it were running yet
        Mirror(folder, client(store), artifacts=None, presentation=copies(store).presentation)
        again, open_children = all_runs(store, folder)
        assert again.info.status == open_children[-1].info.status == "RUNNING"
    bring(store, folder)
    again, children = all_runs(store, folder)
    assert again.info.run_id == parent.info.run_id
    assert again.info.status == "FINISHED"
    assert {run.info.status for run in children} == {"FINISHED"}
    assert len(tokens(store, again)) == len(set(tokens(store, again)))
    assert len(children) == 3


OF_RETESTS = {
    f"retest/{name}"
    for name in (
        "held",
        "retained_length",
        "retained_vocab_size",
        "retained_place",
        "extrapolated_length",
    )
}


def finals(store: Store, run: Any) -> dict[str, list[tuple[float, int, int]]]:
    """All points of each metric that is logged once a run is over."""
    one, prefixes = client(store), ("final/", "retest/")
    return {
        name: [
            (point.value, point.step, point.timestamp)
            for point in one.get_metric_history(run.info.run_id, name)
        ]
        for name in run.data.metrics
        if name.startswith(prefixes)
    }


def test_a_run_stopped_amid_its_retests_has_what_they_found_once_it_is_over(
    tiny: Experiment, tmp_path: Path
) -> None:
    stop, seen = Stop(), list[Record]()

    def impatient(record: Record) -> None:
        if record["kind"] == "retest":
            seen.append(record)
        if len(seen) == 2:
            stop.request()

    result = curriculum.run(
        named(tiny), store=tmp_path, mirror=False, listener=impatient, stop=stop
    )
    assert result.status == "interrupted"
    store = Store(tmp_path)
    folder = store.find("last")
    bring(store, folder)
    parent, _ = all_runs(store, folder)
    assert finals(store, parent) == {}
    assert plots(store, parent) == ["reach", "retention", "score_by_stage"]
    result = curriculum.resume(folder.id, store=tmp_path, mirror=False)
    bring(store, folder)
    bring(store, folder)
    parent, _ = all_runs(store, folder)
    stamp = int(History.of(folder).last_written * 1000)
    found = finals(store, parent)
    assert {name for name in found if name.startswith("retest/")} == OF_RETESTS
    for name, value in retested(folder).items():
        assert found[f"retest/{name}"] == [(value, result.steps, stamp)]
    assert all(len(points) == 1 for points in found.values())
    assert "extrapolation" in plots(store, parent)


def test_a_run_that_was_not_tested_again_says_nothing_of_it(
    tiny: Experiment, tmp_path: Path
) -> None:
    untested = named(tiny).but(certificate=Certificate(mode="off"))
    curriculum.run(untested, store=tmp_path, mirror=False)
    store = Store(tmp_path)
    folder = store.find("last")
    bring(store, folder)
    parent, _ = all_runs(store, folder)
    found = finals(store, parent)
    assert found["final/reach_place"][0][0] == 3
    assert not found.keys() & OF_RETESTS
    assert plots(store, parent) == ["reach", "score_by_stage"]


def test_a_journal_from_before_there_were_retests_is_copied(
    finished: tuple[Store, RunFolder, Result], tmp_path: Path
) -> None:
    _, later, _ = finished
    store = Store(tmp_path)
    store.runs_folder.mkdir()
    shutil.copytree(later.path, store.runs_folder / later.id)
    folder = store.find("last")
    folder.journal.unlink()
    journal = Journal(folder.journal)
    for record, _ in read_journal(later.journal):
        if record["kind"] not in ("retest", "retention"):
            kept = {
                name: value
                for name, value in record.items()
                if name not in ("kind", "clock", "held", "retained", "extrapolated")
            }
            journal.write(record["kind"], kept, seconds=record["clock"]["seconds"])
    journal.close()
    bring(store, folder)
    parent, _ = all_runs(store, folder)
    assert parent.info.status == "FINISHED"
    assert not finals(store, parent).keys() & OF_RETESTS
    assert plots(store, parent) == ["reach", "score_by_stage"]


def test_what_a_damaged_journal_has_lost_is_not_there_twice(
    tiny: Experiment, tmp_path: Path
) -> None:
    store, folder = stopped_and_copied(named(tiny), tmp_path)
    before = folder.journal.read_bytes()
    folder.journal.write_bytes(before[: len(before) // 2])
    curriculum.resume(folder.id, store=tmp_path, mirror=False)
    bring(store, folder)
    parent, children = all_runs(store, folder)
    looks = [r for r, _ in read_journal(folder.journal) if r["kind"] == "look"]
    assert sorted(tokens(store, parent)) == sorted(
        (look["spent"]["steps"], int(look["clock"]["time"] * 1000)) for look in looks
    )
    assert len(children) == 3


def test_a_run_made_to_go_on_under_other_settings_is_copied_anew(
    tiny: Experiment, tmp_path: Path
) -> None:
    store, folder = stopped_and_copied(named(tiny), tmp_path)
    changed = named(tiny).but(budget=Budget(steps_per_stage=500))
    again = curriculum.run(changed, store=tmp_path, mirror=False, resume=True, force=True)
    assert again.run_id == folder.id
    bring(store, folder)
    parent, _ = all_runs(store, folder)
    assert parent.data.params["budget.steps_per_stage"] == "500"
    assert json.loads(parent.data.tags["changes"]) == {"budget.steps_per_stage": [400, 500]}


def test_a_searched_visit_carries_its_trials(tiny: Experiment, tmp_path: Path) -> None:
    experiment = tiny.but(
        optimizer=Adam(learning_rate=1e-5),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8),
        name="searched",
    )
    curriculum.run(experiment, store=tmp_path, mirror=False)
    store = Store(tmp_path)
    folder = store.find("last")
    bring(store, folder)
    bring(store, folder)
    history = History.of(folder)
    one = client(store)
    [found] = [e for e in one.search_experiments() if e.name == "searched"]
    runs = {
        run.data.tags.get("curriculum.visit"): run for run in one.search_runs([found.experiment_id])
    }
    parent, child, visit = runs[None], runs["0"], history.visits[0]
    assert parent.data.metrics["tuning/lost_share"] == pytest.approx(history.lost_share)
    assert parent.data.metrics["tuning/trials"] == sum(len(v.trials) for v in history.visits)
    assert child.data.params["learning_rate"] == str(visit.learning_rate)
    assert child.data.metrics["tuning/lost_share"] == pytest.approx(visit.lost_share)
    table = json.loads(artifact(one, child, "trials.json", tmp_path))
    assert table["columns"][:4] == ["trial", "chosen", "learning_rate", "hidden_size"]
    assert [row[0] for row in table["data"]] == [t["number"] for t in visit.trials]
    assert json.loads(child.data.tags["mlflow.loggedArtifacts"])[0]["path"] == "trials.json"
    plots = {info.path for info in one.list_artifacts(child.info.run_id, "plots")}
    assert {"plots/race.png", "plots/history.png"} <= plots
    assert "plots/settings.png" in {
        info.path for info in one.list_artifacts(parent.info.run_id, "plots")
    }
    assert visit.choice is not None
    winner = [a for a in visit.advances if a["trial"] == visit.choice["trial"]]
    curve = one.get_metric_history(child.info.run_id, "tuning/exact_match")
    assert [point.value for point in curve] == [look["score"] for look in winner]
    assert [point.step for point in curve] == [look["spent"]["steps"] for look in winner]
    names = [
        s.study_name for s in open_storage(str(tmp_path / "studies.journal")).get_all_studies()
    ]
    assert names[0].startswith(f"searched seed 0 ({folder.id}) visit 0 ")


def artifact(one: Any, run: Any, path: str, folder: Path) -> str:
    return Path(one.download_artifacts(run.info.run_id, path, str(folder))).read_text()


def test_what_a_look_measures_besides_its_score_is_a_metric_too(tmp_path: Path) -> None:
    experiment = Experiment(
        task=Reverse(),
        model=Recurrent(hidden_size=4, embedding_size=3),
        growth=Explicit(lengths=(3,), vocab_sizes=(5,)),
        training=Training(distinct_examples=32, look_every=2),
        pacing=Direct(),
        budget=Budget(steps=2),
        name="measured",
    )
    curriculum.run(experiment, store=tmp_path, mirror=False)
    store = Store(tmp_path)
    folder = store.find("last")
    bring(store, folder)
    one = client(store)
    [found] = [e for e in one.search_experiments() if e.name == "measured"]
    measures = History.of(folder).visits[0].looks[-1]["measures"]
    for run in one.search_runs([found.experiment_id]):
        metrics = run.data.metrics
        assert metrics["gate/loss"] == pytest.approx(measures["loss"])
        assert metrics["gate/perplexity"] == pytest.approx(math.exp(measures["loss"]))
        assert metrics["gate/symbol_accuracy"] == pytest.approx(measures["symbol_accuracy"])
        memorised = measures["memorised_symbol_accuracy"]
        assert metrics["train/memorised_symbol_accuracy"] == pytest.approx(memorised)
        assert metrics["train/memorised_perplexity"] > 1


def test_a_storage_that_is_away_keeps_nothing_from_mlflow(tiny: Experiment, tmp_path: Path) -> None:
    experiment = tiny.but(
        optimizer=Adam(learning_rate=1e-5),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), trials=8),
    )
    curriculum.run(experiment, store=tmp_path, mirror=False)
    store = Store(tmp_path)
    folder = store.find("last")
    away = destinations(store, None, "sqlite:////proc/nowhere/at/all.db")
    with pytest.raises(UsageError, match=r"Optuna's storage sqlite.*can't be brought up to date"):
        sync(store, folder, away)
    assert not is_synced(store, folder, away)
    one = client(store)
    statuses = [
        run.info.status
        for run in one.search_runs([e.experiment_id for e in one.search_experiments()])
    ]
    assert statuses
    assert set(statuses) == {"FINISHED"}


def test_a_runs_mirror_copies_it_by_itself(tiny: Experiment, store: Path) -> None:
    result = curriculum.run(tiny, store=store, wait=True)
    one = Store(store)
    assert is_synced(one, one.find(result.run_id), copies(one))
