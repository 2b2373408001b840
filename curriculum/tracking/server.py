"""MLflow's own UI on a store."""

from curriculum.errors import UsageError
from curriculum.processes import HOST, Server
from curriculum.record import Store

MODEL_TRAINING = "?workflowType=machine_learning"
"""Without it MLflow's pages are about language models as a service, until "Model training" is chosen."""


def mlflow_server(store: Store, tracking_uri: str, port: int) -> Server:
    """MLflow's UI on a database.

    Raises:
        UsageError: where MLflow is a server itself.
    """
    if tracking_uri.startswith(("http://", "https://")):
        raise UsageError("MLFLOW_TRACKING_URI names a server, which has a UI of its own; open that")
    arguments = ["-m", "mlflow", "ui"]
    arguments += ["--default-artifact-root", (store.root / "artifacts").as_uri()]
    arguments += ["--host", HOST, "--port", str(port), "--workers", "1"]
    arguments += ["--uvicorn-opts", "--log-level warning"]
    environment = {
        "MLFLOW_BACKEND_STORE_URI": tracking_uri,  # it may hold a password, and arguments are public
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "PYTHONWARNINGS": "ignore",
    }
    return Server(
        name=f"MLflow's UI on {store.root}",
        arguments=arguments,
        port=port,
        page=f"/#/experiments{MODEL_TRAINING}",
        environment=environment,
    )


def experiment_page(experiment_id: str) -> str:
    """The path of an experiment's page of runs."""
    return f"/#/experiments/{experiment_id}/runs{MODEL_TRAINING}"
