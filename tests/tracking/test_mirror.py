"""A run's copy in a real MLflow, on a database of its own."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow_copies import (
    client_of,
    copy_of,
    destinations_in,
    plots_of,
    points_of,
    sync,
)

import curriculum
from curriculum import (
    Adam,
    Budget,
    Direct,
    Experiment,
    Explicit,
    FinalEvaluation,
    RunResult,
    Stage,
    StopRequest,
    Training,
    Tuning,
)
from curriculum.models import Recurrent
from curriculum.record import (
    Evaluated,
    FinalEvaluated,
    History,
    Record,
    RetentionMeasured,
    RunEnded,
    RunFolder,
    Store,
    read_journal,
)
from curriculum.record.journal import Journal
from curriculum.tasks import Reverse
from curriculum.tracking.mirror import Mirror
from curriculum.tune.storage import open_storage

pytestmark = pytest.mark.slow

Finished = tuple[Store, RunFolder, RunResult]
FINAL_EVALUATION = {
    f"test/{name}" for name in ("held_stages", "retained_length", "extrapolated_length", "score")
}


def variant(experiment: Experiment, **changes: Any) -> Experiment:
    return experiment.replace(name="tiny:variant", **changes)


@pytest.fixture(scope="module")
def finished(
    tiny: Experiment,
    tmp_path_factory: pytest.TempPathFactory,
    new_database: Callable[[Path], Path],
) -> Finished:
    """A run of a small path, copied into MLflow."""
    root = tmp_path_factory.mktemp("store")
    new_database(root)
    result = curriculum.run(variant(tiny), 3, store=root, mirror=False)
    store = Store(root)
    folder = store.find("last")
    sync(store, folder, plots=True)
    return store, folder, result


def last_run(root: Path) -> tuple[Store, RunFolder]:
    store = Store(root)
    return store, store.find("last")


def evaluations(folder: RunFolder) -> list[tuple[Evaluated, int]]:
    """The journal's evaluations, each with the time that MLflow gives it."""
    return [
        (record.event, int(record.clock.time * 1000))
        for record, _ in read_journal(folder.journal)
        if isinstance(record.event, Evaluated)
    ]


def last_at_each_step(folder: RunFolder) -> dict[int, int]:
    """When the last evaluation at each step of a run was."""
    return {event.cost.steps: time for event, time in evaluations(folder)}


def test_the_parent_run_says_what_was_run(finished: Finished) -> None:
    store, folder, result = finished
    parent, _ = copy_of(store, folder)
    assert parent.info.status == "FINISHED"
    assert parent.data.params["optimizer.learning_rate"] == "0.03"
    assert parent.data.params["growth.end.length"] == "5"
    assert parent.data.params["optimizer.betas"] == "0.9, 0.999"
    assert parent.data.params["tuning.also"] == ""
    assert parent.data.params["seed"] == "3"
    assert parent.info.run_name == "tiny:variant seed 3"
    tags = parent.data.tags
    assert (tags["task"], tags["model"], tags["seed"]) == ("FirstBit", "Recurrent", "3")
    assert tags["strategy"] == parent.data.params["strategy"] == "gated"
    assert tags["status"] == "reached"
    assert tags["version.torch"]
    table = tags["mlflow.note.content"].replace("&nbsp;", "")
    assert "| 5 | 2 | mastered |" in table
    metrics = parent.data.metrics
    assert metrics["by_step/reach_length"] == 5
    assert metrics["progress/tokens"] == result.tokens
    assert metrics["validation_exact_match"] == 1.0
    assert metrics["stage/length"] == 5
    assert metrics["by_step/loss"] > 0
    assert metrics["speed/steps_per_second"] > 0


def test_a_run_that_is_over_says_what_it_came_to_and_cost(finished: Finished) -> None:
    store, folder, result = finished
    parent, _ = copy_of(store, folder)
    metrics = parent.data.metrics
    assert metrics["by_step/reach_length"] == metrics["by_compute/reach_length"] == 5
    expected = {
        "steps": result.steps,
        "tokens": result.tokens,
        "compute": result.compute,
        "evaluation": History.of(folder).total_cost.evaluation,
        "seconds": pytest.approx(result.seconds, abs=1e-3),
    }
    assert of_group(metrics, "progress") == expected
    assert 0 < metrics["progress/evaluation"] < result.compute
    # MLflow draws these first, and of a comparison shows the first seven.
    main = [f"by_{by}/{n}" for by in ("compute", "step") for n in ("loss", "reach_length", "score")]
    assert sorted(metrics)[:7] == [*main, "progress/compute"]
    assert of_group(metrics, "test") == final_evaluation(folder)


