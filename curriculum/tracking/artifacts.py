"""A run's checkpoints, plots and final model in MLflow."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mlflow.entities import LoggedModelOutput
from mlflow.tracking import MlflowClient

from curriculum.record import History, RunFolder, source_sha256
from curriculum.tracking.addresses import NOTE_TAG, RUN_TAG
from curriculum.tracking.logged_model import save_model
from curriculum.tracking.metrics import model_metrics, of_model
from curriculum.tracking.run_fields import final_dataset, run_tags

if TYPE_CHECKING:
    from matplotlib.figure import Figure


log = logging.getLogger(__name__)

KEPT = (RUN_TAG, "mlflow.user", "mlflow.source.name", "mlflow.source.type")
"""Of a run's tags, those of its model."""


def remove_leftovers(artifacts: Path, runs: Iterable[str]) -> None:
    """Delete what a mirror that was killed as it uploaded files has left of them, in the store alone.

    Args:
        artifacts: the store's folder of them.
        runs: MLflow's ids of a run and its child runs, which nobody else copies meanwhile.
    """
    inside = artifacts.resolve()
    for run in runs:
        for path in artifacts.glob(f"*/{run}/artifacts/**/.artifact.uploading.*"):
            if path.parent.resolve().is_relative_to(inside):
                with contextlib.suppress(OSError):
                    path.unlink()


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
        path = self.folder.checkpoint(name)
        if name in self._saved or not path.is_dir():
            return
        with contextlib.suppress(FileNotFoundError):  # superseded meanwhile
            self.client.log_artifacts(self._run, str(path), f"checkpoints/{name}")
            self._saved.add(name)

    def upload_figures(self, figures: Mapping[str, Figure], run: str | None = None) -> None:
        """Upload the plots of the run, or of a child run, over those that were there."""
        for name, figure in figures.items():
            self.client.log_figure(run or self._run, figure, f"plots/{name}.png")

    def upload_tables(self, run: str, tables: Mapping[str, Mapping[str, list[Any]]]) -> None:
        """Upload all tables of a run, each of columns, which the UI shows as such, over what was there."""
        for name, table in tables.items():
            content = {
                "columns": list(table),
                "data": list(map(list, zip(*table.values(), strict=True))),
            }
            self.client.log_dict(run, content, name)
        shown = json.dumps([{"path": name, "type": "table"} for name in tables])
        self.client.set_tag(run, "mlflow.loggedArtifacts", shown)

    def log_model(self, history: History, params: Mapping[str, str], note: str) -> None:
        """Log the final model, once, so that MLflow shows it under Models, and loads it.

        Args:
            history: the run's; where it isn't over, there is no model yet.
            params: that the model's page shows.
            note: its description.
        """
        if history.end is None or not self._saved:
            return
        described = history.description
        known = self.client.search_logged_models(
            [self._experiment], filter_string=f"source_run_id = '{self._run}'"
        )
        if any(str(model.status) == "READY" for model in known):
            return
        model = (
            known[0]
            if known
            else self.client.create_logged_model(
                self._experiment,
                name=re.sub(r"[^A-Za-z0-9_-]", "-", described.experiment),
                source_run_id=self._run,
                tags={
                    "weights_sha256": history.end.weights_sha256,
                    **{name: value for name, value in run_tags(described).items() if name in KEPT},
                    NOTE_TAG: note,
                },
                params=dict(params),
                model_type=described.model,
            )
        )
        checkpoint = self.folder.checkpoint(max(self._saved))
        with TemporaryDirectory() as aside:
            folder = Path(aside) / "model"
            save_model(
                folder,
                checkpoint,
                history,
                model_id=model.model_id,
                run_id=self._run,
                code=_code(history),
            )
            self.client.log_model_artifacts(model.model_id, str(folder))
        metrics = of_model(model_metrics(history), model.model_id, final_dataset(described))
        self.client.log_batch(self._run, metrics=metrics)
        self._link(model.model_id, history.total_cost.steps)
        # Last: a model that is READY is whole.
        self.client.finalize_logged_model(model.model_id, "READY")

    def _link(self, model_id: str, steps: int) -> None:
        """Have the run's page show its model; MLflow refuses to be told so twice."""
        outputs = self.client.get_run(self._run).outputs
        known = [] if outputs is None else outputs.model_outputs
        if all(each.model_id != model_id for each in known):
            self.client.log_outputs(self._run, [LoggedModelOutput(model_id, steps)])

    def _find_checkpoints(self) -> set[str]:
        """The checkpoints that were uploaded whole."""
        found = set()
        for info in self.client.list_artifacts(self._run, "checkpoints"):
            name = Path(info.path).name
            ours = self.folder.checkpoints / name
            if not ours.is_dir() or self._is_whole(ours):
                found.add(name)
        return found

    def _is_whole(self, checkpoint: Path) -> bool:
        """Whether all files of a checkpoint are there, at their full length as far as MLflow tells."""
        listed = self.client.list_artifacts(self._run, f"checkpoints/{checkpoint.name}")
        uploaded = {Path(info.path).name: info.file_size for info in listed}
        sizes = {path.name: path.stat().st_size for path in checkpoint.iterdir()}
        return uploaded.keys() == sizes.keys() and all(
            uploaded[name] in (None, size) for name, size in sizes.items()
        )


def _code(history: History) -> Path | None:
    """The user's file, if it goes with the model, and is still what the run was made with."""
    described = history.description
    if not described.mlflow.log_code or described.source is None:
        return None
    path = Path(described.source)
    if not path.is_file() or source_sha256(path) != described.source_sha256:
        log.warning(
            "%s has changed since run %s, and is not logged with its model", path, described.id
        )
        return None
    return path
