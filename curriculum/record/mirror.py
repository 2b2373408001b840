"""Copies a run's journal into MLflow, as often as one likes: repeating it changes nothing.

It only reads the run. Points carry the journal's timestamps, and what is there already is
looked for before anything is created.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "120")  # a server may be slow

from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from curriculum.record.history import History, Visit
from curriculum.record.journal import Record, read_journal, whole_records
from curriculum.record.lock import Lock
from curriculum.record.mirrored_artifacts import MirroredArtifacts
from curriculum.record.mirrored_metrics import (
    final_metrics,
    last_stamp,
    look_metrics,
    reach_metrics,
    stamp_of,
    visit_metrics,
    winner_metrics,
)
from curriculum.record.presentation import Presentation
from curriculum.record.store import RunFolder, Store, checkpoint_name
from curriculum.record.tracking import RUN_TAG, database_uri

__all__ = ["Mirror", "connect", "experiment_id"]

VISIT_TAG = "curriculum.visit"
METRICS_AT_ONCE = 1000
PLAIN = "gated"
"""The strategy that a run's name doesn't mention."""
STATUS = {
    "reached": "FINISHED",
    "stopped": "FINISHED",
    "interrupted": "KILLED",
    "killed": "KILLED",
    "failed": "FAILED",
}


def connect(store: Store, tracking_uri: str) -> MlflowClient:
    """A client of MLflow. The store's own database is made where there is none yet."""
    if tracking_uri != database_uri(store):
        return MlflowClient(tracking_uri)
    store.mirrors.mkdir(parents=True, exist_ok=True)
    with Lock(store.mirrors / "database.lock") as lock:  # two may not migrate at once
        lock.acquire(wait=True)
        client = MlflowClient(tracking_uri)
        client.search_experiments(max_results=1)
    return client