def of_group(metrics: dict[str, float], group: str) -> dict[str, float]:
    """The metrics whose names begin so, by the rest of their names."""
    prefix = f"{group}/"
    return {
        name.removeprefix(prefix): value
        for name, value in metrics.items()
        if name.startswith(prefix)
    }


def final_evaluation(folder: RunFolder) -> dict[str, float]:
    """What the end of a journal says of the final model, as metrics; the path is 2, 3, 5."""
    events = [record.event for record, _ in read_journal(folder.journal)]
    end = events[-1]
    assert isinstance(end, RunEnded)
    scores = {each.stage: each.score for each in events if isinstance(each, FinalEvaluated)}
    stage = end.retained
    return {
        "held_stages": len(end.held),
        "retained_length": stage.length if stage else 0,
        "extrapolated_length": end.extrapolated or 0,
        "score": scores[end.reach] if end.reach else scores[Stage(2)],
        "score_by_length": scores[max(scores, key=lambda stage: stage.length)],
    }


def test_a_run_that_masters_nothing_has_all_metrics_too(
    tiny: Experiment, mlflow_store: Path
) -> None:
    experiment = variant(tiny).with_strategy("direct").replace(budget=Budget(steps=1))
    result = curriculum.run(experiment, 7, store=mlflow_store, mirror=False)
    store, folder = last_run(mlflow_store)
    sync(store, folder)
    parent, _ = copy_of(store, folder)
    assert parent.info.run_name == "tiny:variant direct seed 7"
    assert parent.data.tags["mlflow.note.content"].startswith("**tiny:variant**, direct, seed 7, ")
    metrics = parent.data.metrics
    assert metrics["by_step/reach_length"] == metrics["by_compute/reach_length"] == 0
    assert metrics["progress/steps"] == 1
    found = of_group(metrics, "test")
    assert found["held_stages"] == found["retained_length"] == found["extrapolated_length"] == 0
    assert metrics["progress/compute"] == result.compute > 0


def test_each_visit_is_a_child_run(finished: Finished) -> None:
    store, folder, result = finished
    _, children = copy_of(store, folder)
    assert len(children) == len(result.stages) == 3
    for child, stage in zip(children, result.stages, strict=True):
        assert child.info.status == "FINISHED"
        assert child.data.params["length"] == str(stage.length)
        assert child.data.params["hidden_size"] == "8"
        assert child.data.params["visit_reason"] == child.data.tags["visit_reason"] == "advance"
        assert child.data.tags["verdict"] == stage.verdict
        assert child.data.metrics["stage/steps"] == stage.steps
        assert child.data.metrics["stage/tokens"] == stage.tokens


def test_metrics_carry_the_journals_steps_and_times(finished: Finished) -> None:
    store, folder, result = finished
    parent, _ = copy_of(store, folder)
    points = points_of(store, parent, "by_step/score")
    assert {step: time for _, step, time in points} == last_at_each_step(folder)
    assert len(points) == len(last_at_each_step(folder))
    assert max(step for _, step, _ in points) == result.steps
    scores = [value for value, step, _ in points if step == result.steps]
    assert scores == [1.0]  # of the stages mastered without training the last one's, no wall


def test_checkpoints_plots_and_the_model_are_there(finished: Finished, tmp_path: Path) -> None:
    from matplotlib.image import imread

    store, folder, result = finished
    parent, _ = copy_of(store, folder)
    client = client_of(store)
    run_id = parent.info.run_id
    checkpoints = [info.path for info in client.list_artifacts(run_id, "checkpoints")]
    assert checkpoints == [f"checkpoints/00000{visit}" for visit in (1, 2, 3)]
    assert plots_of(store, parent) == ["extrapolation", "reach", "retention", "score_by_stage"]
    for name in plots_of(store, parent):
        path = client.download_artifacts(run_id, f"plots/{name}.png", str(tmp_path))
        assert imread(path).std() > 0.05, f"{name} is empty"
    models = client.search_logged_models([parent.info.experiment_id])
    assert len(models) == 1
    assert str(models[0].status) == "READY"
    assert models[0].tags["weights_sha256"] == result.weights_sha256
    assert Path(parent.info.artifact_uri.removeprefix("file://")).is_relative_to(store.root)


def stopped_and_copied(tiny: Experiment, root: Path) -> tuple[Store, RunFolder]:
    """A run that was asked to stop within its first stage, as MLflow has it."""
    stop = StopRequest()

    def listener(record: Record) -> None:
        event = record.event
        if isinstance(event, Evaluated) and event.cost.steps >= 20 and not event.decision.mastered:
            stop.request()

    curriculum.run(variant(tiny), store=root, mirror=False, listener=listener, stop=stop)
    store, folder = last_run(root)
    sync(store, folder)
    return store, folder


