"""Copies a run's journal into MLflow, as often as one likes: repeating it changes nothing.

It only reads the run. Points carry the journal's timestamps, and what is there already is
looked for before anything is created.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from mlflow.entities import Metric, Run, RunTag
from mlflow.tracking import MlflowClient

from curriculum import record
from curriculum.plan import Verdict
from curriculum.tracking.addresses import ARM_TAG, PARENT_TAG, RUN_TAG
from curriculum.tracking.arm_fields import arm_columns
from curriculum.tracking.arm_metrics import race_metrics, selection_metrics
from curriculum.tracking.arm_runs import ArmRuns
from curriculum.tracking.artifacts import Artifacts, remove_leftovers
from curriculum.tracking.client import experiment_id, log_params, paginate
from curriculum.tracking.metric_points import cost_then, last_timestamp, timestamp_of
from curriculum.tracking.metrics import (
    evaluation_metrics,
    final_metrics,
    is_done_at_its_step,
    reach_metrics,
    rollback_metrics,
    selected_trial_metrics,
    visit_metrics,
)
from curriculum.tracking.notes import Notes
from curriculum.tracking.point_buffer import PointBuffer
from curriculum.tracking.presentation import Presentation
from curriculum.tracking.run_fields import (
    experiment_note,
    is_kept,
    path_datasets,
    run_name,
    run_params,
    run_tags,
    stage_datasets,
)
from curriculum.tracking.system_load import SystemLoad

VISIT_TAG = "curriculum.visit"
SELECTED = "selected_arm"
"""The param and the tag of a portfolio's run that name the arm which it goes on as."""


METRICS_AT_ONCE = 1000
STATUS = {
    "reached": "FINISHED",
    "stopped": "FINISHED",
    "interrupted": "KILLED",
    "killed": "KILLED",
    "failed": "FAILED",
}


