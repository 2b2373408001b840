"""A run's checkpoints, plots and final model in MLflow."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.entities import LoggedModelOutput
from mlflow.tracking import MlflowClient

from curriculum.record import History, RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Artifacts:
    """The files of a run in MLflow. What is there whole is not uploaded again."""

    def __init__(self, folder: RunFolder, client: MlflowClient, experiment: str, run: str) -> None:
        self.folder = folder
        self.client = client
        self._experiment = experiment
        self._run = run
        self._saved = self._find_checkpoints()

    def upload_checkpoint(self, name: str) -> None:
        """Upload a checkpoint, unless it is there already or gone from the run's folder."""
        path = self.folder.checkpoints / name
        if name in self._saved or not path.is_dir():
            return
        with contextlib.suppress(FileNotFoundError):  # superseded meanwhile
            self.client.log_artifacts(self._run, str(path), f"checkpoints/{name}")
            self._saved.add(name)

    def upload_figures(self, figures: Mapping[str, Figure], run: str | None = None) -> None:
        """Upload the plots of the run, or of a child run, over those that were there."""
        for name, figure in figures.items():
            self.client.log_figure(run or self._run, figure, f"plots/{name}.png")

    def upload_table(self, run: str, name: str, table: Mapping[str, list[Any]]) -> None:
        """Upload a table of columns, which the UI shows as one, over what was there."""
        content = {
            "columns": list(table),
            "data": list(map(list, zip(*table.values(), strict=True))),
        }
        self.client.log_dict(run, content, name)
        tables = json.dumps([{"path": name, "type": "table"}])
        self.client.set_tag(run, "mlflow.loggedArtifacts", tables)

    def log_model(self, history: History) -> None:
        """Log the final model, once, so that the UI shows it under Models."""
        if history.end is None or not self._saved:
            return
        known = self.client.search_logged_models(
            [self._experiment], filter_string=f"source_run_id = '{self._run}'"
        )
        if any(str(model.status) == "READY" for model in known):
            return
        described = history.description
        model = (
            known[0]
            if known
            else self.client.create_logged_model(
                self._experiment,
                name=re.sub(r"[^A-Za-z0-9_-]", "-", described.experiment),
                source_run_id=self._run,
                tags={"weights_sha256": history.end.weights_sha256},
                model_type=described.model,
            )
        )
        newest = self.folder.checkpoints / max(self._saved)
        self.client.log_model_artifacts(model.model_id, str(newest))
        self.client.finalize_logged_model(model.model_id, "READY")
        outputs = [LoggedModelOutput(model.model_id, history.total_cost.steps)]
        self.client.log_outputs(self._run, outputs)

    def _find_checkpoints(self) -> set[str]:
        """The checkpoints that were uploaded whole."""
        found = set()
        for info in self.client.list_artifacts(self._run, "checkpoints"):
            name = Path(info.path).name
            uploaded = self.client.list_artifacts(self._run, f"checkpoints/{name}")
            ours = self.folder.checkpoints / name
            if not ours.is_dir() or len(uploaded) == len(list(ours.iterdir())):
                found.add(name)
        return found