def test_a_resumed_run_stays_the_same_run_of_mlflow(tiny: Experiment, mlflow_store: Path) -> None:
    store, folder = stopped_and_copied(tiny, mlflow_store)
    parent, children = copy_of(store, folder)
    assert parent.info.status == "KILLED"
    assert parent.data.tags["status"] == "interrupted"
    assert children[-1].info.status == "KILLED"
    curriculum.resume(folder.id, store=mlflow_store, mirror=False)
    with folder.held():  # as if it were still running
        presentation = destinations_in(store).presentation
        Mirror(folder, client_of(store), artifacts=None, presentation=presentation)
        again, open_children = copy_of(store, folder)
        assert again.info.status == open_children[-1].info.status == "RUNNING"
    sync(store, folder)
    again, children = copy_of(store, folder)
    assert again.info.run_id == parent.info.run_id
    assert again.info.status == "FINISHED"
    assert {run.info.status for run in children} == {"FINISHED"}
    points = [(step, time) for _, step, time in points_of(store, again, "progress/tokens")]
    assert len(points) == len(set(points))
    assert len(children) == 3


def final_points(store: Store, run: Any) -> dict[str, list[tuple[float, int, int]]]:
    """All points of each metric that is logged once a run is over."""
    return {
        name: points_of(store, run, name)
        for name in run.data.metrics
        if name.startswith("test/") and name != "test/score_by_length"
    }


def test_a_run_stopped_within_its_final_evaluation_has_its_metrics_once_it_is_over(
    tiny: Experiment, mlflow_store: Path
) -> None:
    stop, found = StopRequest(), list[Record]()

    def listener(record: Record) -> None:
        if isinstance(record.event, FinalEvaluated):
            found.append(record)
        if len(found) == 2:
            stop.request()

    result = curriculum.run(
        variant(tiny), store=mlflow_store, mirror=False, listener=listener, stop=stop
    )
    assert result.status == "interrupted"
    store, folder = last_run(mlflow_store)
    sync(store, folder, plots=True)
    parent, _ = copy_of(store, folder)
    assert final_points(store, parent) == {}
    assert plots_of(store, parent) == ["reach", "retention", "score_by_stage"]
    result = curriculum.resume(folder.id, store=mlflow_store, mirror=False)
    sync(store, folder, plots=True)
    sync(store, folder)
    parent, _ = copy_of(store, folder)
    time = int(History.of(folder).last_written * 1000)
    points = final_points(store, parent)
    assert {name for name in points if name.startswith("test/")} == FINAL_EVALUATION
    for name, value in final_evaluation(folder).items():
        if name != "score_by_length":
            assert points[f"test/{name}"] == [(value, result.steps, time)]
    curve = points_of(store, parent, "test/score_by_length")
    evaluated = History.of(folder).final_evaluations
    assert [step for _, step, _ in curve] == sorted(each.stage.length for each in evaluated)
    assert all(len(each) == 1 for each in points.values())
    assert "extrapolation" in plots_of(store, parent)


def test_a_run_without_a_final_evaluation_says_nothing_of_it(
    tiny: Experiment, mlflow_store: Path
) -> None:
    experiment = variant(tiny, final_evaluation=FinalEvaluation(mode="off"))
    curriculum.run(experiment, store=mlflow_store, mirror=False)
    store, folder = last_run(mlflow_store)
    sync(store, folder, plots=True)
    parent, _ = copy_of(store, folder)
    points = final_points(store, parent)
    assert parent.data.metrics["by_step/reach_length"] == 5
    assert not points.keys() & FINAL_EVALUATION
    assert plots_of(store, parent) == ["reach", "score_by_stage"]


def test_a_journal_without_a_final_evaluation_is_copied(
    finished: Finished, mlflow_store: Path
) -> None:
    _, whole, _ = finished
    shutil.copytree(whole.path, Store(mlflow_store).runs_folder / whole.id)
    store, folder = last_run(mlflow_store)
    folder.journal.unlink()
    journal = Journal(folder.journal)
    for record, _ in read_journal(whole.journal):
        event = record.event
        if isinstance(event, RunEnded):
            event = replace(event, held=(), retained=None, extrapolated=None)
        if not isinstance(event, FinalEvaluated | RetentionMeasured):
            journal.write(event, seconds=record.clock.seconds)
    journal.close()
    sync(store, folder, plots=True)
    parent, _ = copy_of(store, folder)
    assert parent.info.status == "FINISHED"
    assert not final_points(store, parent).keys() & FINAL_EVALUATION
    assert plots_of(store, parent) == ["reach", "score_by_stage"]


