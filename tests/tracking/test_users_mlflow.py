"""A user's own use of MLflow around a run, and a server of theirs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow_copies import copy_of, sync
from servers import free_port, reply

import curriculum
from curriculum import Experiment, UsageError
from curriculum.processes import HOST
from curriculum.record import History, Store
from curriculum.tracking import local_tracking_uri
from curriculum.tracking.addresses import RUN_TAG
from curriculum.tracking.client import connect

pytestmark = pytest.mark.slow


@pytest.fixture
def own_tracking(mlflow_store: Path) -> Iterator[Path]:
    """The store's MLflow as the tracking server that a user has chosen; taken back after."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(local_tracking_uri(Store(mlflow_store)))
    yield mlflow_store
    mlflow.end_run()
    mlflow.set_tracking_uri(before)


def test_an_active_run_and_its_id_are_left_alone(
    tiny: Experiment, own_tracking: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mlflow.start_run(experiment_id="0") as active:
        monkeypatch.setenv("MLFLOW_RUN_ID", active.info.run_id)
        result = curriculum.run(tiny, store=own_tracking, mirror=False)
        sync(Store(own_tracking), Store(own_tracking).find(result.run_id))
        assert mlflow.active_run().info.run_id == active.info.run_id
        mlflow.log_metric("the_users_own", 1.0)
    users = mlflow.get_run(active.info.run_id)
    assert users.info.status == "FINISHED"
    assert set(users.data.metrics) == {"the_users_own"}
    assert users.data.params == {}
    parent, _ = copy_of(Store(own_tracking), Store(own_tracking).find(result.run_id))
    assert parent.info.run_id != active.info.run_id


def test_autologging_makes_no_difference(tiny: Experiment, own_tracking: Path) -> None:
    plain = curriculum.run(tiny, store=own_tracking, mirror=False)
    mlflow.pytorch.autolog()
    try:
        result = curriculum.run(tiny, store=own_tracking, mirror=False)
    finally:
        mlflow.pytorch.autolog(disable=True)
    assert result.weights_sha256 == plain.weights_sha256
    assert mlflow.search_runs(search_all_experiments=True).empty
    assert mlflow.active_run() is None


USER, PASSWORD = "teacher", "a-long-password-of-theirs"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of MLflow's that asks for a password and has a path prefix."""
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    settings = folder / "auth.ini"
    settings.write_text(
        "[mlflow]\ndefault_permission = READ\n"
        f"database_uri = sqlite:///{folder / 'auth.db'}\n"
        f"admin_username = {USER}\nadmin_password = {PASSWORD}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    command = ["-m", "mlflow", "server", "--app-name", "basic-auth", "--static-prefix", "/ml"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--port", str(port)]
    with (folder / "server.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=os.environ
            | {
                "MLFLOW_AUTH_CONFIG_PATH": str(settings),
                "MLFLOW_FLASK_SERVER_SECRET_KEY": "of this test",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        reply(f"http://{HOST}:{port}/ml/health", process)
        yield f"http://{HOST}:{port}/ml"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def test_a_server_with_a_password_and_a_path_prefix_gets_its_copy(
    tiny: Experiment, server: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = curriculum.run(tiny, store=store, mirror=False)
    folder = Store(store).find(result.run_id)
    with pytest.raises(UsageError, match="can't be brought up to date"):
        sync(Store(store), folder, server)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", USER)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    sync(Store(store), folder, server)
    client: Any = connect(Store(store), server)
    experiments = [found.experiment_id for found in client.search_experiments()]
    runs = client.search_runs(experiments, f"tags.`{RUN_TAG}` = '{folder.id}'")
    assert len(runs) == 1 + len(History.of(folder).visits)
    assert {run.info.status for run in runs} == {"FINISHED"}
    written = [path for path in store.rglob("*") if path.is_file()]
    assert not [path for path in written if PASSWORD.encode() in path.read_bytes()]