def experiment_id(client: MlflowClient, name: str, artifacts: Path | None) -> str:
    """MLflow's id of an experiment, made where there is none, restored where it was deleted."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    location = None if artifacts is None else (artifacts / name.replace(":", "-")).as_uri()
    try:
        tags = {"mlflow.experimentKind": "custom_model_development"}  # the UI's layout
        return str(client.create_experiment(name, location, tags))
    except MlflowException:
        found = client.get_experiment_by_name(name)  # another mirror was faster
        if found is None:
            raise
        return str(found.experiment_id)


class Mirror:
    """One run's copy in MLflow: a parent run, and a child run for each visit."""

    def __init__(
        self,
        folder: RunFolder,
        client: MlflowClient,
        *,
        artifacts: Path | None,
        presentation: Presentation,
    ) -> None:
        """Find the copy or begin it; one that tells of what the journal does not is begun anew.

        Args:
            folder: the run.
            client: MLflow's.
            artifacts: where a new experiment keeps its artifacts; None leaves it to the server.
            presentation: makes notes, plots and tables of what is copied.
        """
        self.folder = folder
        self.client = client
        self.history = History(folder.description())
        self._presentation = presentation
        self._offset = 0
        self._checkpoints: list[str] = []  # to upload, once they are there
        self._experiment = experiment_id(client, self.history.description["experiment"], artifacts)
        self._children: dict[int, str] = {}
        self._run = self._find_run()
        self._artifacts = MirroredArtifacts(folder, client, self._experiment, self._run)

    @property
    def complete(self) -> bool:
        """Whether the run's last record is copied."""
        return self.history.end is not None

    def copy(self) -> None:
        """Copy what the journal has gained."""
        if not self.folder.journal.exists():
            return
        if self.folder.journal_bytes < self._offset:
            raise RuntimeError("the journal has lost records, and is to be copied anew")
        points: dict[str, list[Metric]] = {}
        for record, offset in read_journal(self.folder.journal, self._offset):
            self._apply(record, points)
            self._offset = offset
        for run, metrics in points.items():
            self._log(run, metrics)
        for name in self._checkpoints:
            self._artifacts.save(name)

    def close(self, status: str) -> None:
        """Give the copy its note, plots, model and status, once the run has stopped or is over.

        What it came to and cost is then there for every run that is over, also for one that
        ended before its first verdict: what is compared has no gaps. One that has stopped may
        go on, and would have it twice.
        """
        if self.complete:
            self._log(self._run, [*reach_metrics(self.history), *final_metrics(self.history)])
        self._artifacts.plot(self._presentation.pictures(self.history))
        self._artifacts.show_model(self.history)
        note = self._presentation.note(self.history)
        self.client.set_tag(self._run, "mlflow.note.content", note)
        self.client.set_tag(self._run, "status", status)
        ended = last_stamp(self.history)
        for visit in self.history.visits:
            if visit.ended is None:  # what it cost and came to is settled when it has ended
                child = self._children[visit.number]
                self.client.set_tag(child, "verdict", visit.verdict)
                self.client.set_terminated(child, STATUS[status], end_time=ended)
        self.client.set_terminated(self._run, STATUS[status], end_time=ended)

    def _apply(self, record: Record, points: dict[str, list[Metric]]) -> None:
        self.history.add(record)
        kind, stamp = record["kind"], stamp_of(record)
        if kind == "visit":
            self._begin_child(self.history.visits[-1], stamp)
        elif kind == "look":
            metrics = look_metrics(self.history, record)
            for run in (self._run, self._children[record["visit"]]):
                points.setdefault(run, []).extend(metrics)
        elif kind == "ahead" and record["mastered"]:
            points.setdefault(self._run, []).extend(reach_metrics(self.history))
        elif kind == "choice":
            metrics = winner_metrics(self.history)
            for run in (self._run, self._children[record["visit"]]):
                points.setdefault(run, []).extend(metrics)
        elif kind == "verdict":
            points.setdefault(self._run, []).extend(reach_metrics(self.history))
            self._end_child(self.history.visits[-1], stamp)
            if record["verdict"] == "mastered":
                self._checkpoints.append(checkpoint_name(len(self.history.visits)))
        elif kind == "change":
            self.client.set_tag(self._run, "changes", json.dumps(record["changes"]))
        elif kind == "end":
            self._checkpoints.append(checkpoint_name(len(self.history.visits)))

    def _log(self, run: str, metrics: list[Metric]) -> None:
        for start in range(0, len(metrics), METRICS_AT_ONCE):
            self.client.log_batch(run, metrics=metrics[start : start + METRICS_AT_ONCE])

    def _find_run(self) -> str:
        described = self.history.description
        runs = list(self._search(f"tags.`{RUN_TAG}` = '{described['id']}'"))
        found = next((run for run in runs if VISIT_TAG not in run.data.tags), None)
        children = [run for run in runs if VISIT_TAG in run.data.tags]
        if found is not None and self._is_other(found, children):
            for run in (*children, found):
                self.client.delete_run(run.info.run_id)
            found, children = None, []
        self._children = {int(run.data.tags[VISIT_TAG]): run.info.run_id for run in children}
        if found is not None and self.folder.is_running:
            for run in (found, *children):
                if run.info.status in ("KILLED", "FAILED"):  # it goes on
                    self.client.update_run(run.info.run_id, status="RUNNING")
        if found is None:
            found = self.client.create_run(
                self._experiment,
                start_time=int(described["created"] * 1000),
                tags=_tags(described),
                run_name=_name(described),
            )
        run = str(found.info.run_id)
        self._log_params(run, _params(described))
        return run

    def _is_other(self, found: Run, children: Sequence[Run]) -> bool:
        """Whether a copy tells of what the journal does not.

        So it is where a damaged journal has lost records, or where a run was made to go on
        under other settings.
        """
        ours, params = _params(self.history.description), found.data.params
        if any(params.get(name, value) != value for name, value in ours.items()):
            return True
        history = History(self.history.description)
        known = set()
        for record, _ in whole_records(self.folder.journal)[0]:
            history.add(record)
            if record["kind"] == "look":
                known.add((history.total.steps, stamp_of(record)))
        if any(int(run.data.tags[VISIT_TAG]) >= len(history.visits) for run in children):
            return True
        points = self.client.get_metric_history(found.info.run_id, "progress/tokens")
        return any((point.step, point.timestamp) not in known for point in points)

    def _log_params(self, run: str, values: Mapping[str, Any]) -> None:
        params = [Param(name, str(value)) for name, value in values.items()]
        self.client.log_batch(run, params=params)

    def _search(self, query: str) -> Iterable[Run]:
        token: str | None = None
        while True:
            page = self.client.search_runs([self._experiment], query, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _begin_child(self, visit: Visit, stamp: int) -> None:
        if visit.number not in self._children:
            tags = {
                "mlflow.parentRunId": self._run,
                RUN_TAG: self.history.description["id"],
                VISIT_TAG: str(visit.number),
                "entry": visit.entry,
            }
            name = f"visit {visit.number}: {visit.stage}"
            run = self.client.create_run(self._experiment, stamp, tags, run_name=name)
            self._children[visit.number] = str(run.info.run_id)
        values = {
            "length": visit.stage.length,
            "vocab_size": visit.stage.vocab_size,
            "entry": visit.entry,
        }
        self._log_params(self._children[visit.number], values)

    def _end_child(self, visit: Visit, stamp: int) -> None:
        run = self._children[visit.number]
        tags = [RunTag("verdict", visit.verdict), RunTag("mlflow.note.content", visit.reason)]
        # Params can't change once logged, and these are settled only now.
        chosen = {"learning_rate": visit.learning_rate, "hidden_size": visit.hidden_size}
        self._log_params(run, chosen)
        self.client.log_batch(run, metrics=visit_metrics(self.history, visit), tags=tags)
        if visit.trials:
            self._artifacts.tabulate(run, "trials.json", self._presentation.trials(visit))
            self._artifacts.plot(self._presentation.visit_pictures(visit), run)
        self.client.set_terminated(run, "FINISHED", end_time=stamp)


def _name(described: dict[str, Any]) -> str:
    """What tells a run from its neighbours; a plain gated one is the experiment itself.

    >>> _name({"experiment": "lstm_firstbit", "strategy": "bandit", "seed": 3})
    'lstm_firstbit bandit seed 3'
    """
    parts = [described["experiment"], described["strategy"], f"seed {described['seed']}"]
    return " ".join(part for part in parts if part != PLAIN)


def _params(described: dict[str, Any]) -> dict[str, str]:
    """All settings, flat, and what runs are told apart by: the UI's plots know no tags."""
    found = described["settings"] | {name: described[name] for name in ("strategy", "seed")}
    return {name: _spelled(value) for name, value in found.items()}


def _spelled(value: Any) -> str:
    """A value on one line; the UI would break a list in brackets into many.

    >>> _spelled([0.9, 0.999])
    '0.9, 0.999'
    """
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _tags(described: dict[str, Any]) -> dict[str, str]:
    tags = {
        RUN_TAG: described["id"],
        "seed": str(described["seed"]),
        "strategy": described["strategy"],
        "task": described["task"],
        "model": described["model"],
        "device": described["device"],
        "mlflow.source.name": described["experiment"],
    }
    if described["git_commit"] is not None:
        tags["mlflow.source.git.commit"] = described["git_commit"]
    return tags | {f"version.{name}": value for name, value in described["environment"].items()}
