"""Kills MLflow's server within a run, brings it back, and counts what is missing in the end.

    python benchmarks/outage.py --away 60
    python benchmarks/outage.py --away 10 --empty      the server comes back with nothing
    python benchmarks/outage.py --away 0 --delay 30    each call takes so long

Prints one JSON object: how long appends to the journal took while the server was away, in
milliseconds, and how many points MLflow lacks, or has twice, in the end.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

import curriculum
from curriculum import Adam, Budget, Experiment, Explicit, Mastery, Training
from curriculum.models import Recurrent
from curriculum.record import Evaluated, Event, History, Record, RunFolder, Store
from curriculum.record.journal import Journal, read_journal
from curriculum.tasks import FirstBit


def experiment(seconds: float) -> Experiment:
    """A run that ends by the clock: at that rate its model learns next to nothing."""
    return Experiment(
        task=FirstBit(),
        model=Recurrent(cell="lstm", hidden_size=20),
        growth=Explicit(lengths=(2, 60)),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=1e-6),
        training=Training(eval_every=20),
        budget=Budget(seconds=seconds, steps_per_stage=10**9),
        name="outage",
    )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """MLflow's, on loopback, with its data in a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        database = f"sqlite:///{folder / 'mlflow.db'}"
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database]
        command += ["--artifacts-destination", str(folder / "artifacts"), "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        self._process = subprocess.Popen(
            command,
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    connection.close()
                    return
            except OSError:
                time.sleep(0.1)

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def slow_proxy(port: int, delay: float) -> ThreadingHTTPServer:
    """A server that forwards each call after a while."""

    class Proxy(BaseHTTPRequestHandler):
        def forward(self) -> None:
            time.sleep(delay)
            connection = http.client.HTTPConnection("127.0.0.1", port)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            content = response.read()
            connection.close()
            self.send_response(response.status)
            self.send_header("Content-Type", response.headers.get("Content-Type", "text/plain"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Requests are not worth a line."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    return proxy


def compare_with_journal(folder: RunFolder, uri: str) -> dict[str, Any]:
    """How MLflow's points for the evaluations compare with the journal's."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    ids = [found.experiment_id for found in client.search_experiments()]
    query = f"tags.`curriculum.run_id` = '{folder.id}'"
    parents = [
        run for run in client.search_runs(ids, query) if "mlflow.parentRunId" not in run.data.tags
    ]
    history, expected = History(folder.description()), Counter[tuple[int, int, float]]()
    for record, _ in read_journal(folder.journal):
        history.add(record)
        if isinstance(record.event, Evaluated):
            moment, total = int(record.clock.time * 1000), history.total_cost
            expected[total.steps, moment, float(total.tokens)] += 1
    there: Counter[tuple[int, int, float]] = Counter()
    for parent in parents:
        for point in client.get_metric_history(parent.info.run_id, "progress/tokens"):
            there[point.step, point.timestamp, point.value] += 1
    return {
        "runs": len(parents),
        "status": [parent.info.status for parent in parents],
        "evaluations": expected.total(),
        "missing": (expected - there).total(),
        "too_many": (there - expected).total(),
    }


def main() -> None:
    """Run through an outage, and print its effects."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--away", type=float, default=60.0, help="seconds; default: 60")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds a call takes")
    parser.add_argument("--empty", action="store_true", help="it comes back with nothing")
    options = parser.parse_args()
    place, port = Path(tempfile.mkdtemp()), free_port()
    server = Server(place, port)
    proxy = slow_proxy(port, options.delay) if options.delay else None
    uri = f"http://127.0.0.1:{proxy.server_address[1] if proxy else port}"
    took: list[tuple[float, float]] = []
    write = Journal.write

    def timed(self: Journal, event: Event, *, seconds: float, at: float | None = None) -> Record:
        began = time.perf_counter()
        record = write(self, event, seconds=seconds, at=at)
        took.append((time.monotonic(), time.perf_counter() - began))
        return record

    Journal.write = timed  # type: ignore[method-assign]
    away: list[float] = []

    def outage() -> None:
        time.sleep(8)
        server.kill()
        away.append(time.monotonic())
        time.sleep(options.away)
        away.append(time.monotonic())
        Server(place / "empty" if options.empty else place, port)

    (place / "empty").mkdir()
    breaker = threading.Thread(target=outage)
    if options.away:
        breaker.start()
    length = options.away + 16 if options.away else 10
    result = curriculum.run(experiment(length), store=place / "store", tracking_uri=uri, wait=True)
    if options.away:
        breaker.join()
    folder = Store(place / "store").find(result.run_id)
    found = compare_with_journal(folder, f"http://127.0.0.1:{port}")
    if away:
        inside = [1000 * seconds for moment, seconds in took if away[0] < moment < away[1]]
        found["appends_while_away"] = len(inside)
        found["median_ms"] = round(float(np.median(inside)), 4)
        found["percentile_99_ms"] = round(float(np.percentile(inside, 99)), 4)
    print(json.dumps(found))
    subprocess.run(["pkill", "-9", "-f", f"mlflow.*{port}"], check=False)


if __name__ == "__main__":
    main()
