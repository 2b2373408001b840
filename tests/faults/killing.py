"""Runs experiments in processes that are killed: `python tests/faults/killing.py`.

It reads an order a line, forks, lets the child run or resume, kills it as ordered, and
answers with how it ended. Forking saves loading torch for every kill.
"""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch

import curriculum
from curriculum import (
    Adam,
    AdamW,
    Budget,
    Experiment,
    Explicit,
    Geometric,
    Mastery,
    Saving,
    Stage,
    Training,
    Tuning,
)
from curriculum.models import LanguageModel, Recurrent
from curriculum.record.store import Store
from tasks import FirstBit, HumanNumbers

EXPERIMENTS = {
    "first_bit": Experiment(
        task=FirstBit(),
        model=Recurrent(cell="lstm", hidden_size=4),
        growth=Geometric(start=Stage(2), until=Stage(200), factor=1.5),
        criterion=Mastery(threshold=1.0),
        optimizer=Adam(learning_rate=1e-5, betas=(0.9, 0.95)),
        training=Training(look_every=50),
        budget=Budget(steps_per_stage=300),
        tuning=Tuning(mode="stuck", trials=8),
        name="first_bit",
    ),
    "numbers": Experiment(
        task=HumanNumbers(),
        model=LanguageModel(net="every_word", hidden_size=16, carries_state=True),
        growth=Explicit(lengths=(20,), vocab_sizes=(19, 29, 37)),
        criterion=Mastery(threshold=0.42, metric="symbol_accuracy"),
        optimizer=AdamW(learning_rate=3e-4),
        training=Training(batch_size=4, look_every=20, schedule="one_cycle"),
        budget=Budget(steps_per_stage=120),
        tuning=Tuning(mode="stuck", trials=4),
        name="numbers",
    ),
}

WRITES = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}


def run(order: dict[str, Any]) -> int:
    """Begin the run, or go on with it; the exit code."""
    root = Path(order["store"])
    saving = Saving(every=0.05)
    more = {"store": root, "mirror": order["mirror"], "wait": order["wait"], "saving": saving}
    if Store(root).runs():
        result = curriculum.resume("last", **more)
    else:
        result = curriculum.run(EXPERIMENTS[order["experiment"]], 0, **more)
    return 0 if result.status in ("reached", "stopped") else 4


def die_at_write(store: str, number: int) -> None:
    """Be killed right before the disk is touched so often in the store."""
    left = number

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in WRITES and store in str(arguments[0]):
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


def child(order: dict[str, Any]) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    if order["write"] is not None:
        die_at_write(order["store"], order["write"])
    try:
        code = run(order)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        code = 5
    os._exit(code)


def carry_out(order: dict[str, Any]) -> int:
    """Fork, kill, and give the exit code; -9 for a child that was killed."""
    began = time.monotonic()
    number = os.fork()
    if number == 0:
        child(order)
    while True:
        done, status = os.waitpid(number, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        if order["mirror_after"] is not None and seconds > order["mirror_after"]:
            for other in mirrors(order["store"]):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(other, signal.SIGKILL)
        if order["after"] is not None and seconds > order["after"]:
            os.kill(number, signal.SIGKILL)
        time.sleep(0.002)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for line in sys.stdin:
        order = json.loads(line)
        code = carry_out(order)
        while order["drain"] and mirrors(order["store"]):
            time.sleep(0.05)
        print(json.dumps({"code": code}), flush=True)