class Mirror:
    """One run's copy in MLflow: a parent run, and a child run or a row for each visit, and each arm."""

    def __init__(
        self,
        folder: record.RunFolder,
        client: MlflowClient,
        *,
        artifacts: Path | None,
        presentation: Presentation,
    ) -> None:
        """Find the copy or start it; one that holds what the journal does not is made anew.

        Args:
            folder: the run.
            client: MLflow's.
            artifacts: where a new experiment keeps its artifacts; None leaves it to the server.
            presentation: makes notes, plots and tables of what is copied.
        """
        self.folder = folder
        self.client = client
        self.history = record.History(folder.description())
        self._settings = self.history.description.mlflow
        self._points = PointBuffer()
        self._presentation = presentation
        self._offset = 0
        self._checkpoints: list[str] = []  # to upload, once they are there
        described = self.history.description
        note = experiment_note(described)
        self._experiment = experiment_id(client, described.experiment, artifacts, note)
        self._run, children = self._find_run()
        if artifacts is not None:
            remove_leftovers(artifacts, (self._run, *(run.info.run_id for run in children)))
        self._children = {int(n): run for n, run in _by_tag(children, VISIT_TAG).items()}
        self._arms = ArmRuns(
            client,
            self._experiment,
            self._run,
            known=_by_tag(children, ARM_TAG),
            points=self._points,
            notes=self._notes,
        )
        self._artifacts = Artifacts(folder, client, self._experiment, self._run)
        self._load = SystemLoad(client, self._run, wanted=self._settings.system_metrics)

    def copy(self) -> None:
        """Copy what the journal has gained."""
        with self._load.measured(self.folder):
            self._copy()

    def _copy(self) -> None:
        if not self.folder.journal.exists():
            return
        if self.folder.journal_bytes < self._offset:
            raise RuntimeError("the journal has lost records, and is to be copied anew")
        # Points are gathered and logged in batches: one request for each would take minutes.
        for entry, offset in record.read_journal(self.folder.journal, self._offset):
            self._apply(entry)
            self._offset = offset
        self._log_points()
        if not self._settings.visits_as_table:
            self._arms.update(self.history)
        for name in self._checkpoints:
            self._artifacts.upload_checkpoint(name)

    def close(self, status: str) -> None:
        """Give the copy its note, plots, model and status, once the run has stopped or is over.

        What it came to and cost is then there for every run that is over, also for one that
        ended within its first visit: what is compared has no gaps. One that was stopped may
        be resumed, and would have it twice; so may it have points at the step that it stands at.
        """
        self._load.stop()
        note = self._presentation.note(self.history)
        if self.history.end is not None:
            found = [*reach_metrics(self.history), *final_metrics(self.history)]
            self._points.add(self._run, found)
        self._log_points(last=is_done_at_its_step(self.history))
        self._artifacts.upload_figures(self._presentation.figures(self.history))
        self._artifacts.log_model(self.history, run_params(self.history.description), note)
        if self._settings.visits_as_table:
            tables = {"visits.json": self._presentation.visits(self.history)}
            if self.history.arms.evaluations:
                tables["arms.json"] = arm_columns(self.history)
            self._artifacts.upload_tables(self._run, tables)
        tags = [*self._notes.tags(self._run, note), RunTag("status", status)]
        self.client.log_batch(self._run, tags=tags)
        ended = last_timestamp(self.history)
        for visit in self.history.visits:
            child = self._children.get(visit.number)
            # What one has cost and come to is settled when it has ended.
            if visit.ended is None and child is not None:
                self.client.set_tag(child, "verdict", visit.verdict)
                self.client.set_terminated(child, STATUS[status], end_time=ended)
        self._arms.close(STATUS[status], ended)
        self.client.set_terminated(self._run, STATUS[status], end_time=ended)

    def release(self) -> None:
        """Measure the machine's load no more."""
        self._load.stop()

    def _apply(self, entry: record.Record) -> None:
        """Copy one record; its points are gathered."""
        before = self.history.last_written
        self.history.add(entry)
        time = timestamp_of(entry.clock.time)
        match event := entry.event:
            case record.ArmEvaluated() | record.FavouritesChanged() | record.ArmSelected():
                self._apply_to_race(entry, before)
            case record.VisitStarted():
                self._start_child(self.history.visits[-1], time)
                if event.visit == 0:  # curves of the reach start at nothing
                    self._points.add(self._run, reach_metrics(self.history))
            case record.Evaluated():
                self._add(evaluation_metrics(self.history, event, entry), event.visit)
            case record.RolledBack():
                self._add(rollback_metrics(self.history, event, entry), event.visit)
            case record.TargetEvaluated(mastered=True) | record.TargetEvaluated(ready=True):
                self._points.add(self._run, reach_metrics(self.history))
            case record.TrialSelected():
                self._add(selected_trial_metrics(self.history), event.visit)
            case record.VisitEnded():
                self._points.add(self._run, reach_metrics(self.history))
                self._end_child(self.history.visits[-1], time)
                if event.verdict is Verdict.MASTERED:
                    self._checkpoints.append(record.checkpoint_name(len(self.history.visits)))
            case record.ProvenanceChanged():
                self.client.set_tag(self._run, "changes", json.dumps(record.encode(event.changes)))
            case record.RunEnded():
                self._checkpoints.append(record.checkpoint_name(len(self.history.visits)))
            case _:  # shown by the notes, plots and final metrics alone
                pass

    def _apply_to_race(self, entry: record.Record, before: float) -> None:
        """Copy a record of the race; `before` is the time of day of the one before it."""
        match event := entry.event:
            case record.ArmEvaluated():
                self._points.add(self._run, race_metrics(self.history, entry))
            case record.ArmSelected():
                self._points.add(self._run, selection_metrics(self.history, event))
                log_params(self.client, self._run, {SELECTED: event.arm})
                self.client.set_tag(self._run, SELECTED, event.arm)
            case _:  # tells of single arms alone
                pass
        if not self._settings.visits_as_table:
            self._arms.add(self.history, entry, before)

    def _add(self, metrics: list[Metric], visit: int) -> None:
        """Gather points of the run and of a visit's child run."""
        for run in filter(None, (self._run, self._children.get(visit))):
            self._points.add(run, metrics)

    def _log_points(self, *, last: bool = False) -> None:
        for run, metrics in self._points.take(last=last):
            for start in range(0, len(metrics), METRICS_AT_ONCE):
                self.client.log_batch(run, metrics=metrics[start : start + METRICS_AT_ONCE])

    def _find_run(self) -> tuple[str, list[Run]]:
        """The parent run, which is made where there is none, and its children."""
        description = self.history.description
        query = f"tags.`{RUN_TAG}` = '{description.id}'"
        runs = list(paginate(self.client.search_runs, [self._experiment], query))
        children = [run for run in runs if _is_child(run)]
        found = next((run for run in runs if not _is_child(run)), None)
        if found is not None and self._is_other(found, children):
            for run in (*children, found):
                self.client.delete_run(run.info.run_id)
            found, children = None, []
        self._notes = Notes({run.info.run_id: run.data.tags for run in runs})
        if found is not None and self.folder.is_running:
            for run in (found, *children):
                if run.info.status in ("KILLED", "FAILED"):  # it was resumed
                    self.client.update_run(run.info.run_id, status="RUNNING")
        if found is None:
            found = self.client.create_run(
                self._experiment,
                start_time=timestamp_of(description.created),
                tags=run_tags(description),
                run_name=run_name(description),
            )
            for child in children:  # of a parent that was deleted: they keep their own tags
                self.client.set_tag(child.info.run_id, PARENT_TAG, found.info.run_id)
        run = str(found.info.run_id)
        log_params(self.client, run, run_params(description))
        self.client.log_inputs(run, path_datasets(description))
        return run, children

    def _is_other(self, found: Run, children: Sequence[Run]) -> bool:
        """Whether a copy holds what the journal does not.

        So it does where a damaged journal has lost records, or where a run was forced to
        resume under other settings.
        """
        ours, params = run_params(self.history.description), found.data.params
        if any(not is_kept(value, params.get(name, value)) for name, value in ours.items()):
            return True
        history = record.History(self.history.description)
        known = set()
        for entry, _ in record.intact_records(self.folder.journal)[0]:
            history.add(entry)
            if isinstance(entry.event, record.Evaluated | record.ArmEvaluated):
                known.add((cost_then(history).steps, timestamp_of(entry.clock.time)))
        known.add((history.total_cost.steps, last_timestamp(history)))  # of the run's end
        if any(int(number) >= len(history.visits) for number in _by_tag(children, VISIT_TAG)):
            return True
        if not _by_tag(children, ARM_TAG).keys() <= history.arms.last.keys():
            return True
        points = self.client.get_metric_history(found.info.run_id, "progress/tokens")
        return any((point.step, point.timestamp) not in known for point in points)

    def _start_child(self, visit: record.Visit, time: int) -> None:
        if self._settings.visits_as_table:
            return
        reason = visit.visit_reason.value
        if visit.number not in self._children:
            tags = {
                PARENT_TAG: self._run,
                RUN_TAG: self.history.description.id,
                VISIT_TAG: str(visit.number),
                "visit_reason": reason,
            }
            stage = self.history.description.axis_names.words(visit.stage)
            name = f"visit {visit.number}: {stage}"
            run = self.client.create_run(self._experiment, time, tags, run_name=name)
            self._children[visit.number] = str(run.info.run_id)
        values = {
            "length": visit.stage.length,
            "vocab_size": visit.stage.vocab_size,
            "level": visit.stage.level,
            "visit_reason": reason,
        }
        log_params(self.client, self._children[visit.number], values)
        datasets = stage_datasets(self.history.description, visit.stage)
        self.client.log_inputs(self._children[visit.number], datasets)

    def _end_child(self, visit: record.Visit, time: int) -> None:
        if self._settings.visits_as_table:
            return
        run = self._children[visit.number]
        tags = [RunTag("verdict", visit.verdict), *self._notes.tags(run, visit.reason)]
        # Params can't change once logged, and these are settled only now.
        settled = {"learning_rate": visit.learning_rate, "hidden_size": visit.hidden_size}
        log_params(self.client, run, settled)
        self.client.log_batch(run, metrics=visit_metrics(self.history, visit), tags=tags)
        if visit.trials:
            self._artifacts.upload_tables(run, {"trials.json": self._presentation.trials(visit)})
            self._artifacts.upload_figures(
                self._presentation.visit_figures(self.history, visit), run
            )
        self.client.set_terminated(run, "FINISHED", end_time=time)


def _is_child(run: Run) -> bool:
    """Whether a copy's run is that of a visit or an arm."""
    return VISIT_TAG in run.data.tags or ARM_TAG in run.data.tags


def _by_tag(children: Sequence[Run], tag: str) -> dict[str, str]:
    """The ids of those that have a tag, by its value."""
    return {run.data.tags[tag]: run.info.run_id for run in children if tag in run.data.tags}