def test_what_a_damaged_journal_has_lost_is_not_there_twice(
    tiny: Experiment, mlflow_store: Path
) -> None:
    store, folder = stopped_and_copied(tiny, mlflow_store)
    before = folder.journal.read_bytes()
    folder.journal.write_bytes(before[: len(before) // 2])
    curriculum.resume(folder.id, store=mlflow_store, mirror=False)
    sync(store, folder)
    parent, children = copy_of(store, folder)
    points = points_of(store, parent, "by_step/score")
    assert {step: time for _, step, time in points} == last_at_each_step(folder)
    assert len(points) == len(last_at_each_step(folder))
    assert len(children) == 3


def test_a_run_forced_to_resume_under_other_settings_is_copied_anew(
    tiny: Experiment, mlflow_store: Path
) -> None:
    store, folder = stopped_and_copied(tiny, mlflow_store)
    changed = variant(tiny, budget=Budget(steps_per_stage=500))
    again = curriculum.run(changed, store=mlflow_store, mirror=False, resume=True, force=True)
    assert again.run_id == folder.id
    sync(store, folder)
    parent, _ = copy_of(store, folder)
    assert parent.data.params["budget.steps_per_stage"] == "500"
    assert json.loads(parent.data.tags["changes"]) == {"budget.steps_per_stage": [400, 500]}


def test_a_searched_visit_carries_its_trials(
    tiny: Experiment, mlflow_store: Path, tmp_path: Path
) -> None:
    experiment = tiny.replace(
        growth=Explicit(lengths=(2, 3)),
        optimizer=Adam(learning_rate=1e-5),
        tuning=Tuning(mode="each", learning_rate=(1e-2, 1e-1), hidden_size=(8, 16), trials=8),
        name="searched",
    )
    curriculum.run(experiment, store=mlflow_store, mirror=False)
    store, folder = last_run(mlflow_store)
    sync(store, folder, plots=True)
    sync(store, folder)
    history = History.of(folder)
    client = client_of(store)
    parent, children = copy_of(store, folder)
    child, visit = children[0], history.visits[0]
    share = parent.data.metrics["tuning/discarded_share"]
    assert share == pytest.approx(history.discarded_share)
    assert parent.data.metrics["tuning/trials"] == sum(len(v.trials) for v in history.visits)
    assert child.data.params["learning_rate"] == str(visit.learning_rate)
    assert child.data.metrics["tuning/discarded_share"] == pytest.approx(visit.discarded_share)
    path = client.download_artifacts(child.info.run_id, "trials.json", str(tmp_path))
    table = json.loads(Path(path).read_text())
    assert table["columns"][:4] == ["trial", "selected", "learning_rate", "hidden_size"]
    assert [row[0] for row in table["data"]] == [trial.number for trial in visit.trials]
    assert json.loads(child.data.tags["mlflow.loggedArtifacts"])[0]["path"] == "trials.json"
    assert {"race", "history"} <= {*plots_of(store, child)}
    assert "settings" in plots_of(store, parent)
    assert visit.selection is not None
    selected = [report for report in visit.reports if report.trial == visit.selection.trial]
    curve = points_of(store, child, "tuning/exact_match")
    assert [value for value, _, _ in curve] == [report.score for report in selected]
    assert [step for _, step, _ in curve] == [report.cost.steps for report in selected]
    studies = open_storage(str(mlflow_store / "studies.journal")).get_all_studies()
    names = [study.study_name for study in studies]
    assert names[0] == f"searched seed 0 ({folder.id}) visit 0, length 2, vocabulary 2"


def test_what_an_evaluation_measures_besides_its_score_is_a_metric_too(
    mlflow_store: Path,
) -> None:
    experiment = Experiment(
        task=Reverse(),
        model=Recurrent(hidden_size=4, embedding_size=3),
        growth=Explicit(lengths=(3,), vocab_sizes=(5,)),
        training=Training(distinct_examples=32, eval_every=2),
        pacing=Direct(),
        budget=Budget(steps=2),
        name="measured",
    )
    curriculum.run(experiment, store=mlflow_store, mirror=False)
    store, folder = last_run(mlflow_store)
    sync(store, folder)
    measured = History.of(folder).visits[0].evaluations[-1].metrics
    parent, children = copy_of(store, folder)
    assert len(children) == 1
    for run in (parent, *children):
        metrics = run.data.metrics
        assert metrics["validation_loss"] == pytest.approx(measured["loss"])
        assert metrics["validation_perplexity"] == pytest.approx(math.exp(measured["loss"]))
        assert metrics["validation_symbol_accuracy"] == pytest.approx(measured["symbol_accuracy"])
        memorised = measured["memorised_symbol_accuracy"]
        assert metrics["train/memorised_symbol_accuracy"] == pytest.approx(memorised)
        assert metrics["train/memorised_perplexity"] > 1
