"""The arms of a portfolio in a real MLflow: a child run each, and how the run says what their race came to."""

import json
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from interrupted_runs import (
    interrupted_at,
    killed,
    run,
)
from mlflow_copies import (
    NewDatabase,
    arms_of,
    client_of,
    copy_of,
    in_mlflow,
    points_of,
    rows_of,
    sync,
)
from stopped_experiments import (
    raced,
    raced_in_vain,
)
from stopped_experiments import raced_and_tuned as tuned

import curriculum
from curriculum import Experiment, UsageError
from curriculum.record import (
    ArmEvaluated,
    ArmSelected,
    History,
    MlflowSettings,
    Record,
    RunFolder,
    Store,
    read_journal,
)
from curriculum.tracking import LocalDatabase, local_tracking_uri
from curriculum.tracking.addresses import NOTE_TAG

pytestmark = pytest.mark.slow

Copied = tuple[Store, RunFolder]


def ran(experiment: Experiment, root: Path, **more: Any) -> Copied:
    run(experiment, root, **more)
    store = Store(root)
    folder = store.find("last")
    sync(store, folder)
    return store, folder


@pytest.fixture(scope="module")
def copied(
    tiny: Experiment, tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> Copied:
    """A race that is over, copied into MLflow."""
    root = tmp_path_factory.mktemp("store")
    new_database(root)
    return ran(raced(tiny), root)


def race_of(folder: RunFolder) -> list[Record]:
    """The evaluations of all arms."""
    records = (record for record, _ in read_journal(folder.journal))
    return [record for record in records if isinstance(record.event, ArmEvaluated)]


def evaluations(folder: RunFolder, arm: str) -> list[ArmEvaluated]:
    events = (record.event for record in race_of(folder))
    return [event for event in events if isinstance(event, ArmEvaluated) and event.arm == arm]


def selection(folder: RunFolder) -> tuple[ArmSelected, int]:
    """How the race ended, and when."""
    selected = [
        (record.event, int(record.clock.time * 1000))
        for record, _ in read_journal(folder.journal)
        if isinstance(record.event, ArmSelected)
    ]
    return selected[0]


def last_at_each(pairs: Iterable[tuple[int, float]]) -> dict[int, float]:
    return dict(pairs)


def test_each_arm_is_a_child_run(copied: Copied) -> None:
    store, folder = copied
    parent, visits = copy_of(store, folder)
    arms = arms_of(store, folder)
    selected, over = selection(folder)
    started = list(dict.fromkeys(race.event.arm for race in race_of(folder)))  # type: ignore[union-attr]
    assert len(started) > 1
    assert set(arms) == set(started)
    assert len(visits) == len(History.of(folder).visits)
    for name, arm in arms.items():
        tags = arm.data.tags
        assert arm.info.run_name == tags["strategy"] == arm.data.params["arm"] == name
        assert tags["kind"] == "arm"
        assert tags["mlflow.parentRunId"] == parent.info.run_id
        is_selected = name == selected.arm
        assert tags["selected"] == ("yes" if is_selected else "no")
        assert arm.info.status == ("FINISHED" if is_selected else "KILLED")
        assert arm.info.end_time == over
        assert parent.info.start_time <= arm.info.start_time < over
        assert tags["standing"] in tags[NOTE_TAG]
    assert arms[selected.arm].data.tags["standing"] == "has mastered the target"
    outrun = next(arm for name, arm in arms.items() if name != selected.arm)
    assert outrun.data.tags["standing"].endswith(f"was outrun by {selected.arm}")


def test_arms_are_compared_by_what_each_has_cost_alone(copied: Copied) -> None:
    store, folder = copied
    for name, arm in arms_of(store, folder).items():
        events = evaluations(folder, name)
        reached = last_at_each(
            (round(e.cost.compute / 1e6), 0 if e.reach is None else e.reach.length) for e in events
        )
        points = points_of(store, arm, "by_compute/reach_length")
        assert {step: value for value, step, _ in points} == reached
        assert len(points) == len(reached)
        scores = last_at_each((e.cost.steps, e.report.score or 0.0) for e in events)
        points = points_of(store, arm, "by_step/score")
        assert {step: value for value, step, _ in points} == scores
        assert arm.data.metrics["progress/compute"] == events[-1].cost.compute
        assert arm.data.metrics["stage/passed"] == events[-1].report.stages


def test_the_run_says_what_its_race_came_to(copied: Copied) -> None:
    store, folder = copied
    parent, _ = copy_of(store, folder)
    selected, _ = selection(folder)
    assert parent.data.params["strategy"] == parent.data.tags["strategy"] == "auto"
    assert parent.data.params["selected_arm"] == parent.data.tags["selected_arm"] == selected.arm
    assert parent.data.tags["arms"] == parent.data.params["pacing.arms"]
    assert "is the first arm to master the target." in parent.data.tags[NOTE_TAG]
    metrics = parent.data.metrics
    total = History.of(folder).total_cost
    assert metrics["arms/discarded_compute"] == selected.discarded_cost.compute > 0
    share = selected.discarded_cost.compute / total.compute
    assert metrics["arms/discarded_share"] == pytest.approx(share)
    assert metrics["arms/reach_length"] == metrics["by_step/reach_length"]


def test_costs_of_the_run_grow_with_the_race_and_are_told_once(copied: Copied) -> None:
    store, folder = copied
    parent, _ = copy_of(store, folder)
    total = History.of(folder).total_cost
    assert parent.data.metrics["progress/compute"] == total.compute
    points = sorted(points_of(store, parent, "progress/compute"), key=lambda point: point[1])
    assert {step for _, step, _ in points} == steps_of_race(folder)
    for before, after in pairwise(points):
        assert all(one < other for one, other in zip(before, after, strict=True))


def steps_of_race(folder: RunFolder) -> set[int]:
    history, found = History(folder.description()), set()
    for record in race_of(folder):
        history.add(record)
        found.add(history.total_cost.steps)
    return found


def test_points_of_the_winner_stand_where_the_race_was(copied: Copied) -> None:
    """Not behind all that the other arms have cost in the end: costs and times of day go together."""
    store, folder = copied
    parent, _ = copy_of(store, folder)
    selected, _ = selection(folder)
    last, expected = dict[str, int](), list[int]()
    for event in (record.event for record in race_of(folder)):
        assert isinstance(event, ArmEvaluated)
        last[event.arm] = event.cost.steps
        if event.arm == selected.arm:
            expected.append(sum(last.values()))
    points = sorted(points_of(store, parent, "by_step/score"), key=lambda point: point[1])
    assert [step for _, step, _ in points] == sorted(set(expected))
    times = [time for *_, time in points]
    assert times == sorted(times)


def test_copying_a_race_again_changes_nothing(copied: Copied) -> None:
    store, folder = copied
    tables = ("runs", "params", "tags", "metrics", "latest_metrics")
    before = rows_of(store.root / "mlflow.db")
    sync(store, folder)
    after = rows_of(store.root / "mlflow.db")
    assert {name: after[name] for name in tables} == {name: before[name] for name in tables}


def test_a_users_description_of_an_arm_stays(tiny: Experiment, mlflow_store: Path) -> None:
    store, folder = ran(raced(tiny), mlflow_store)
    arm = next(iter(arms_of(store, folder).values()))
    client_of(store).set_tag(arm.info.run_id, NOTE_TAG, "mine")
    sync(store, folder)
    again = client_of(store).get_run(arm.info.run_id)
    assert again.data.tags[NOTE_TAG] == "mine"


def test_arms_of_a_parent_that_was_deleted_belong_to_the_new_one(
    tiny: Experiment, mlflow_store: Path
) -> None:
    store, folder = ran(raced(tiny), mlflow_store)
    client_of(store).delete_run(copy_of(store, folder)[0].info.run_id)
    before = {name: arm.info.run_id for name, arm in arms_of_any(store, folder).items()}
    sync(store, folder)
    arms = arms_of(store, folder)
    parent, _ = copy_of(store, folder)
    assert {name: arm.info.run_id for name, arm in arms.items()} == before
    assert {arm.data.tags["mlflow.parentRunId"] for arm in arms.values()} == {parent.info.run_id}


def arms_of_any(store: Store, folder: RunFolder) -> dict[str, Any]:
    """The child runs of arms, whether there is a parent or not."""
    client = client_of(store)
    ids = [found.experiment_id for found in client.search_experiments()]
    runs = client.search_runs(ids, f"tags.`curriculum.run_id` = '{folder.id}'")
    return {run.data.params["arm"]: run for run in runs if "arm" in run.data.params}


def test_arms_may_be_a_table_of_the_one_run(tiny: Experiment, mlflow_store: Path) -> None:
    settings = MlflowSettings(visits_as_table=True)
    store, folder = ran(raced(tiny), mlflow_store, mlflow=settings)
    parent, visits = copy_of(store, folder)
    assert visits == []
    assert arms_of(store, folder) == {}
    assert parent.data.metrics["arms/discarded_share"] > 0
    shown = json.loads(parent.data.tags["mlflow.loggedArtifacts"])
    assert [each["path"] for each in shown] == ["visits.json", "arms.json"]
    path = client_of(store).download_artifacts(parent.info.run_id, "arms.json", str(mlflow_store))
    table = json.loads(Path(path).read_text())
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [row["arm"] for row in rows if row["selected"]] == [selection(folder)[0].arm]
    assert sum(row["steps"] for row in rows) == History.of(folder).total_cost.steps


def test_a_race_that_none_wins_says_who_got_farthest(tiny: Experiment, mlflow_store: Path) -> None:
    store, folder = ran(raced_in_vain(tiny), mlflow_store)
    selected, _ = selection(folder)
    assert not selected.mastered
    arms = arms_of(store, folder)
    assert arms[selected.arm].data.tags["standing"].endswith("farthest of all")
    assert arms[selected.arm].info.status == "FINISHED"


def test_arms_of_an_interrupted_race_end_with_the_run_and_go_on_with_it(
    tiny: Experiment, mlflow_store: Path
) -> None:
    made = list[Record]()

    def second_arm(record: Record) -> bool:
        made.append(record)
        arms = {each.event.arm for each in made if isinstance(each.event, ArmEvaluated)}
        return len(arms) > 1

    assert interrupted_at(raced(tiny), mlflow_store, second_arm).status == "interrupted"
    store = Store(mlflow_store)
    folder = store.find("last")
    sync(store, folder)
    parent, visits = copy_of(store, folder)
    assert visits == []
    stopped = arms_of(store, folder)
    assert {run.info.status for run in (parent, *stopped.values())} == {"KILLED"}
    assert all("selected" not in arm.data.tags for arm in stopped.values())
    assert "selected_arm" not in parent.data.params
    curriculum.resume(folder.id, store=mlflow_store, mirror=False, experiment=raced(tiny))
    sync(store, folder)
    arms = arms_of(store, folder)
    assert stopped.keys() <= arms.keys()
    for name, arm in stopped.items():
        assert arms[name].info.run_id == arm.info.run_id
    assert {arm.data.tags["selected"] for arm in arms.values()} == {"yes", "no"}


@pytest.mark.parametrize(
    ("make", "place"),
    [*((raced, place) for place in ("begun", "amid", "decided", "taken over")), (tuned, "amid")],
)
def test_a_copy_that_was_begun_before_a_kill_is_what_one_made_at_once_is(
    *,
    place: str,
    make: Callable[[Experiment], Experiment],
    tiny: Experiment,
    wholes: Callable[[str, Experiment], Path],
    mlflow_store: Path,
    new_database: NewDatabase,
) -> None:
    experiment = make(tiny)
    whole = Store(wholes(make.__name__, experiment)).find("last")
    folder = killed(experiment, mlflow_store, moments(whole)[place])
    store = Store(mlflow_store)
    sync(store, folder)
    curriculum.resume(folder.id, store=mlflow_store, mirror=False, experiment=experiment)
    sync(store, folder)
    check_is_as_copied_at_once(store, folder, new_database)


def moments(folder: RunFolder) -> dict[str, int]:
    """The numbers of records within a race, at its end, and as its winner's are taken over."""
    kinds = [type(record.event) for record, _ in read_journal(folder.journal)]
    end = 1 + kinds.index(ArmSelected)
    return {"begun": 2, "amid": end // 2, "decided": end, "taken over": end + 3}


def check_is_as_copied_at_once(store: Store, folder: RunFolder, new_database: NewDatabase) -> None:
    found = in_mlflow(store, folder, local_tracking_uri(store))
    other = f"sqlite:///{new_database(store.root.with_name('other'))}"
    sync(store, folder, other)
    assert found == in_mlflow(store, folder, other)
    for *_, points, _, _, _ in found.values():
        steps = [(key, step) for key, step, *_ in points]
        assert len(steps) == len(set(steps))


@pytest.mark.parametrize("calls", [2, 5, 9])
def test_a_copy_of_a_race_that_is_cut_off_is_completed(
    copied: Copied, tmp_path: Path, new_database: NewDatabase, calls: int
) -> None:
    from mlflow.tracking import MlflowClient

    store, folder = copied
    other = f"sqlite:///{new_database(tmp_path / 'other')}"
    real, left = MlflowClient.log_batch, iter(range(calls))

    def fail(*given: Any, **more: Any) -> None:
        if next(left, None) is None:
            raise OSError("gone")
        real(*given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)  # where such a database keeps its artifacts
        patch.setattr(MlflowClient, "log_batch", fail)
        with pytest.raises(UsageError, match="gone"):
            sync(store, folder, other)
        patch.setattr(MlflowClient, "log_batch", real)
        sync(store, folder, other)
        found = in_mlflow(store, folder, other)
    assert found == in_mlflow(store, folder, local_tracking_uri(store))


def test_a_race_that_a_damaged_journal_has_lost_is_copied_anew(
    tiny: Experiment, mlflow_store: Path
) -> None:
    store, folder = ran(raced(tiny), mlflow_store)
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(lines[:2]))
    assert len({e.event.arm for e in race_of(folder) if isinstance(e.event, ArmEvaluated)}) == 1
    sync(store, folder)
    parent, visits = copy_of(store, folder)
    assert "selected_arm" not in parent.data.params
    assert visits == []
    assert len(arms_of(store, folder)) == 1


def test_deleting_a_run_deletes_its_arms(tiny: Experiment, mlflow_store: Path) -> None:
    store, folder = ran(raced(tiny), mlflow_store)
    LocalDatabase(store).delete(folder.id)
    assert rows_of(mlflow_store / "mlflow.db")["runs"] == set()
