"""The arms of a portfolio in MLflow: a child run of the run for each."""

from __future__ import annotations

from collections.abc import Mapping

from mlflow.entities import RunTag
from mlflow.tracking import MlflowClient

from curriculum import record
from curriculum.tracking.addresses import ARM_TAG, PARENT_TAG, RUN_TAG
from curriculum.tracking.arm_fields import arm_note, arm_params, arm_tags
from curriculum.tracking.arm_metrics import arm_metrics, predicted_metrics
from curriculum.tracking.client import log_params
from curriculum.tracking.metric_points import timestamp_of
from curriculum.tracking.notes import Notes
from curriculum.tracking.point_buffer import PointBuffer


class ArmRuns:
    """The child runs of a run's arms, each from the arm's first evaluation on.

    They have what the run's own journal tells of the race.
    """

    def __init__(
        self,
        client: MlflowClient,
        experiment: str,
        parent: str,
        *,
        known: Mapping[str, str],
        points: PointBuffer,
        notes: Notes,
    ) -> None:
        """Make ready.

        Args:
            client: MLflow's.
            experiment: its id of the experiment.
            parent: its id of the run.
            known: its ids of the child runs that there are, by arm.
            points: gathers what is to be logged.
            notes: of the copy's runs.
        """
        self._client, self._experiment, self._parent = client, experiment, parent
        self._runs, self._points, self._notes = dict(known), points, notes
        self._shown: dict[str, dict[str, str]] = {}
        self._ended: dict[str, tuple[str, int]] = {}
        self._times: dict[str, int] = {}
        self._over: int | None = None

    def add(self, history: record.History, entry: record.Record, before: float) -> None:
        """Copy a record of the race that the history has taken into account.

        Its points are gathered.

        Args:
            history: of the run.
            entry: the record.
            before: the time of day of the record before it, since when an arm was trained.
        """
        time = timestamp_of(entry.clock.time)
        match event := entry.event:
            case record.ArmEvaluated():
                run = self._run_of(event.arm, history, timestamp_of(before))
                self._times[event.arm] = time
                self._points.add(run, arm_metrics(history, event, time))
            case record.FavouritesChanged():
                for arm, remaining in event.remaining.items():
                    if remaining is not None:
                        last = history.arms.last[arm]
                        self._points.add(
                            self._runs[arm],
                            predicted_metrics(remaining, last, self._times[arm]),
                        )
            case record.ArmSelected():
                self._over = time
                for run in self._runs.values():
                    self._points.finish(run)
            case _:
                pass

    def update(self, history: record.History) -> None:
        """Have each child run say how its arm stands, and end where that has ended."""
        for arm, event in history.arms.last.items():
            run, tags = self._runs[arm], arm_tags(history, arm)
            if tags != self._shown.get(arm):
                self._show(run, tags, arm_note(history, arm))
                self._shown[arm] = tags
            if event.report.ending is not None:
                self._end(arm, "FINISHED", self._times[arm])
            elif self._over is not None:
                status = "FINISHED" if tags["selected"] == "yes" else "KILLED"
                self._end(arm, status, self._over)

    def close(self, status: str, time: int) -> None:
        """End those that are open, as the run was stopped before its race was over."""
        for arm in self._times.keys() - self._ended.keys():
            self._client.set_terminated(self._runs[arm], status, end_time=time)

    def _show(self, run: str, tags: Mapping[str, str], note: str) -> None:
        found = [RunTag(name, value) for name, value in tags.items()]
        self._client.log_batch(run, tags=[*found, *self._notes.tags(run, note)])

    def _end(self, arm: str, status: str, time: int) -> None:
        if self._ended.get(arm) != (status, time):
            self._client.set_terminated(self._runs[arm], status, end_time=time)
            self._ended[arm] = status, time

    def _run_of(self, arm: str, history: record.History, time: int) -> str:
        """An arm's child run, which is made where there is none."""
        if arm in self._times:
            return self._runs[arm]
        if arm not in self._runs:
            tags = {
                PARENT_TAG: self._parent,
                RUN_TAG: history.description.id,
                ARM_TAG: arm,
                "kind": "arm",
                "strategy": arm,
            }
            made = self._client.create_run(self._experiment, time, tags, run_name=arm)
            self._runs[arm] = str(made.info.run_id)
        log_params(self._client, self._runs[arm], arm_params(arm))
        return self._runs[arm]
