"""Attaches a report to MLflow, beside the runs that it is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from curriculum.record.mirror import connect, experiment_id
from curriculum.record.store import Store
from curriculum.record.tracking import artifacts_folder

__all__ = ["attach_report"]

REPORT_TAG = "curriculum.comparison"


def attach_report(
    store: Store,
    tracking_uri: str,
    experiment: str,
    files: Sequence[Path],
    *,
    note: str,
    metrics: Mapping[str, float],
) -> str:
    """Make a run of MLflow's that carries the report of a comparison, and give its id.

    One that is there already is brought up to date: an experiment has one.

    Args:
        store: whose runs were compared.
        tracking_uri: MLflow's.
        experiment: its name.
        files: the report, and what else is attached.
        note: what the UI shows of it, in markdown.
        metrics: of each strategy, say its reach.
    """
    client = connect(store, tracking_uri)
    place = experiment_id(client, experiment, artifacts_folder(store, tracking_uri))
    found = client.search_runs([place], f"tags.`{REPORT_TAG}` = 'yes'", max_results=1)
    if found:
        run = str(found[0].info.run_id)
    else:
        tags = {REPORT_TAG: "yes"}
        run = str(client.create_run(place, tags=tags, run_name="comparison").info.run_id)
    try:
        for file in files:
            client.log_artifact(run, str(file))
        client.set_tag(run, "mlflow.note.content", note)
        for name, value in metrics.items():
            client.log_metric(run, name, value)
    finally:
        client.set_terminated(run)
    return run
