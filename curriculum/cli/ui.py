"""The command `ui`: serves MLflow's UI and Optuna's dashboard on a store."""

import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curriculum import record, tracking, tune
from curriculum.cli.arguments import OptunaOption, StoreOption
from curriculum.cli.parser import option
from curriculum.cli.sync import destinations
from curriculum.cli.terminal import print_error, print_note
from curriculum.cli.values import PORTS, port
from curriculum.errors import UsageError
from curriculum.processes import HOST, Server

MOST_PAGES = 5
"""Of the experiments, so many are printed, the newest first."""


@dataclass(frozen=True, kw_only=True)
class UiRequest(StoreOption, OptunaOption):
    """Which store to show, and where."""

    port: int = option(
        "the port of MLflow's UI; Optuna's dashboard takes the next free one", port, default=5000
    )


def ui(request: UiRequest) -> int:
    """Bring MLflow up to date with every run, and serve until stopped."""
    store = record.Store(request.store)
    copies = destinations(store, None, request.optuna_storage)
    servers = [tracking.mlflow_server(store, copies.tracking_uri, request.port)]
    trouble = _trouble(request.port)
    if trouble is not None:
        raise UsageError(
            f"port {request.port} can't be used ({trouble}); choose another with --port"
        )
    if copies.optuna_storage != tune.local_storage(store):
        tune.check_storage(copies.optuna_storage)
    local = copies.tracking_uri == tracking.local_tracking_uri(store)
    there = tracking.copied_runs(store) if local else None
    for folder in store.runs():
        synced = tracking.is_synced(store, folder, copies) and (there is None or folder.id in there)
        if not (folder.is_running or synced):
            print_note(f"copying run {folder.id} into MLflow …")
            try:
                tracking.sync_run(store, folder, copies)
            except UsageError as error:  # one run's trouble does not keep the rest from view
                print_error(error)
    if tune.has_studies(copies.optuna_storage):
        if tune.is_installed():
            free = _port_from(request.port + 1)
            servers.append(tune.dashboard_server(copies.optuna_storage, free))
        else:
            print_note("Optuna's dashboard would show the studies: pip install optuna-dashboard")
    if local:
        tracking.relocate_artifacts(store)
    experiments = tracking.experiment_ids(store) if local else {}
    pages = {name: tracking.experiment_page(found) for name, found in experiments.items()}
    return _serve(servers, dict(list(pages.items())[:MOST_PAGES]))


def _serve(servers: Sequence[Server], pages: Mapping[str, str]) -> int:
    """Serve until stopped, or until the first of them ends; print their addresses.

    Of the first one, the paths of some pages too: what they show, and where it is.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started: list[subprocess.Popen[bytes]] = []
    try:
        for server in servers:
            print(f"{server.name}: http://{HOST}:{server.port}{server.page}", flush=True)
            started.append(server.start())
            for name, path in pages.items() if server is servers[0] else ():
                print(f"  {name}: http://{HOST}:{server.port}{path}", flush=True)
        print("Ctrl-C stops", "it" if len(servers) == 1 else "them", flush=True)
        return int(started[0].wait())
    except KeyboardInterrupt:
        return 0
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def _port_from(first: int) -> int:
    """The first port from there on that can be used."""
    for number in range(first, min(first + 100, PORTS)):
        if _trouble(number) is None:
            return number
    raise UsageError(f"no port from {first} to {first + 99} can be used")


def _trouble(number: int) -> str | None:
    """Why the port can't be used; None where it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except OSError as error:
            return error.strerror
    return None
