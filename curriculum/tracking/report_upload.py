"""Uploads the report of a comparison to MLflow, beside the runs that it is about."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from curriculum.record import Store
from curriculum.tracking.addresses import artifacts_folder
from curriculum.tracking.client import connect, experiment_id

REPORT_TAG = "curriculum.comparison"


def upload_report(
    store: Store,
    tracking_uri: str,
    experiment: str,
    files: Sequence[Path],
    *,
    note: str,
    metrics: Mapping[str, float],
) -> str:
    """Make an MLflow run that carries the report of a comparison, and give its id.

    One that is there already is brought up to date: an experiment has one.

    Args:
        store: whose runs were compared.
        tracking_uri: MLflow's.
        experiment: its name.
        files: the report, and what else is attached.
        note: its description in the UI, in markdown.
        metrics: of each strategy, such as its reach.
    """
    client = connect(store, tracking_uri)
    experiment_number = experiment_id(client, experiment, artifacts_folder(store, tracking_uri))
    found = client.search_runs([experiment_number], f"tags.`{REPORT_TAG}` = 'yes'", max_results=1)
    if not found:
        tags = {REPORT_TAG: "yes"}
        found = [client.create_run(experiment_number, tags=tags, run_name="comparison")]
    run = str(found[0].info.run_id)
    try:
        for file in files:
            client.log_artifact(run, str(file))
        client.set_tag(run, "mlflow.note.content", note)
        for name, value in metrics.items():
            client.log_metric(run, name, value)
    finally:
        client.set_terminated(run)
    return run
