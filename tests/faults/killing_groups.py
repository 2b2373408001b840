"""Runs commands of which some process is killed: `python tests/faults/killing_groups.py FOLDER`.

It reads a job a line, forks, lets the child carry out a command in FOLDER, and at the instant that the
job says kills one process of it: the driver, one of its workers, its mirror; or all of them, the group.
It prints how the command ended, whom it killed, and which of its processes were left. Forking saves
loading torch for every command; workers and mirrors are started as they always are.
"""

import contextlib
import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import optuna.samplers  # noqa: F401
import torch._dynamo

from curriculum.cli.main import main

MARK = "CURRICULUM_TEST_GROUP"
"""A variable of the environment that all processes of a job inherit."""

ROLES = {
    "curriculum.tune.worker": "worker",
    "curriculum.sweeps.worker": "worker",
    "sync": "mirror",
}
LEFT_SECONDS = 5.0
DRAIN_SECONDS = 90.0


def members(mark: str, driver: int) -> dict[int, str]:
    """The living processes of a job, and the role of each."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, ValueError):
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                marked = f"{MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0")
                alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
                if marked and alive and int(entry.name) != driver:
                    role = next((ROLES[word] for word in words if word in ROLES), "other")
                    found[int(entry.name)] = role
    return found


def kill(victim: str, mark: str, driver: int, rng: random.Random) -> list[str]:
    """Kill whom the job says, and say whom that was; nobody, where there is none."""
    chosen = {driver: "driver"}
    if victim == "group":
        chosen |= members(mark, driver)
    elif victim != "driver":
        chosen = {number: r for number, r in members(mark, driver).items() if r == victim}
    if victim in ("worker", "mirror") and chosen:
        number = rng.choice(sorted(chosen))
        chosen = {number: chosen[number]}
    killed = []
    for number, role in chosen.items():
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
            killed.append(role)
    return killed


def child(words: list[str], mark: str, output: str) -> None:
    """Carry out a command in this process."""
    os.environ[MARK] = mark
    os.setpgid(0, 0)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    code = 99
    try:
        code = main(words)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def carry_out(job: dict[str, Any], mark: str) -> dict[str, Any]:
    """Carry out a command, kill, and wait until all processes are gone but a mirror at work."""
    began, killed, rng = time.monotonic(), [], random.Random(job["seed"])
    driver = os.fork()
    if driver == 0:
        child(job["words"], mark, job["output"])
    due = job["after"]
    while True:
        done, status = os.waitpid(driver, os.WNOHANG)
        if done:
            break
        if due is not None and time.monotonic() - began > due:
            killed = kill(job["victim"], mark, driver, rng)
            due = None if killed else due + 0.2  # no such process yet: it may still come
        time.sleep(0.005)
    ended = time.monotonic()
    while "worker" in members(mark, driver).values() and time.monotonic() - ended < LEFT_SECONDS:
        time.sleep(0.05)
    left = [role for role in members(mark, driver).values() if role == "worker"]
    while members(mark, driver) and time.monotonic() - ended < DRAIN_SECONDS:
        time.sleep(0.05)
    left += members(mark, driver).values()
    code = os.waitstatus_to_exitcode(status)
    if code != -signal.SIGKILL and "driver" in killed:
        killed.remove("driver")  # it had come to its end the instant before
    return {
        "code": code,
        "killed": killed,
        "left": left,
        "seconds": ended - began,
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.chdir(sys.argv[1])
    for number, line in enumerate(sys.stdin):
        found = carry_out(json.loads(line), f"{os.getpid()}.{number}")
        print(json.dumps(found), flush=True)
