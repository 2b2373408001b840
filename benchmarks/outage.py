"""Kills MLflow's server amid a run, brings it back, and sees what is missing after.

    python benchmarks/outage.py --away 60
    python benchmarks/outage.py --away 10 --empty      the server comes back with nothing
    python benchmarks/outage.py --away 0 --delay 30    it takes so long for each call

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
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

import curriculum
from curriculum import Adam, Budget, Experiment, Explicit, Mastery, Training
from curriculum.models import Recurrent
from curriculum.record.history import History
from curriculum.record.journal import Journal, Record, read_journal
from curriculum.record.store import RunFolder, Store
from tasks import FirstBit


def experiment(seconds: float) -> Experiment:
    """A run that ends by the clock: at that rate its model learns next to nothing."""
    return Experiment(
        task=FirstBit(),
        model=Recurrent(cell="lstm", hidden_size=20),
        growth=Explicit(lengths=(2, 60)),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=1e-6),
        training=Training(look_every=20),
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
                asked = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
                asked.request("GET", "/health")
                if asked.getresponse().status == 200:
                    asked.close()
                    return
            except OSError:
                time.sleep(0.1)

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def slow_gate(port: int, delay: float) -> ThreadingHTTPServer:
    """A server that hands each call on after a while."""

    class Gate(BaseHTTPRequestHandler):
        def hand_on(self) -> None:
            time.sleep(delay)
            asked = http.client.HTTPConnection("127.0.0.1", port)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.request(self.command, self.path, body, dict(self.headers))
            answer = asked.getresponse()
            content = answer.read()
            asked.close()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = hand_on  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Requests are not worth a line."""

    gate = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    threading.Thread(target=gate.serve_forever, daemon=True).start()
    return gate


def compared(folder: RunFolder, uri: str) -> dict[str, Any]:
    """How MLflow's points for the looks compare with the journal's."""
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
        if record["kind"] == "look":
            moment = int(record["clock"]["time"] * 1000)
            expected[history.total.steps, moment, float(history.total.tokens)] += 1
    there: Counter[tuple[int, int, float]] = Counter()
    for parent in parents:
        for point in client.get_metric_history(parent.info.run_id, "progress/tokens"):
            there[point.step, point.timestamp, point.value] += 1
    return {
        "runs": len(parents),
        "status": [parent.info.status for parent in parents],
        "looks": expected.total(),
        "missing": (expected - there).total(),
        "too_many": (there - expected).total(),
    }


def main() -> None:
    """Run amid an outage, and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--away", type=float, default=60.0, help="seconds; default: 60")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds a call takes")
    parser.add_argument("--empty", action="store_true", help="it comes back with nothing")
    options = parser.parse_args()
    place, port = Path(tempfile.mkdtemp()), free_port()
    server = Server(place, port)
    gate = slow_gate(port, options.delay) if options.delay else None
    uri = f"http://127.0.0.1:{gate.server_address[1] if gate else port}"
    took: list[tuple[float, float]] = []
    write = Journal.write

    def timed(self: Journal, kind: str, content: Mapping[str, Any], *, seconds: float) -> Record:
        began = time.perf_counter()
        record = write(self, kind, content, seconds=seconds)
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
    found = compared(folder, f"http://127.0.0.1:{port}")
    if away:
        inside = [1000 * spent for moment, spent in took if away[0] < moment < away[1]]
        found["appends_while_away"] = len(inside)
        found["median_ms"] = round(float(np.median(inside)), 4)
        found["percentile_99_ms"] = round(float(np.percentile(inside, 99)), 4)
    print(json.dumps(found))
    subprocess.run(["pkill", "-9", "-f", f"mlflow.*{port}"], check=False)


if __name__ == "__main__":
    main()
