"""Runs experiments in processes that are killed: `python tests/faults/killing.py`.

It reads a job a line, forks, lets the child run or resume, kills it as the job says, and
prints how it ended. Forking saves loading torch for every kill.
"""

import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import optuna.samplers  # noqa: F401
import torch._dynamo

import curriculum
import curriculum.models.recurrent_network
import curriculum.runner.loop
from curriculum import (
    Adam,
    AdamW,
    Budget,
    CheckpointPolicy,
    Experiment,
    Explicit,
    Geometric,
    Mastery,
    Portfolio,
    Stage,
    Training,
    Tuning,
)
from curriculum.models import LanguageModel, Recurrent
from curriculum.record import Listener, Record, Store
from curriculum.record.events import NAMES
from curriculum.tasks import FirstBit, HumanNumbers

QUICK = Experiment(
    task=FirstBit(),
    model=Recurrent(cell="gru", hidden_size=8),
    growth=Explicit(lengths=(2, 3, 12)),
    criterion=Mastery(threshold=1.0),
    optimizer=Adam(learning_rate=3e-4),
    training=Training(eval_every=5),
    budget=Budget(steps_per_stage=30),
    tuning=Tuning(mode="exhausted", trials=8),
    name="quick",
)
EXPERIMENTS = {
    "quick": QUICK,
    "untuned": QUICK.replace(tuning=Tuning(), optimizer=Adam(learning_rate=1e-2), name="untuned"),
    "raced": QUICK.replace(
        tuning=Tuning(),
        optimizer=Adam(learning_rate=1e-2),
        training=Training(eval_every=3),
        pacing=Portfolio(least_share=1.0),
        name="raced",
    ),
    "raced_in_vain": QUICK.replace(
        tuning=Tuning(),
        growth=Explicit(lengths=(2, 60)),
        training=Training(eval_every=3),
        pacing=Portfolio(arms=("gated", "combined"), least_share=1.0),
        budget=Budget(steps_per_stage=100, steps=60),
        name="raced_in_vain",
    ),
    "first_bit": Experiment(
        task=FirstBit(),
        model=Recurrent(cell="lstm", hidden_size=4),
        growth=Geometric(start=Stage(2), end=Stage(200), factor=1.5),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=1e-5, betas=(0.9, 0.95)),
        training=Training(eval_every=50),
        budget=Budget(steps_per_stage=300),
        tuning=Tuning(mode="exhausted", trials=8),
        name="first_bit",
    ),
    "numbers": Experiment(
        task=HumanNumbers(),
        model=LanguageModel(net="every_word", hidden_size=16, carries_state=True),
        growth=Explicit(lengths=(20,), vocab_sizes=(19, 29, 37)),
        criterion=Mastery(threshold=0.42, metric="symbol_accuracy"),
        optimizer=AdamW(learning_rate=3e-4),
        training=Training(batch_size=4, eval_every=20, schedule="one_cycle"),
        budget=Budget(steps_per_stage=120),
        tuning=Tuning(mode="exhausted", trials=4),
        name="numbers",
    ),
}

WRITES = {"open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}


def run(job: dict[str, Any]) -> int:
    """Start the run, or resume it; the exit code."""
    root = Path(job["store"])
    more = {
        "store": root,
        "mirror": job["mirror"],
        "wait": job["wait"],
        "checkpoints": CheckpointPolicy(every=0.05),
        "jobs": job["jobs"],
        "listener": None if job["record"] is None else die_at_record(*job["record"]),
    }
    if Store(root).runs():
        result = curriculum.resume("last", **more)
    else:
        result = curriculum.run(EXPERIMENTS[job["experiment"]], 0, **more)
    return 0 if result.status in ("reached", "stopped") else 4


def die_at_record(kind: str, number: int) -> Listener:
    """Be killed right after the record of that number among those of its kind."""
    left = number

    def listener(record: Record) -> None:
        nonlocal left
        if NAMES[type(record.event)] == kind:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return listener


def die_at_write(store: str, number: int, place: str = "*") -> None:
    """Be killed right before the disk is touched so often in the store.

    Only what fits the pattern `place` is counted: it is of an event and a path, as in
    `os.rename */.000001.new`.
    """
    left = number

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event not in WRITES or store not in str(arguments[0]):
            return
        if fnmatch(f"{event} {arguments[0]}", place):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def mirrors(store: str) -> list[int]:
    """The processes that copy runs of the store."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().decode().split("\0")
                if "sync" in command and store in command:
                    found.append(int(entry.name))
    return found


def signal_mirrors(store: str, what: signal.Signals) -> None:
    """Send a signal to the processes that copy runs of the store."""
    for number in mirrors(store):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, what)


def kill_mirrors_at_work(store: str) -> None:
    """Kill them once MLflow holds some of a run's points, before the copy can be complete.

    They are stopped while those are counted, or a busy machine would let them come to their end.
    """
    path = Path(store, "mlflow.db")
    while mirrors(store):
        signal_mirrors(store, signal.SIGSTOP)
        count = 0
        with (
            contextlib.closing(
                sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0)
            ) as database,
            contextlib.suppress(sqlite3.OperationalError),  # stopped within a transaction
        ):
            [(count,)] = database.execute("SELECT COUNT(*) FROM metrics")
        signal_mirrors(store, signal.SIGKILL if count > 0 else signal.SIGCONT)
        time.sleep(0.002)


def child(job: dict[str, Any]) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    if job["write"] is not None:
        die_at_write(job["store"], *job["write"])
    try:
        code = run(job)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        code = 5
    os._exit(code)


def execute(job: dict[str, Any]) -> int:
    """Fork, kill, and give the exit code; -9 for a child that was killed."""
    began = time.monotonic()
    number = os.fork()
    if number == 0:
        child(job)
    while True:
        done, status = os.waitpid(number, os.WNOHANG)
        if done:
            break
        seconds = time.monotonic() - began
        if job["mirror_after"] is not None and seconds > job["mirror_after"]:
            signal_mirrors(job["store"], signal.SIGKILL)
        if job["after"] is not None and seconds > job["after"]:
            os.kill(number, signal.SIGKILL)
        time.sleep(0.002)
    if job["mirror_at_work"]:
        kill_mirrors_at_work(job["store"])
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for line in sys.stdin:
        job = json.loads(line)
        code = execute(job)
        while job["drain"] and mirrors(job["store"]):
            time.sleep(0.05)
        print(json.dumps({"code": code}), flush=True)
