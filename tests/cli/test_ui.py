"""The command `ui`: its servers answer this machine alone, and end with it."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow_copies import sync
from servers import free_port, reply

import curriculum
from curriculum import Experiment, Tuning
from curriculum.processes import HOST, python_command
from curriculum.record import Store
from curriculum.tracking import TRACKING_URI_VARIABLE, mlflow_server
from curriculum.tune import STORAGE_VARIABLE, dashboard_server

SECRET = "postgresql://me:hunter2@127.0.0.1/studies"


def status(port: int, host: str, origin: str | None = None, path: str = "/") -> int:
    headers = {"Host": host} | ({} if origin is None else {"Origin": origin})
    request = urllib.request.Request(f"http://{HOST}:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def members(session: int) -> list[int]:
    """The processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if os.getsid(int(entry.name)) == session:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def children(process: int) -> list[int]:
    return [*map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM])
def test_both_servers_answer_this_machine_alone_and_end_with_the_command(
    number: signal.Signals,
    tiny: Experiment,
    store: Path,
    new_database: Callable[[Path], Path],
) -> None:
    new_database(store)
    curriculum.run(tiny.replace(tuning=Tuning(mode="each", trials=4)), store=store, mirror=False)
    sync(Store(store), Store(store).find("last"))
    port = free_port()
    others = (TRACKING_URI_VARIABLE, STORAGE_VARIABLE)
    ui = subprocess.Popen(
        python_command("-m", "curriculum", "ui", "--store", str(store), "--port", str(port)),
        env={name: value for name, value in os.environ.items() if name not in others},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert ui.stdout is not None
    lines = [ui.stdout.readline() for _ in range(3)]
    dashboard = int(lines[2].rpartition(":")[2])
    try:
        reply(f"http://{HOST}:{port}/health", ui)
        reply(f"http://{HOST}:{dashboard}/api/studies", ui)
        if number is signal.SIGKILL:
            for each in (port, dashboard):
                assert status(each, f"{HOST}:{each}") < 400
                assert status(each, f"localhost:{each}") < 400
                assert status(each, "evil.example") == 403
                assert status(each, f"evil.example:{each}") == 403
            assert status(dashboard, f"{HOST}:{dashboard}", "http://evil.example") == 403
            assert status(dashboard, f"{HOST}:{dashboard}", f"http://{HOST}:{dashboard}") < 400
        servers = children(ui.pid)
        assert len(servers) == 2
    finally:
        ui.send_signal(number)
        ui.wait()
        ui.stdout.close()
    end = time.monotonic() + 5
    while any(members(server) for server in servers):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_no_secret_is_among_the_arguments_of_a_server(tmp_path: Path) -> None:
    for server in (mlflow_server(Store(tmp_path), SECRET, 1), dashboard_server(SECRET, 2)):
        assert not any("hunter2" in argument for argument in server.arguments)
        assert SECRET in server.environment.values()
        assert "hunter2" not in server.name
