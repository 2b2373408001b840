"""A run whose process is stopped is taken over by another, and ends as it would have; the first writes nothing more."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from interrupted_runs import (
    Wholes,
    contents,
    same,
)
from stopped_experiments import (
    plain,
)

import curriculum
from curriculum import Experiment
from curriculum.config import serialize
from curriculum.record import History, Record, Store, found_lease

SECONDS = 1.5

STOPPED = f"""
import json, os, signal, sys
import torch
import curriculum
from curriculum.config import deserialize
from curriculum.record import Evaluated, found_lease

def stop_once():
    global done
    if not done:
        done = True
        os.kill(os.getpid(), signal.SIGSTOP)

def listener(record):
    if isinstance(record.event, Evaluated) and record.event.visit == 1:
        if place == "between records":
            stop_once()
        globals()["armed"] = True

def write(file, content):
    if place == "amid a record" and armed and not done and content.startswith(b'{{"kind"'):
        count = os_write(file, content[: len(content) // 2])
        stop_once()
        return count
    return os_write(file, content)

def rename(path, new, **more):
    if place == "before a checkpoint gets its name" and armed and str(path).endswith(".new"):
        stop_once()
    os_rename(path, new, **more)

done = armed = False
os_write, os_rename = os.write, os.rename
os.write, os.rename = write, rename
found_lease.LEASE_SECONDS = {SECONDS}
content = json.loads(sys.stdin.read())
place = content["place"]
torch.set_num_threads(content["threads"])
try:
    curriculum.run(
        deserialize(content["experiment"]), 1, store=content["store"], mirror=False, listener=listener
    )
except curriculum.RunFailed as error:
    sys.exit(f"{{type(error).__name__}}: {{error}}")
"""
"""A run that stops itself where it is told to, as a node does that is cut off."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "place", ["between records", "amid a record", "before a checkpoint gets its name"]
)
def test_a_run_whose_process_is_stopped_is_overtaken_and_what_that_writes_later_is_lost(
    tiny: Experiment,
    store: Path,
    wholes: Wholes,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def listener(_: Record) -> None:
        """Wake the first at a record of the second, and see it end."""
        if process.returncode is None and len(records) == before:
            seen = contents(folder)
            process.send_signal(signal.SIGCONT)
            process.wait()
            assert contents(folder) == seen
        records.append(1)

    records: list[int] = []
    monkeypatch.setattr(found_lease, "LEASE_SECONDS", SECONDS)
    content = {
        "experiment": serialize(plain(tiny)),
        "store": str(store),
        "threads": torch.get_num_threads(),
        "place": place,
    }
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stderr is not None
            process.stdin.write(json.dumps(content))
            process.stdin.close()
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status), process.stderr.read()
            folder = Store(store).find("last")
            before = len(History.of(folder).visits[0].evaluations) + 3
            curriculum.resume(
                "last", store=store, mirror=False, listener=listener, wait_for_writer=SECONDS
            )
            assert process.returncode == 1
            error = process.stderr.read()
        finally:
            process.kill()
    assert error.startswith(f"LeaseLost: run {folder.id} is written by another process by now")
    assert len(error.splitlines()) == 1
    assert same(store, wholes("plain", plain(tiny)))
    assert not folder.is_running
    assert folder.stop_note() is None
    left = {path.name for path in folder.path.rglob(".*")}
    assert left == set()
